"""Promises to pay, and who sees to an invoice: read, and locked for what becomes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from chassis.paging import PageRequest
from services.billing.domain.promises import PromiseState
from services.billing.domain.statuses import DocumentStatus
from services.billing.errors import PromiseNotFound
from services.billing.models import Invoice, InvoiceOwner, KnownOperator, Promise

SETTLED = Invoice.paid_cents - Invoice.customer_credit_cents
IS_OPEN = Promise.state == PromiseState.OPEN


async def find(session: AsyncSession, promise_id: UUID) -> Promise:
    return PromiseNotFound.unless(
        await session.get(Promise, promise_id, populate_existing=True), "no such promise", promise_id=promise_id
    )


async def open_of(session: AsyncSession, invoice_id: UUID) -> Promise | None:
    query = select(Promise).where(Promise.invoice_id == invoice_id, IS_OPEN)
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def of_invoice(session: AsyncSession, invoice_id: UUID) -> Sequence[Promise]:
    """The latest first."""
    query = select(Promise).where(Promise.invoice_id == invoice_id)
    return (await session.scalars(query.order_by(Promise.made_at.desc(), Promise.id.desc()))).all()


@dataclass(frozen=True, slots=True)
class Judgeable:
    """An open promise that has come to its end, with its invoice as it stands under its lock."""

    promise_id: UUID
    invoice_id: UUID
    amount_cents: int
    promised_for: date
    settled_before_cents: int
    owed_cents: int
    settled_cents: int
    is_issued: bool


async def lock_ended(session: AsyncSession, today: date, most: int) -> Sequence[Judgeable]:
    """Those whose day is over, that are paid, or of which nothing is owed any more, in the order of their invoices."""
    has_ended = (
        (Promise.promised_for < today)
        | (Invoice.document_status != DocumentStatus.ISSUED)
        | (Invoice.balance_cents == 0)
        | (SETTLED - Promise.settled_cents >= Promise.amount_cents)
    )
    query: Select[*tuple[object, ...]] = (
        select(
            Promise.id.label("promise_id"),
            Promise.invoice_id,
            Promise.amount_cents,
            Promise.promised_for,
            Promise.settled_cents.label("settled_before_cents"),
            Invoice.balance_cents.label("owed_cents"),
            SETTLED.label("settled_cents"),
            (Invoice.document_status == DocumentStatus.ISSUED).label("is_issued"),
        )
        # The invoice's lock is taken first, as commands take it.
        .select_from(Invoice)
        .join(Promise, Promise.invoice_id == Invoice.id)
        .where(IS_OPEN, has_ended)
        .order_by(Promise.invoice_id)
        .limit(most)
        .with_for_update()
    )
    return [Judgeable(**row) for row in (await session.execute(query)).mappings()]


async def broken_count(session: AsyncSession) -> int:
    """Owed invoices whose last promise was broken: nothing was promised since."""
    later = aliased(Promise)
    is_last = ~select(later.id).where(later.invoice_id == Promise.invoice_id, later.made_at > Promise.made_at).exists()
    query = (
        select(func.count())
        .select_from(Promise)
        .join(Invoice, Invoice.id == Promise.invoice_id)
        .where(Promise.state == PromiseState.BROKEN, is_last)
        .where(Invoice.document_status == DocumentStatus.ISSUED, Invoice.balance_cents > 0)
    )
    return await session.scalar(query) or 0


async def page_of(
    session: AsyncSession, page: PageRequest, state: PromiseState | None, invoice_id: UUID | None
) -> Sequence[Promise]:
    query = select(Promise)
    if state is not None:
        query = query.where(Promise.state == state)
    if invoice_id is not None:
        query = query.where(Promise.invoice_id == invoice_id)
    return (await session.scalars(page.apply(query, Promise.made_at, Promise.id))).all()


async def owner_of(session: AsyncSession, invoice_id: UUID) -> InvoiceOwner | None:
    return await session.get(InvoiceOwner, invoice_id)


async def possible_owners(session: AsyncSession) -> Sequence[KnownOperator]:
    """Whom an invoice can be given to, by their names."""
    found = await session.scalars(select(KnownOperator).where(KnownOperator.is_active).order_by(KnownOperator.name))
    return [operator for operator in found if operator.may_own]


async def operator_name(session: AsyncSession, operator_id: UUID) -> str | None:
    return await session.scalar(select(KnownOperator.name).where(KnownOperator.operator_id == operator_id))
