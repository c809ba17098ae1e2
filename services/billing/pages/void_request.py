"""One void over the limit: what it takes away, and the second operator's say."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject, audit_entries
from chassis.clock import Clock
from chassis.console import Console, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Prose, show_document
from chassis.console.timeline import moments_of
from chassis.console.wording import money, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.commands.void_requests import obstacle_to_approval
from services.billing.domain.voids import VoidObstacle, VoidState, obstacle_to_rejection
from services.billing.http.adjustments import Decision
from services.billing.http.voids import MONEY, post_approve_void, post_reject_void
from services.billing.models import Account, Invoice, VoidRequest
from services.billing.pages.doors import account_path, invoice_path
from services.billing.pages.invoice_words import gone_with_it
from services.billing.pages.second_operator import ANOTHER, NOTES, WHY, ApproveForm, WhyForm
from services.billing.pages.void_requests import PATH, QUEUE, ROOM, STATES, TONES
from services.billing.queries import invoices, void_requests

VERBS = {
    "ask_void": "asked for it",
    "approve_void": "agreed to it",
    "reject_void": "turned it down",
}


@page_at(PATH + "/{void_request_id:uuid}", Capability.READ_OPS)
async def show_void_request(
    void_request_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        asked = await void_requests.find(session, void_request_id)
        invoice, account = await invoices.with_account(session, asked.invoice_id)
        moments = await moments_of(
            session,
            [Subject("invoice", invoice.id)],
            VERBS,
            console.wording,
            audit_entries.c.after["void_request_id"].astext == str(void_request_id),
        )
    document = Document(
        title=f"Void of {invoice.number}",
        room=ROOM,
        up=("Voids", QUEUE),
        states=(chip(STATES[asked.state], TONES.get(asked.state, "")),),
        sentence=_sentence(asked, account, console),
        amount=money(asked.amount_cents),
        amount_note="AUD inc. GST",
        facts=_facts(asked, invoice, account),
        actions=_actions(asked, invoice, operator),
        sections=[Prose("Why", [asked.notes])] if asked.notes else [],
        timeline=moments,
    )
    return show_document(console, request, document, done)


def _sentence(asked: VoidRequest, account: Account, console: Console) -> str:
    what = f"{account.name}, {words(asked.reason_code).lower()}"
    if asked.state is VoidState.PENDING:
        return f"{what}. It has no effect until another operator agrees."
    verb = "Agreed to" if asked.state is VoidState.APPROVED else "Turned down"
    return f"{what}. {verb} by {asked.decided_by_name} on {console.wording.exact(asked.decided_at)}."


def _facts(asked: VoidRequest, invoice: Invoice, account: Account) -> list[Fact]:
    return [
        Fact("Invoice", Shown(invoice.number, path=invoice_path(invoice.kind, invoice.id))),
        Fact("Account", Shown(account.name, path=account_path(account.id))),
        Fact("Reason", Shown(asked.reason_code, Kind.WORD)),
        Fact("Asked for by", Shown(asked.made_by_name)),
        Fact("Asked for", Shown(asked.created_at, Kind.INSTANT)),
        Fact("Invoice owes", Shown(invoice.owed_cents, Kind.MONEY)),
        Fact("Void id", Shown(str(asked.id), Kind.ID)),
    ]


def _actions(asked: VoidRequest, invoice: Invoice, operator: Operator) -> list[Action]:
    path = f"{PATH}/{asked.id}"
    return [
        _approve(asked, invoice, operator, path),
        Action(
            "reject",
            "Turn down",
            f"{path}/reject",
            effect="Nothing changes on the invoice: it is owed as it was.",
            fields=(WHY,),
            done="Turned down",
            destroys=True,
            **refused(operator, MONEY, obstacle_to_rejection(asked.state)),
        ),
    ]


def _approve(asked: VoidRequest, invoice: Invoice, operator: Operator, path: str) -> Action:
    way = obstacle_to_approval(invoice, asked, operator.id)
    why = refused(operator, MONEY, way)
    if way is VoidObstacle.MAKER:
        why["who_can"] = ANOTHER
    return Action(
        "approve",
        "Approve",
        f"{path}/approve",
        effect=f"{invoice.number} is void: its {money(asked.amount_cents)} is not owed any more, and its number stays "
        "taken. What it billed can be billed again. Where it is at Stripe, void it there. "
        + gone_with_it(invoice.credits_cents, invoice.debits_cents),
        fields=(NOTES,),
        done="Agreed to: the invoice is void",
        is_primary=True,
        **why,
    )


@form_at(PATH + "/{void_request_id:uuid}/approve", MONEY, step_up=True)
async def approve_by_form(
    void_request_id: FromPath[UUID],
    data: JSONBody[ApproveForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await post_approve_void.fn(void_request_id, database, clock, operator, Decision(notes=data.notes))
    return console.redirect(f"{PATH}/{void_request_id}?done=approve")


@form_at(PATH + "/{void_request_id:uuid}/reject", MONEY)
async def reject_by_form(
    void_request_id: FromPath[UUID],
    data: JSONBody[WhyForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await post_reject_void.fn(void_request_id, database, clock, operator, Decision(notes=data.notes))
    return console.redirect(f"{PATH}/{void_request_id}?done=reject")


ROUTES = (show_void_request, approve_by_form, reject_by_form)
