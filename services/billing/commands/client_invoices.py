"""A client's invoice: one per closed board, its lines open until it is sent; after a void one, another."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.causation import Cause
from chassis.constraints import flush_or_refuse
from chassis.ids import new_id
from contracts.billing import InvoiceDrafted
from contracts.values import GstTreatment, InvoiceKind
from services.billing.commands.accounts import AccountState, apply_account_states
from services.billing.domain import gst
from services.billing.domain.gst import Amounts, Priced
from services.billing.domain.journal import CURRENCY
from services.billing.domain.statuses import DocumentStatus
from services.billing.errors import BoardIsBilled, NotADraft, NotOfThisKind, NotVoid, VersionConflict
from services.billing.models import Invoice, InvoiceLine
from services.billing.queries import invoices

FIRST_VERSION = 1


@dataclass(frozen=True, slots=True)
class ClosedBoard:
    """`amount_cents` is ex GST, as contracted; `client` is the client as it was at the close."""

    board_id: UUID
    title: str
    client: AccountState
    amount_cents: int
    purchase_order: str | None
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A negative price takes something off the draft: after issue only a credit does."""

    description: str
    quantity: int
    unit_price_cents: int
    gst_treatment: GstTreatment = GstTreatment.TAXABLE

    @property
    def priced(self) -> Priced:
        return Priced(self.quantity * self.unit_price_cents, self.gst_treatment)


@dataclass(frozen=True, slots=True)
class SetLines:
    """`version` is the invoice's as the editor saw it: two editors do not undo each other unseen."""

    invoice_id: UUID
    version: int
    lines: Sequence[DraftLine]


async def draft_board_invoices(session: AsyncSession, boards: Sequence[ClosedBoard], now: datetime) -> None:
    """One draft with one line per board; a board that has its invoice keeps it, whatever became of it."""
    await apply_account_states(session, [board.client for board in boards], now)
    billed = await invoices.billed_boards(session, {board.board_id for board in boards})
    drafts: dict[UUID, tuple[UUID, ClosedBoard]] = {}
    for board in boards:
        if board.board_id not in billed:
            drafts.setdefault(board.board_id, (new_id(), board))
    fresh = await _insert(session, [_invoice_row(id_, board, now) for id_, board in drafts.values()])
    drafted = [(id_, board) for id_, board in drafts.values() if id_ in fresh]
    if not drafted:
        return
    lines = [line for id_, board in drafted for line in _lines(id_, [_line(board)])]
    await session.execute(insert(InvoiceLine).values(lines))
    for id_, board in drafted:
        _publish(session, id_, board)


async def redraft_board_invoice(session: AsyncSession, invoice_id: UUID, now: datetime) -> Invoice:
    """A new draft for the board of a void invoice, with the lines that the void one had: each of them names the other.

    Asked for twice it is there once. It is billed to the client as it is by then.
    """
    void = await invoices.lock(session, invoice_id)
    if void.kind is not InvoiceKind.CLIENT:
        raise NotOfThisKind("an installer's month is drafted anew with the others", invoice_id=invoice_id)
    if void.document_status is not DocumentStatus.VOID:
        raise NotVoid(f"the invoice is {void.document_status}: void it first", invoice_id=invoice_id)
    successor = await invoices.successor(session, invoice_id)
    if successor is not None:
        return successor
    draft = _redrafted(void, now)
    session.add(draft)
    billed = BoardIsBilled("another invoice of the board stands", invoice_id=invoice_id, board_id=void.board_id)
    await flush_or_refuse(session, {"uq_invoices_board": billed})
    lines = [_as_drafted(line) for line in await invoices.lines(session, invoice_id)]
    if lines:
        await session.execute(insert(InvoiceLine).values(_lines(draft.id, lines)))
    outbox.add(session, _drafted(draft), version=draft.next_version())
    await session.flush()
    return draft


async def set_lines(session: AsyncSession, command: SetLines) -> Invoice:
    """Replaces the lines of a client's draft."""
    invoice = await invoices.lock(session, command.invoice_id)
    if invoice.kind is not InvoiceKind.CLIENT:
        raise NotOfThisKind("an installer's lines are its deliveries", invoice_id=invoice.id)
    if invoice.document_status is not DocumentStatus.DRAFT:
        raise NotADraft(f"the invoice is {invoice.document_status}: adjust it instead", invoice_id=invoice.id)
    if invoice.version != command.version:
        raise VersionConflict("somebody changed the draft: look at it again", version=invoice.version)
    await session.execute(delete(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id))
    rows = _lines(invoice.id, command.lines)
    if rows:
        await session.execute(insert(InvoiceLine).values(rows))
    total = gst.total(gst.split_gst([line.priced for line in command.lines]))
    invoice.subtotal_cents, invoice.gst_cents = total.ex_gst_cents, total.gst_cents
    invoice.total_cents = total.inc_gst_cents
    outbox.add(session, _drafted(invoice), version=invoice.next_version())
    await session.flush()
    return invoice


async def _insert(session: AsyncSession, rows: Sequence[dict[str, object]]) -> set[UUID]:
    """Those that are there now by us: another delivery of the same event may have been faster."""
    if not rows:
        return set()
    is_live = text("document_status <> 'void'")
    statement = insert(Invoice).values(rows).on_conflict_do_nothing(index_elements=["board_id"], index_where=is_live)
    return set(await session.scalars(statement.returning(Invoice.id)))


def _redrafted(void: Invoice, now: datetime) -> Invoice:
    kept = (
        "kind",
        "account_id",
        "board_id",
        "purchase_order",
        "subtotal_cents",
        "gst_cents",
        "total_cents",
        "currency",
        "gst_rule",
    )
    return Invoice(
        id=new_id(),
        document_status=DocumentStatus.DRAFT,
        replaces_invoice_id=void.id,
        created_at=now,
        version=0,
        **{name: getattr(void, name) for name in kept},
    )


def _as_drafted(line: InvoiceLine) -> DraftLine:
    return DraftLine(line.description, line.quantity, line.unit_price_cents, line.gst_treatment)


def _line(board: ClosedBoard) -> DraftLine:
    return DraftLine(board.title, 1, board.amount_cents)


def _total(board: ClosedBoard) -> Amounts:
    return gst.total(gst.split_gst([_line(board).priced]))


def _invoice_row(id_: UUID, board: ClosedBoard, now: datetime) -> dict[str, object]:
    total = _total(board)
    return {
        "id": id_,
        "kind": InvoiceKind.CLIENT,
        "account_id": board.client.id,
        "board_id": board.board_id,
        "purchase_order": board.purchase_order,
        "document_status": DocumentStatus.DRAFT,
        "subtotal_cents": total.ex_gst_cents,
        "gst_cents": total.gst_cents,
        "total_cents": total.inc_gst_cents,
        "currency": CURRENCY,
        "gst_rule": gst.RULE,
        "created_at": now,
        "version": FIRST_VERSION,
    }


def _lines(invoice_id: UUID, lines: Sequence[DraftLine]) -> list[dict[str, object]]:
    split = gst.split_gst([line.priced for line in lines])
    return [
        {
            "invoice_id": invoice_id,
            "line_no": number,
            "description": line.description,
            "quantity": line.quantity,
            "unit_price_cents": line.unit_price_cents,
            "includes_gst": False,
            "gst_treatment": line.gst_treatment,
            "ex_gst_cents": amounts.ex_gst_cents,
            "gst_cents": amounts.gst_cents,
            "inc_gst_cents": amounts.inc_gst_cents,
        }
        for number, (line, amounts) in enumerate(zip(lines, split, strict=True), start=1)
    ]


def _publish(session: AsyncSession, invoice_id: UUID, board: ClosedBoard) -> None:
    event = InvoiceDrafted(
        invoice_id=invoice_id,
        kind=InvoiceKind.CLIENT,
        client_id=board.client.id,
        board_id=board.board_id,
        total_cents=_total(board).inc_gst_cents,
        currency=CURRENCY,
    )
    outbox.add(session, event, version=FIRST_VERSION, cause=board.cause)


def _drafted(invoice: Invoice) -> InvoiceDrafted:
    return InvoiceDrafted(
        invoice_id=invoice.id,
        kind=InvoiceKind.CLIENT,
        client_id=invoice.account_id,
        board_id=invoice.board_id,
        total_cents=invoice.total_cents,
        currency=CURRENCY,
        replaces_invoice_id=invoice.replaces_invoice_id,
    )
