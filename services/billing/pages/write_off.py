"""One write-off: what it is for, what it does to the books, the second operator's say, and taking it back."""

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
from chassis.console.documents import Document, Done, Fact, Prose, Section, show_document
from chassis.console.timeline import moments_of
from chassis.console.wording import money, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.domain.settlement import (
    WriteOffObstacle,
    WriteOffState,
    obstacle_to_approval,
    obstacle_to_rejection,
    obstacle_to_reversal,
)
from services.billing.domain.statuses import DocumentStatus
from services.billing.http.adjustments import Decision
from services.billing.http.write_offs import (
    MONEY,
    WriteOffReversal,
    post_approve_write_off,
    post_reject_write_off,
    post_reverse_write_off,
)
from services.billing.models import Account, Invoice, WriteOff
from services.billing.pages.doors import account_path, invoice_path
from services.billing.pages.second_operator import ANOTHER, NOTES, WHY, ApproveForm, WhyForm
from services.billing.pages.write_offs import PATH, QUEUE, ROOM, STATES, TONES
from services.billing.queries import invoices, write_offs

VERBS = {
    "ask_write_off": "asked for it",
    "approve_write_off": "agreed to it",
    "reject_write_off": "turned it down",
    "reverse_write_off": "took it back",
}


@page_at(PATH + "/{write_off_id:uuid}", Capability.READ_OPS)
async def show_write_off(
    write_off_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        written = await write_offs.find(session, write_off_id)
        invoice, account = await invoices.with_account(session, written.invoice_id)
        moments = await moments_of(
            session,
            [Subject("invoice", invoice.id)],
            VERBS,
            console.wording,
            audit_entries.c.after["write_off_id"].astext == str(write_off_id),
        )
    document = Document(
        title=f"Write-off of {invoice.number}",
        room=ROOM,
        up=("Write-offs", QUEUE),
        states=(chip(STATES[written.state], TONES.get(written.state, "")),),
        sentence=_sentence(written, account, console),
        amount=money(written.amount_cents),
        amount_note="AUD inc. GST",
        facts=_facts(written, invoice, account),
        actions=_actions(written, invoice, operator),
        sections=_sections(written),
        timeline=moments,
    )
    return show_document(console, request, document, done)


def _sentence(written: WriteOff, account: Account, console: Console) -> str:
    what = f"{account.name}, {words(written.reason_code).lower()}"
    match written.state:
        case WriteOffState.PENDING:
            return f"{what}. It has no effect until another operator agrees."
        case WriteOffState.REVERSED:
            return f"{what}. {written.reversed_by_name} took it back on {console.wording.exact(written.reversed_at)}."
        case _:
            verb = "Agreed to" if written.state is WriteOffState.APPROVED else "Turned down"
            return f"{what}. {verb} by {written.decided_by_name} on {console.wording.exact(written.decided_at)}."


def _facts(written: WriteOff, invoice: Invoice, account: Account) -> list[Fact]:
    return [
        Fact("Invoice", Shown(invoice.number, path=invoice_path(invoice.kind, invoice.id))),
        Fact("Account", Shown(account.name, path=account_path(account.id))),
        Fact("Reason", Shown(written.reason_code, Kind.WORD)),
        Fact("Lost, ex GST", Shown(written.amount_cents - written.gst_cents, Kind.MONEY)),
        Fact("GST taken back", Shown(written.gst_cents, Kind.MONEY)),
        Fact("Asked for by", Shown(written.made_by_name)),
        Fact("Asked for", Shown(written.created_at, Kind.INSTANT)),
        Fact("Invoice owes", Shown(invoice.owed_cents, Kind.MONEY)),
        Fact("Write-off id", Shown(str(written.id), Kind.ID)),
    ]


def _sections(written: WriteOff) -> list[Section]:
    said = (("Why", written.notes), ("Why it was taken back", written.reversal_reason))
    return [Prose(title, [text]) for title, text in said if text]


def _actions(written: WriteOff, invoice: Invoice, operator: Operator) -> list[Action]:
    path = f"{PATH}/{written.id}"
    return [
        _approve(written, invoice, operator, path),
        Action(
            "reject",
            "Turn down",
            f"{path}/reject",
            effect="Nothing changes on the invoice: it is owed as it was.",
            fields=(WHY,),
            done="Turned down",
            destroys=True,
            **refused(operator, MONEY, obstacle_to_rejection(written.state)),
        ),
        Action(
            "reverse",
            "Take it back",
            f"{path}/reverse",
            effect=f"{money(written.amount_cents)} is owed on {invoice.number} again, with its GST. Do it before a "
            "payment that came after all is recorded.",
            fields=(WHY,),
            done="Taken back: it is owed again",
            destroys=True,
            **refused(operator, MONEY, obstacle_to_reversal(written.state)),
        ),
    ]


def _approve(written: WriteOff, invoice: Invoice, operator: Operator, path: str) -> Action:
    way = obstacle_to_approval(
        written.state,
        is_by_maker=written.made_by_id == operator.id,
        is_invoice_issued=invoice.document_status is DocumentStatus.ISSUED,
        is_what_is_owed=written.amount_cents == invoice.owed_cents,
    )
    why = refused(operator, MONEY, way)
    if way is WriteOffObstacle.MAKER:
        why["who_can"] = ANOTHER
    return Action(
        "approve",
        "Approve",
        f"{path}/approve",
        effect=f"{money(written.amount_cents)} of {invoice.number} is not waited for any more; "
        f"{money(written.gst_cents)} of GST is taken back.",
        fields=(NOTES,),
        done="Agreed to: it is in the books",
        is_primary=True,
        **why,
    )


@form_at(PATH + "/{write_off_id:uuid}/approve", MONEY, step_up=True)
async def approve_by_form(
    write_off_id: FromPath[UUID],
    data: JSONBody[ApproveForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await post_approve_write_off.fn(write_off_id, database, clock, operator, Decision(notes=data.notes))
    return console.redirect(f"{PATH}/{write_off_id}?done=approve")


@form_at(PATH + "/{write_off_id:uuid}/reject", MONEY)
async def reject_by_form(
    write_off_id: FromPath[UUID],
    data: JSONBody[WhyForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await post_reject_write_off.fn(write_off_id, database, clock, operator, Decision(notes=data.notes))
    return console.redirect(f"{PATH}/{write_off_id}?done=reject")


@form_at(PATH + "/{write_off_id:uuid}/reverse", MONEY, step_up=True)
async def reverse_by_form(
    write_off_id: FromPath[UUID],
    data: JSONBody[WhyForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await post_reverse_write_off.fn(write_off_id, WriteOffReversal(notes=data.notes), database, clock, operator)
    return console.redirect(f"{PATH}/{write_off_id}?done=reverse")


ROUTES = (show_write_off, approve_by_form, reject_by_form, reverse_by_form)
