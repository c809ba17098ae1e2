"""One event of Stripe's: what came of it, and what a person does where nothing can."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Table, Told, show_document
from chassis.console.timeline import Moment, in_order, moments_of
from chassis.console.wording import counted, sentence
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.domain.statuses import StripeEventState
from services.billing.domain.webhooks import (
    WEBHOOK_TYPES,
    WebhookUse,
    obstacle_to_retrying,
    obstacle_to_settling,
)
from services.billing.http.stripe import post_ignore_stripe_event, post_retry_stripe_event
from services.billing.models import Difference, Invoice, StripeEvent
from services.billing.pages.differences import ABOUTS, KINDS
from services.billing.pages.differences import PATH as DIFFERENCES
from services.billing.pages.differences import STATES as STATES_OF_DIFFERENCES
from services.billing.pages.doors import invoice_path
from services.billing.pages.reasons import IF_GIVEN, REASON
from services.billing.pages.stripe_events import PATH, QUEUE, ROOM, STATES, TONES, IgnoreForm, RetryForm
from services.billing.queries import differences, stripe_events

MONEY = Capability.MANAGE_BILLING_OPS
VERBS = {"retry_stripe_event": "gave it another turn", "ignore_stripe_event": "ignored it"}
NEXT = {
    StripeEventState.PENDING: "Stripe is asked about it by itself",
    StripeEventState.COMPARED: "What Stripe has of it was looked up and held against our books",
    StripeEventState.KEPT: "Nothing is asked when such an event comes",
    StripeEventState.PROCESSED: "What Stripe has is in the books",
    StripeEventState.IGNORED: "Nothing follows from it",
    StripeEventState.UNMATCHED: "It goes on by itself once an invoice names its Stripe invoice",
    StripeEventState.HELD: "It waits until what holds it is mended, or until it is ignored",
    StripeEventState.UNASKED: (
        "Nobody can ask Stripe: set STRIPE_API_KEY and it goes on by itself, or do by hand what Stripe shows and "
        "ignore it"
    ),
}


@page_at(PATH + "/{stripe_event_id:uuid}", Capability.READ_OPS)
async def show_stripe_event(
    stripe_event_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        event, invoice = await stripe_events.with_invoice(session, stripe_event_id)
        differing = await differences.of_subject(session, event.about, event.about_key)
        moments = await moments_of(session, [Subject("stripe_event", event.id)], VERBS, console.wording)
    document = Document(
        title=event.event_id,
        room=ROOM,
        up=("Stripe events", QUEUE),
        states=(chip(STATES[event.state], TONES.get(event.state, "")),),
        sentence=f"{_next(event)}.",
        facts=_facts(event, invoice),
        actions=_actions(event, operator),
        sections=[_payments(event.held_references) if event.about is None else _differing(differing)],
        timeline=in_order(moments, [_arrival(event)]),
    )
    return show_document(console, request, document, done)


def _next(event: StripeEvent) -> str:
    is_nightly = WEBHOOK_TYPES.get(event.type) in {WebhookUse.NIGHTLY, WebhookUse.COMPARED}
    if event.state is StripeEventState.KEPT and is_nightly:
        return "The nightly comparison looks at what it is about"
    return NEXT[event.state]


def _arrival(event: StripeEvent) -> Moment:
    if event.was_missed:
        return Moment(event.received_at, "Waybill", f"found it in Stripe's own list: {event.type}")
    return Moment(event.received_at, "Stripe", f"sent it: {event.type}")


def _facts(event: StripeEvent, invoice: Invoice | None) -> list[Fact]:
    number = Shown(invoice.number, path=invoice_path(invoice.kind, invoice.id)) if invoice else Shown(None)
    return [
        Fact("Type", event.type),
        Fact("Stripe invoice", Shown(event.stripe_invoice_id)),
        Fact("Invoice", number),
        Fact("Compared as", Shown(event.about and ABOUTS[event.about])),
        Fact("Compared by", Shown(event.about_key)),
        Fact("Received", Shown(event.received_at, Kind.INSTANT)),
        Fact("Attempts", Shown(event.attempts, Kind.NUMBER)),
        Fact("Next attempt", _next_attempt(event)),
        Fact("Settled", Shown(event.settled_at, Kind.INSTANT)),
        Fact("What was seen", Shown(sentence(event.detail) if event.detail else None)),
    ]


def _next_attempt(event: StripeEvent) -> Shown:
    return Shown(event.next_attempt_at if event.state is StripeEventState.PENDING else None, Kind.INSTANT)


def _payments(references: Sequence[str]) -> Table:
    return Table(
        "Payments that are not in the books",
        (("Payment at Stripe", Kind.TEXT),),
        [(reference,) for reference in references],
        empty="There is none that could not be recorded.",
    )


def _differing(differing: Sequence[Difference]) -> Table:
    heads = (("Difference", Kind.TEXT), ("State", Kind.TEXT), ("Ours, AUD", Kind.MONEY), ("Stripe's, AUD", Kind.MONEY))
    rows: list[tuple[Told, ...]] = [
        (
            Shown(f"{ABOUTS[each.about]}: {KINDS[each.kind].lower()}", path=f"{DIFFERENCES}/{each.id}"),
            STATES_OF_DIFFERENCES[each.state],
            Shown(each.ours_cents, Kind.MONEY),
            Shown(each.theirs_cents, Kind.MONEY),
        )
        for each in differing
    ]
    return Table("What differs of it", heads, rows, empty="Our books and Stripe say the same of it.")


def _actions(event: StripeEvent, operator: Operator) -> list[Action]:
    why_not_again = refused(operator, MONEY, obstacle_to_retrying(event.state))
    why = refused(operator, MONEY, obstacle_to_settling(event.state))
    path = f"{PATH}/{event.id}"
    held = counted(len(event.held_references), "payment that it holds", "payments that it holds")
    return [
        Action(
            "retry",
            "Try again",
            f"{path}/retry",
            effect="Asks Stripe once more what was paid, and records what is not in the books yet.",
            fields=(IF_GIVEN,),
            done="Stripe is asked again within moments",
            is_primary=True,
            **why_not_again,
        ),
        Action(
            "ignore",
            "Ignore",
            f"{path}/ignore",
            effect=f"Settles it without a record: {held} will be passed over for good."
            if event.held_references
            else "Settles it without a record.",
            fields=(REASON,),
            done="Ignored",
            destroys=True,
            **why,
        ),
    ]


@form_at(PATH + "/{stripe_event_id:uuid}/retry", MONEY)
async def retry_by_form(
    stripe_event_id: FromPath[UUID],
    data: JSONBody[RetryForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await post_retry_stripe_event.fn(stripe_event_id, database, clock, operator, data)
    return console.redirect(f"{PATH}/{stripe_event_id}?done=retry")


@form_at(PATH + "/{stripe_event_id:uuid}/ignore", MONEY, step_up=True)
async def ignore_by_form(
    stripe_event_id: FromPath[UUID],
    data: JSONBody[IgnoreForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await post_ignore_stripe_event.fn(stripe_event_id, data, database, clock, operator)
    return console.redirect(f"{PATH}/{stripe_event_id}?done=ignore")


ROUTES = (show_stripe_event, retry_by_form, ignore_by_form)
