"""Invoices: one to work on, its lines, and what stands around it."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import InvoiceKind
from services.billing.domain.statuses import DocumentStatus
from services.billing.errors import InvoiceNotFound
from services.billing.models import Account, Invoice, InvoiceLine, JournalEntry, JournalPosting


async def find(session: AsyncSession, invoice_id: UUID, kind: InvoiceKind | None = None) -> Invoice:
    """Of this kind, where one is named: to the routes of clients an installer's invoice is none."""
    invoice = await session.get(Invoice, invoice_id)
    if invoice is None or kind not in {None, invoice.kind}:
        raise InvoiceNotFound("billing has no such invoice", invoice_id=invoice_id)
    return invoice


async def lock(session: AsyncSession, invoice_id: UUID) -> Invoice:
    """Everything that changes an invoice, or what is owed on it, begins here."""
    return InvoiceNotFound.unless(
        await session.get(Invoice, invoice_id, with_for_update=True, populate_existing=True),
        "billing has no such invoice",
        invoice_id=invoice_id,
    )


async def lock_drafts(session: AsyncSession, invoice_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of them that are drafts once they are locked."""
    query = (
        select(Invoice.id)
        .where(Invoice.id.in_(invoice_ids), Invoice.document_status == DocumentStatus.DRAFT)
        .order_by(Invoice.id)
        .with_for_update()
    )
    return frozenset(await session.scalars(query))


async def lock_by_stripe_id(session: AsyncSession, stripe_invoice_id: str) -> Invoice | None:
    query = select(Invoice).where(Invoice.stripe_invoice_id == stripe_invoice_id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def billed_boards(session: AsyncSession, board_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of them that have an invoice, a void one too."""
    query = select(Invoice.board_id).where(Invoice.board_id.in_(board_ids))
    return frozenset(board_id for board_id in await session.scalars(query) if board_id)


async def successor(session: AsyncSession, invoice_id: UUID) -> Invoice | None:
    """The invoice that took a void one's place: a board's names it, a month's is the one that its account has now."""
    named = (await session.scalars(select(Invoice).where(Invoice.replaces_invoice_id == invoice_id))).one_or_none()
    void = await session.get(Invoice, invoice_id)
    if named is not None or void is None or not _leaves_a_month(void):
        return named
    query = select(Invoice).where(Invoice.account_id == void.account_id, Invoice.period_start == void.period_start)
    return (await session.scalars(query.where(Invoice.document_status != DocumentStatus.VOID))).one_or_none()


async def predecessor_id(session: AsyncSession, invoice: Invoice) -> UUID | None:
    """The void invoice whose place it takes; of a month the last that had a number."""
    if invoice.replaces_invoice_id is not None or invoice.period_start is None:
        return invoice.replaces_invoice_id
    query = select(Invoice.id).where(
        Invoice.account_id == invoice.account_id,
        Invoice.period_start == invoice.period_start,
        Invoice.document_status == DocumentStatus.VOID,
        Invoice.number.is_not(None),
        Invoice.id != invoice.id,
    )
    if invoice.voided_at is not None:
        query = query.where(Invoice.voided_at < invoice.voided_at)
    return (await session.scalars(query.order_by(Invoice.voided_at.desc()).limit(1))).first()


def _leaves_a_month(invoice: Invoice) -> bool:
    """A void draft never stood: nothing takes its place."""
    is_void = invoice.document_status is DocumentStatus.VOID
    return is_void and invoice.period_start is not None and invoice.number is not None


async def with_account(session: AsyncSession, invoice_id: UUID) -> tuple[Invoice, Account]:
    invoice = await find(session, invoice_id)
    return invoice, await session.get_one(Account, invoice.account_id)


async def lines(session: AsyncSession, invoice_id: UUID) -> Sequence[InvoiceLine]:
    query = select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.line_no)
    return (await session.scalars(query)).all()


async def entries(session: AsyncSession, invoice_id: UUID) -> Sequence[JournalEntry]:
    """Every journal entry that the invoice caused so far."""
    query = (
        select(JournalEntry)
        .join(JournalPosting, JournalPosting.id == JournalEntry.posting_id)
        .where(JournalPosting.invoice_id == invoice_id)
        .order_by(JournalPosting.posted_at, JournalPosting.id, JournalEntry.entry_no)
    )
    return (await session.scalars(query)).all()
