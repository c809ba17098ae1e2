"""The step of a month's close that keeps Stripe's ids of its drafts: one by one, or a list that is looked at first."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar.params import JSONBody
from litestar.response import Redirect
from pydantic import StringConstraints
from sqlalchemy import Row

from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Note, Table, Told
from chassis.console.fields import FieldKind, FormField
from chassis.console.wording import counted
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.commands.adjusting import Decider
from services.billing.commands.many_references import ImportedReference, look_at_references
from services.billing.commands.reference_imports import (
    given_of,
    keep_import,
    latest_import,
    propose_import,
)
from services.billing.domain.references import MOST_REFERENCES, ReferenceResult, read_references
from services.billing.errors import ReferencesUnreadable
from services.billing.http.month_close import record_kept
from services.billing.models import Account, Invoice, ReferenceImport
from services.billing.pages.doors import INVOICES, invoice_path
from services.billing.pages.month_page import PATH, Close, Month, MonthStep
from services.billing.pages.month_screens import MOST_ROWS, Screen, more, said
from services.billing.pages.reasons import IF_GIVEN, Reason
from services.billing.queries import months

MONEY = Capability.MANAGE_BILLING_OPS
LOOK, KEEP = "look", "keep"
LONGEST_LIST = 500_000
LARGEST_LIST_BYTES = 3 * LONGEST_LIST
"""As a form brings it: a comma takes three bytes."""

RESULTS = {
    ReferenceResult.KEPT: ("Is kept", "positive", "Its draft gets the reference"),
    ReferenceResult.UNCHANGED: ("Stands already", "", "Its draft has this reference"),
    ReferenceResult.REPEATED: (
        "Refused",
        "danger",
        "The list names the invoice or the reference twice: say which counts",
    ),
    ReferenceResult.UNKNOWN: ("Refused", "danger", "There is no invoice of this id"),
    ReferenceResult.OF_ANOTHER_MONTH: ("Refused", "danger", "The invoice is of another month"),
    ReferenceResult.NOT_A_DRAFT: ("Refused", "danger", "It is issued or void: its reference stays"),
    ReferenceResult.TAKEN: ("Refused", "danger", "Another invoice has this reference"),
}


async def _show(close: Close) -> Screen:
    drafts = await months.drafts(close.session, close.period, MOST_ROWS, close.installer_ids)
    last = await latest_import(close.session, close.period.name)
    notes, tables, actions = [], [], [_looking(close)]
    if last is not None and last.kept_at is None:
        results = await look_at_references(close.session, close.period.name, given_of(last))
        notes.append(_looked_at(last, results))
        tables.append(Table("What the list would keep", RESULT_HEADS, [_result_row(each) for each in results]))
        actions.insert(0, _keeping(close, last, results))
    elif last is not None:
        notes.append(_kept(last))
    tables.append(_drafts_table(close, drafts))
    text = (
        "The issue takes the reference that the draft keeps. Its form and that no other invoice has it are checked "
        "here; with a Stripe key set, the issue looks it up, and its total has to be ours to the cent."
    )
    return Screen("Stripe references", text, notes=notes, actions=actions, tables=tables)


RESULT_HEADS = (
    ("Installer", Kind.TEXT),
    ("Total", Kind.MONEY),
    ("Stripe invoice", Kind.TEXT),
    ("Until now", Kind.TEXT),
    ("What becomes of it", Kind.CHIP),
    ("Why", Kind.TEXT),
)


def _result_row(each: ImportedReference) -> Sequence[Told]:
    word, tone, why = RESULTS[each.result]
    return (
        Shown(each.account_name or "Unknown", path=f"{INVOICES}/{each.given.invoice_id}" if each.account_name else ""),
        Shown(each.total_cents, Kind.MONEY),
        each.given.stripe_invoice_id,
        each.before or "",
        chip(word, tone),
        said(why),
    )


def _looked_at(last: ReferenceImport, results: Sequence[ImportedReference]) -> Note:
    kept = sum(each.result is ReferenceResult.KEPT for each in results)
    left_out = sum(each.result.is_refused for each in results)
    return Note(
        f"Nothing is kept yet: the list would keep {counted(kept, 'reference', 'references')}",
        f"{last.made_by_name} sent it. {counted(left_out, 'line is', 'lines are')} refused, each with why below.",
        "warning" if left_out else "info",
    )


def _kept(last: ReferenceImport) -> Note:
    kept = counted(last.kept_count or 0, "reference was", "references were")
    return Note(f"{kept} kept from the last list", f"{last.kept_by_name} kept it.", "positive")


def _drafts_table(close: Close, drafts: Sequence[Row[Invoice, Account]]) -> Table:
    rows = sorted(drafts, key=lambda row: row[0].stripe_invoice_id is not None)
    heads = (("Installer", Kind.TEXT), ("Total", Kind.MONEY), ("Stripe invoice", Kind.TEXT), ("", Kind.TEXT))
    return Table(
        "Drafts",
        heads,
        [_draft_row(invoice, account) for invoice, account in rows],
        empty="No draft of the month waits.",
        more=more(close.figures.draft_count, close.drafts_path, len(rows)),
    )


def _draft_row(invoice: Invoice, account: Account) -> Sequence[Told]:
    path = invoice_path(invoice.kind, invoice.id)
    reference = invoice.stripe_invoice_id
    door = (
        Shown("Compare with Stripe", path=f"{path}/stripe-comparison")
        if reference
        else Shown("Keep its reference", path=f"{path}#do-keep_reference")
    )
    return (
        Shown(account.name, path=path),
        Shown(invoice.total_cents, Kind.MONEY),
        Shown(reference, path=invoice.stripe_invoice_url or "") if reference else chip("None yet", "warning"),
        door,
    )


def _looking(close: Close) -> Action:
    return Action(
        LOOK,
        "Look at a list of references",
        f"{STEP.path(close.period.name)}/look",
        effect="Tells what would become of each line. Nothing is kept by it.",
        fields=(
            FormField(
                "references",
                "The list as CSV",
                FieldKind.PROSE,
                is_required=True,
                hint="The month's export with Stripe's ids filled in, or the columns invoice_id, stripe_invoice_id and "
                f"stripe_invoice_url alone; up to {MOST_REFERENCES} references at once",
                longest=LONGEST_LIST,
            ),
        ),
        done="Looked at: what would become of each line is below",
        **refused(close.operator, MONEY, None if close.figures.draft_count else "no draft of the month waits for one"),
    )


def _keeping(close: Close, last: ReferenceImport, results: Sequence[ImportedReference]) -> Action:
    kept = sum(each.result is ReferenceResult.KEPT for each in results)
    return Action(
        KEEP,
        f"Keep {counted(kept, 'reference', 'references')}",
        f"{STEP.path(close.period.name)}/keep",
        effect="Each draft keeps its own until its issue. Nothing is issued or mailed by it.",
        fields=(IF_GIVEN,),
        hidden={"import_id": str(last.id)},
        is_primary=True,
        **refused(close.operator, MONEY, None if kept else "no line of the list can be kept"),
    )


def _state(close: Close) -> str:
    lacking = close.counts.without_reference
    return f"{counted(lacking, 'draft lacks', 'drafts lack')} one" if lacking else "None lacks"


STEP = MonthStep("references", "Stripe references", _state, _show)


class LookForm(Form):
    references: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_LIST)]


class KeepForm(Form):
    import_id: UUID
    reason: Reason | None = None


@form_at(PATH + "/{month:str}/references/look", MONEY, request_max_body_size=LARGEST_LIST_BYTES)
async def look_by_form(
    month: Month,
    data: JSONBody[LookForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    given, unread = read_references(data.references)
    if unread:
        raise ReferencesUnreadable(unread)
    async with database.transaction() as session:
        await propose_import(session, month, given, Decider(operator.id, operator.name), clock.now())
    return console.redirect(f"{STEP.path(month)}?done={LOOK}")


@form_at(PATH + "/{month:str}/references/keep", MONEY)
async def keep_by_form(
    month: Month,
    data: JSONBody[KeepForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        by = Decider(operator.id, operator.name)
        results = await keep_import(session, month, data.import_id, by, clock.now())
        await record_kept(session, results, operator, data.reason)
    return console.redirect(STEP.path(month))


ROUTES = (look_by_form, keep_by_form)
