"""One difference: both sides beside each other, what cures it, and what a person can do about it here."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath

from chassis.audit import Subject
from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Table, show_document
from chassis.console.timeline import Moment, in_order, moments_of
from chassis.console.wording import money
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.domain.reconciliation import CURES, DifferenceState
from services.billing.models import Difference, Invoice
from services.billing.pages.difference_deeds import VERBS, actions_of
from services.billing.pages.differences import ABOUTS, KINDS, OPEN, PATH, ROOM, STATES, TONES, owner_fields
from services.billing.pages.doors import invoice_path
from services.billing.queries import differences
from services.billing.stripe_gateway import StripeGateway


@page_at(PATH + "/{difference_id:uuid}", Capability.READ_OPS)
async def show_difference(
    difference_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        difference = await differences.find(session, difference_id)
        invoice = await differences.invoice_of(session, difference)
        owners = await owner_fields(session)
        moments = await moments_of(session, [Subject("difference", difference.id)], VERBS, console.wording)
    document = Document(
        title=f"{ABOUTS[difference.about]}: {KINDS[difference.kind].lower()}",
        room=ROOM,
        up=("Differences from Stripe", OPEN),
        states=(chip(STATES[difference.state], TONES[difference.state]),),
        sentence=_sentence(difference),
        amount=money((difference.ours_cents or 0) - (difference.theirs_cents or 0)),
        amount_note="AUD, ours less Stripe's",
        facts=_facts(difference),
        actions=actions_of(difference, operator, owners, is_connected=gateway is not None),
        sections=[_sides(difference, invoice)],
        timeline=in_order(moments, [Moment(difference.first_seen_at, "Waybill", "saw it first")]),
    )
    return show_document(console, request, document, done)


def _sentence(difference: Difference) -> str:
    if difference.state is DifferenceState.GONE:
        return "The last comparison did not find it any more."
    if difference.state is DifferenceState.ACCEPTED:
        return f"Accepted by {difference.accepted_by_name}: {difference.reason_text}"
    return CURES[difference.code]


def _facts(difference: Difference) -> list[Fact]:
    return [
        Fact("Id at Stripe", Shown(difference.stripe_id or difference.about_key)),
        Fact("Owner", Shown(difference.owner_name)),
        Fact("First seen", Shown(difference.first_seen_at, Kind.AGO)),
        Fact("Changed", Shown(difference.changed_at, Kind.INSTANT)),
        Fact("Accepted because", Shown(difference.reason_code, Kind.WORD)),
    ]


def _sides(difference: Difference, invoice: Invoice | None) -> Table:
    ours = Shown(invoice.number or "Draft", path=invoice_path(invoice.kind, invoice.id)) if invoice else Shown(None)
    return Table(
        "Both sides",
        (("", Kind.TEXT), ("What", Kind.TEXT), ("State", Kind.WORD), ("Amount, AUD", Kind.MONEY)),
        [
            ("Ours", ours, Shown(difference.ours_state, Kind.WORD), Shown(difference.ours_cents, Kind.MONEY)),
            (
                "Stripe's",
                difference.about_key,
                Shown(difference.theirs_state, Kind.WORD),
                Shown(difference.theirs_cents, Kind.MONEY),
            ),
        ],
        note="A side that has nothing of it shows a dash.",
    )


ROUTES = (show_difference,)
