"""Any id's money as one document, from the delivery to the journal."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath

from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Document, Note, Section, Table, Told, show_document
from chassis.console.wording import counted, words
from chassis.database import Database
from chassis.http import Given
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.domain.settlement import WriteOffState
from services.billing.domain.statuses import AdjustmentState
from services.billing.pages import adjustments
from services.billing.pages.deliveries import STATUS_TONES
from services.billing.pages.doors import DELIVERIES, account_path, decision_of, invoice_path
from services.billing.pages.invoice_words import status_chip
from services.billing.pages.journal import ACCOUNTS, ROOM
from services.billing.pages.journal import PATH as JOURNAL
from services.billing.queries import trace as queries
from services.billing.queries.trace import Trace

PATH = "/console/trace"
TEXT, MONEY, CHIP, INSTANT = Kind.TEXT, Kind.MONEY, Kind.CHIP, Kind.INSTANT
TONES = {
    AdjustmentState.PENDING: "warning",
    AdjustmentState.APPROVED: "positive",
    WriteOffState.REVERSED: "info",
}
Row = Sequence[Told]


def trace_path(id_: object) -> str:
    return f"{PATH}/{id_}"


@page_at(PATH + "/{id:uuid}", Capability.READ_OPS)
async def show_trace(
    id: FromPath[UUID],  # noqa: A002  # the path's word
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
) -> Response[str]:
    async with database.reading() as session:
        found = await queries.trace(session, id)
    document = Document(
        title="Where the money went",
        room=ROOM,
        up=("Journal", JOURNAL),
        sentence=f"All that the books know of {id}: what was delivered, billed, changed, paid and posted.",
        notes=_left_out(found),
        sections=[section for section in _sections(found, console) if not isinstance(section, Table) or section.rows],
        timeline=None,
    )
    return show_document(console, request, document)


def _left_out(found: Trace) -> list[Note]:
    more = found.line_count - len(found.lines)
    said = counted(more, "line more is not shown", "lines more are not shown")
    return [Note(said, "Open the invoice to see all of them.")] if more else []


def _sections(found: Trace, console: Console) -> Iterator[Section]:
    numbers = {invoice.id: invoice for invoice in found.invoices}
    yield _deliveries(found, console)
    yield _lines(found, numbers)
    yield _invoices(found)
    yield from _changes(found, numbers)
    yield from _money(found, numbers)
    yield _postings(found)


def _deliveries(found: Trace, console: Console) -> Table:
    heads = (
        *(("Delivered", INSTANT), ("Delivery", TEXT), ("Assignment", TEXT), ("Decision", TEXT)),
        *(("Status", CHIP), ("Price, AUD", MONEY)),
    )
    return _table(
        "Deliveries",
        heads,
        found.deliveries,
        lambda it: (
            Shown(it.delivered_at, INSTANT),
            Shown(words(it.service), path=f"{DELIVERIES}/{it.id}"),
            Shown(str(it.assignment_id), Kind.ID),
            decision_of(it, console),
            Shown(it.event_status, CHIP, tones=STATUS_TONES),
            Shown(it.unit_price_cents, MONEY),
        ),
    )


def _lines(found: Trace, numbers: dict[UUID, Any]) -> Table:
    heads = (("Invoice", TEXT), ("Line", Kind.NUMBER), ("Description", TEXT), ("Inc. GST, AUD", MONEY))
    return _table(
        "Lines",
        heads,
        found.lines,
        lambda it: (
            _invoice(numbers.get(it.invoice_id)),
            Shown(it.line_no, Kind.NUMBER),
            it.description if it.is_live else f"{it.description} (fell with its invoice)",
            Shown(it.inc_gst_cents, MONEY),
        ),
    )


def _invoices(found: Trace) -> Table:
    heads = (("Invoice", TEXT), ("State", CHIP), ("Issued", INSTANT), ("Total, AUD", MONEY), ("Owed, AUD", MONEY))
    return _table(
        "Invoices",
        heads,
        found.invoices,
        lambda it: (
            _invoice(it),
            status_chip(it.status, is_overdue=False),
            Shown(it.issued_at, INSTANT),
            Shown(it.total_cents, MONEY),
            Shown(it.owed_cents, MONEY),
        ),
    )


def _changes(found: Trace, numbers: dict[UUID, Any]) -> Iterator[Table]:
    heads = (("Document", TEXT), ("Invoice", TEXT), ("State", CHIP), ("Inc. GST, AUD", MONEY))
    yield _table(
        "Credits and debits",
        heads,
        found.adjustments,
        lambda it: (
            Shown(it.number or words(it.type), path=f"{adjustments.PATH}/{it.id}"),
            _invoice(numbers.get(it.invoice_id)),
            Shown(it.state, CHIP, tones=TONES),
            Shown(it.inc_gst_cents, MONEY),
        ),
    )
    yield _table(
        "Write-offs",
        (("Reason", TEXT), *heads[1:]),
        found.write_offs,
        lambda it: (
            words(it.reason_code),
            _invoice(numbers.get(it.invoice_id)),
            Shown(it.state, CHIP, tones=TONES),
            Shown(it.amount_cents, MONEY),
        ),
    )


def _money(found: Trace, numbers: dict[UUID, Any]) -> Iterator[Table]:
    yield _table(
        "Receipts",
        (("Received", INSTANT), ("Account", TEXT), ("Amount, AUD", MONEY), ("Rest, AUD", MONEY)),
        found.receipts,
        lambda it: (
            Shown(it.received_at, INSTANT),
            Shown("Account", path=account_path(it.account_id)),
            Shown(it.amount_cents, MONEY),
            Shown(it.rest_cents, MONEY),
        ),
    )
    yield _table(
        "Payments",
        (("Received", INSTANT), ("Invoice", TEXT), ("Method", TEXT), ("Reference", TEXT), ("Amount, AUD", MONEY)),
        found.payments,
        lambda it: (
            Shown(it.received_at, INSTANT),
            _invoice(numbers.get(it.invoice_id)),
            words(it.method),
            Shown(it.external_payment_ref or it.reference),
            Shown(it.amount_cents, MONEY),
        ),
    )
    yield _table(
        "Reversals",
        (("Reversed", INSTANT), ("Reason", TEXT), ("Of", TEXT), ("Amount, AUD", MONEY)),
        found.reversals,
        lambda it: (
            Shown(it.reversed_at, INSTANT),
            words(it.reason_code),
            "A payment" if it.payment_id else "A receipt's rest",
            Shown(it.amount_cents, MONEY),
        ),
    )


def _postings(found: Trace) -> Table:
    heads = (("Dated", INSTANT), ("What happened", TEXT), ("Account", TEXT), ("Debit, AUD", MONEY), ("Credit", MONEY))
    rows = [
        (
            Shown(each.posting.occurred_at, INSTANT),
            Shown(words(each.posting.kind), path=f"{JOURNAL}/{each.posting.id}"),
            Shown(ACCOUNTS[entry.account]),
            Shown(max(0, entry.amount_cents), MONEY),
            Shown(max(0, -entry.amount_cents), MONEY),
        )
        for each in found.postings
        for entry in each.entries
    ]
    cents = [entry.amount_cents for each in found.postings for entry in each.entries]
    foot = ("Sum", "", "", Shown(sum(c for c in cents if c > 0), MONEY), Shown(-sum(c for c in cents if c < 0), MONEY))
    return Table("Postings", heads, rows, foot=foot)


def _table(title: str, heads: Sequence[tuple[str, Kind]], rows: Sequence[Any], tell: Callable[[Any], Row]) -> Table:
    return Table(title, heads, [tell(row) for row in rows])


def _invoice(invoice: Any) -> Shown:
    if invoice is None:
        return Shown(None)
    return Shown(invoice.number or "Draft", path=invoice_path(InvoiceKind(invoice.kind), invoice.id))


ROUTES = (show_trace,)
