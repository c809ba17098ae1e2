"""One credit or debit: what it is for, what it does, and the second operator's say."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject, audit_entries
from chassis.clock import Clock
from chassis.console import Console, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.business_days import MEANT_FACT, say_left
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Prose, Section, Table, show_document
from chassis.console.documents import Note as DocumentNote
from chassis.console.timeline import Moment, moments_of
from chassis.console.wording import money, sentence, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from contracts.values import AdjustmentType
from services.billing.commands.documents import PDF
from services.billing.commands.house import House
from services.billing.commands.note_gate import blockers_of_note
from services.billing.domain.adjustment_note import NoteLine
from services.billing.domain.adjustments import (
    DecisionObstacle,
    days_to_decide,
    obstacle_to_approval,
    obstacle_to_rejection,
)
from services.billing.domain.printed import PrintedLine
from services.billing.domain.statuses import AdjustmentState, DocumentStatus
from services.billing.http.adjustments import MONEY, Decision, approve, get_adjustment_note, reject
from services.billing.models import Account, Adjustment, CreditRequest, Invoice
from services.billing.pages.adjustments import KINDS, PATH, QUEUE, ROOM, STATES, TONES
from services.billing.pages.credit_proposals import PATH as CREDITS
from services.billing.pages.doors import account_path, invoice_path
from services.billing.pages.second_operator import ANOTHER, NOTES, WHY, ApproveForm, WhyForm
from services.billing.queries import adjustments, documents, invoices

VERBS = {
    "add_adjustment": "asked for it",
    "approve_adjustment": "agreed to it",
    "reject_adjustment": "turned it down",
}


@page_at(PATH + "/{adjustment_id:uuid}", Capability.READ_OPS)
async def show_adjustment(
    adjustment_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        adjustment = await adjustments.find(session, adjustment_id)
        invoice, account = await invoices.with_account(session, adjustment.invoice_id)
        lines = await documents.adjusted_lines(session, adjustment)
        asked = await session.get(CreditRequest, adjustment_id)
        moments = await moments_of(
            session,
            [Subject("invoice", invoice.id)],
            VERBS,
            console.wording,
            audit_entries.c.after["adjustment_id"].astext == str(adjustment_id),
        )
    document = Document(
        title=f"{KINDS[adjustment.type]} on {invoice.number}",
        room=ROOM,
        up=("Adjustments", QUEUE),
        states=(chip(STATES[adjustment.state], TONES.get(adjustment.state, "")),),
        sentence=_sentence(adjustment, account, console),
        amount=money(adjustment.inc_gst_cents),
        amount_note="AUD inc. GST",
        notes=_incomplete(adjustment, invoice, console.clock.now()),
        facts=_facts(adjustment, invoice, account),
        actions=_actions(adjustment, invoice, operator),
        sections=_sections(adjustment, lines),
        timeline=moments or _told_by_itself(adjustment),
        links=_links(adjustment, asked),
    )
    return show_document(console, request, document, done)


def _incomplete(adjustment: Adjustment, invoice: Invoice, now: datetime) -> list[DocumentNote]:
    """What its note would lack, while it can still be turned down; its lines are there once it is agreed to."""
    if adjustment.state is not AdjustmentState.PENDING:
        return []
    line = NoteLine(adjustment.reason_code, adjustment.gst_treatment, adjustment.ex_gst_cents, adjustment.gst_cents)
    missing = blockers_of_note(invoice, adjustment, [line], now)
    items = [(f"{sentence(each.detail)} ({words(each.owner).lower()} mends it)", "") for each in missing]
    title = "Its adjustment note would not be complete, so that it cannot be agreed to"
    return [DocumentNote(title, tone="danger", items=items)] if missing else []


def _links(adjustment: Adjustment, asked: CreditRequest | None) -> list[tuple[str, str]]:
    """The note, and the request from elsewhere that it carries out."""
    note = [("Adjustment note", f"{PATH}/{adjustment.id}/document")] if adjustment.rendered_at else []
    return [*note, *([("What asked for it", f"{CREDITS}/{asked.request_id}")] if asked else [])]


def _sentence(adjustment: Adjustment, account: Account, console: Console) -> str:
    what = f"{KINDS[adjustment.type]} for {account.name}, {words(adjustment.reason_code).lower()}"
    if adjustment.state is AdjustmentState.PENDING:
        left = say_left(days_to_decide(adjustment.asked_at, console.clock.now(), console.wording.zone)) or ""
        return f"{what}. It has no effect until another operator agrees: {left[:1].lower()}{left[1:]}."
    verb = "Agreed to" if adjustment.state is AdjustmentState.APPROVED else "Turned down"
    return f"{what}. {verb} by {adjustment.decided_by_name} on {console.wording.exact(adjustment.decided_at)}."


def _facts(adjustment: Adjustment, invoice: Invoice, account: Account) -> list[Fact]:
    return [
        Fact("Invoice", Shown(invoice.number, path=invoice_path(invoice.kind, invoice.id))),
        Fact("Account", Shown(account.name, path=account_path(account.id))),
        Fact("Reason", Shown(adjustment.reason_code, Kind.WORD)),
        Fact("Ex GST", Shown(adjustment.ex_gst_cents, Kind.MONEY)),
        Fact("GST", Shown(adjustment.gst_cents, Kind.MONEY)),
        Fact("Falls on", f"Line {adjustment.line_no}" if adjustment.line_no else "The whole invoice"),
        Fact("Adjustment note", Shown(adjustment.number)),
        Fact("Asked for by", Shown(adjustment.made_by_name)),
        Fact("Asked for", Shown(adjustment.asked_at, Kind.INSTANT)),
        *([MEANT_FACT] if adjustment.state is AdjustmentState.PENDING else []),
        Fact("Invoice owes", Shown(invoice.owed_cents, Kind.MONEY)),
        Fact("Adjustment id", Shown(str(adjustment.id), Kind.ID)),
    ]


def _sections(adjustment: Adjustment, lines: Sequence[PrintedLine]) -> list[Section]:
    sections: list[Section] = [Prose("Notes", [adjustment.notes])] if adjustment.notes else []
    if lines:
        heads = (("Line", Kind.TEXT), ("Ex GST", Kind.MONEY), ("GST", Kind.MONEY))
        rows = [
            (line.description, Shown(line.ex_gst_cents, Kind.MONEY), Shown(line.gst_cents, Kind.MONEY))
            for line in lines
        ]
        sections.append(Table("What it falls on", heads, rows))
    return sections


def _told_by_itself(adjustment: Adjustment) -> list[Moment]:
    """What the books alone say, where no operator's deed stands in the audit."""
    asked = Moment(adjustment.created_at, adjustment.made_by_name, VERBS["add_adjustment"])
    if adjustment.decided_at is None:
        return [asked]
    verb = VERBS["approve_adjustment" if adjustment.state is AdjustmentState.APPROVED else "reject_adjustment"]
    return [Moment(adjustment.decided_at, adjustment.decided_by_name or "Waybill", verb), asked]


def _actions(adjustment: Adjustment, invoice: Invoice, operator: Operator) -> list[Action]:
    way = obstacle_to_approval(
        adjustment.state,
        is_by_maker=adjustment.made_by_id == operator.id,
        is_invoice_issued=invoice.document_status is DocumentStatus.ISSUED,
        is_written_off=invoice.written_off_cents > 0,
    )
    why = refused(operator, MONEY, way)
    if way is DecisionObstacle.MAKER:
        why["who_can"] = ANOTHER
    path = f"{PATH}/{adjustment.id}"
    return [
        Action(
            "approve",
            "Approve",
            f"{path}/approve",
            effect=_effect(adjustment, invoice),
            fields=(NOTES,),
            done="Agreed to: it is in the books, and its note follows within moments",
            is_primary=True,
            **why,
        ),
        Action(
            "reject",
            "Turn down",
            f"{path}/reject",
            effect="Nothing changes on the invoice, and no adjustment note is made.",
            fields=(WHY,),
            done="Turned down",
            destroys=True,
            **refused(operator, MONEY, obstacle_to_rejection(adjustment.state)),
        ),
    ]


def _effect(adjustment: Adjustment, invoice: Invoice) -> str:
    amount = money(adjustment.inc_gst_cents)
    if adjustment.type is AdjustmentType.DEBIT:
        return f"Charges {amount} more on {invoice.number}; the adjustment note is made and mailed."
    excess = adjustment.inc_gst_cents - invoice.owed_cents
    kept = f" {money(excess)} of it is more than is owed, and is kept for the customer." if excess > 0 else ""
    return f"Takes {amount} off {invoice.number}, which owes {money(invoice.owed_cents)}; the note is mailed.{kept}"


@form_at(PATH + "/{adjustment_id:uuid}/approve", MONEY, step_up=True)
async def approve_by_form(
    adjustment_id: FromPath[UUID],
    data: JSONBody[ApproveForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Redirect:
    await approve.fn(adjustment_id, database, clock, house, operator, Decision(notes=data.notes))
    return console.redirect(f"{PATH}/{adjustment_id}?done=approve")


@form_at(PATH + "/{adjustment_id:uuid}/reject", MONEY)
async def reject_by_form(
    adjustment_id: FromPath[UUID],
    data: JSONBody[WhyForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Redirect:
    await reject.fn(adjustment_id, database, clock, house, operator, Decision(notes=data.notes))
    return console.redirect(f"{PATH}/{adjustment_id}?done=reject")


@page_at(PATH + "/{adjustment_id:uuid}/document", Capability.READ_OPS, media_type=PDF)
async def get_document(adjustment_id: FromPath[UUID], database: Given[Database]) -> Response[bytes]:
    """The adjustment note's very bytes, for the browser."""
    note: Response[bytes] = await get_adjustment_note.fn(adjustment_id, database)
    return note


ROUTES = (show_adjustment, approve_by_form, reject_by_form, get_document)
