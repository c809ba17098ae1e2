"""Credits that were asked for, and how the deliveries they are about are charged."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Uuid, any_, exists, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.billing.domain import gst
from services.billing.domain.credit_requests import FINAL, UNDER_WAY, Charge, CreditResult, Proposal, bill_of
from services.billing.errors import CreditRequestNotFound
from services.billing.models import (
    Account,
    AdjustmentDelivery,
    CreditRequest,
    DeliveryEvent,
    HeldDelivery,
    Invoice,
    InvoiceLine,
    OpenReturn,
)

OPEN = CreditRequest.result.is_(None) | CreditRequest.result.not_in(FINAL)


async def find(session: AsyncSession, request_id: UUID) -> CreditRequest:
    return CreditRequestNotFound.unless(
        await session.get(CreditRequest, request_id, populate_existing=True),
        "nobody asked for a credit under this id",
        request_id=request_id,
    )


async def open_assignments(session: AsyncSession, assignment_ids: Collection[UUID]) -> Sequence[UUID]:
    """Those of them for whose deliveries a credit is asked for and not settled."""
    # One parameter, whatever the batch: everybody who records deliveries asks this.
    ids = literal(list(assignment_ids), ARRAY(Uuid))
    query = select(CreditRequest.assignment_id).where(CreditRequest.assignment_id == any_(ids), OPEN)
    return (await session.scalars(query.distinct().order_by(CreditRequest.assignment_id))).all()


async def lock_open(session: AsyncSession, assignment_ids: Collection[UUID]) -> Sequence[CreditRequest]:
    """By delivery in the order in which they were asked, as they are under their locks."""
    return await _lock(session, CreditRequest.assignment_id.in_(assignment_ids) & OPEN)


async def lock_of_adjustments(session: AsyncSession, adjustment_ids: Collection[UUID]) -> Sequence[CreditRequest]:
    """The open ones that these adjustments carry out."""
    return await _lock(session, CreditRequest.adjustment_id.in_(adjustment_ids) & OPEN)


async def _lock(session: AsyncSession, condition: ColumnElement[bool]) -> Sequence[CreditRequest]:
    query = select(CreditRequest).where(condition).with_for_update()
    order = (CreditRequest.assignment_id, CreditRequest.asked_at, CreditRequest.request_id)
    return (await session.scalars(query.order_by(*order).execution_options(populate_existing=True))).all()


async def waiting_on(session: AsyncSession, invoice_id: UUID) -> Sequence[UUID]:
    """The assignments on the invoice's lines whose credit waits for its issue."""
    query = (
        select(CreditRequest.assignment_id)
        .join(DeliveryEvent, DeliveryEvent.assignment_id == CreditRequest.assignment_id)
        .join(InvoiceLine, InvoiceLine.delivery_event_id == DeliveryEvent.id)
        .where(InvoiceLine.invoice_id == invoice_id, InvoiceLine.is_live)
        .where(CreditRequest.result == CreditResult.WAITS_FOR_INVOICE)
    )
    return (await session.scalars(query)).all()


async def lock_invoices_of(session: AsyncSession, assignment_ids: Collection[UUID]) -> None:
    """Those that bill the deliveries by a line, in one order, before anything on them is decided."""
    billing = (
        select(InvoiceLine.invoice_id)
        .join(DeliveryEvent, DeliveryEvent.id == InvoiceLine.delivery_event_id)
        .where(DeliveryEvent.assignment_id.in_(assignment_ids), InvoiceLine.is_live)
    )
    await session.execute(select(Invoice.id).where(Invoice.id.in_(billing)).order_by(Invoice.id).with_for_update())


@dataclass(frozen=True, slots=True)
class Standing:
    """A delivery with its charge, and where it stands: on line `line_no` of `invoice_id`."""

    delivery: DeliveryEvent
    charge: Charge
    invoice_id: UUID | None
    line_no: int | None


async def lock_standings(session: AsyncSession, assignment_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """By assignment; those that are not in the ledger are left out."""
    locked = select(DeliveryEvent).where(DeliveryEvent.assignment_id.in_(assignment_ids)).order_by(DeliveryEvent.id)
    deliveries = (await session.scalars(locked.with_for_update().execution_options(populate_existing=True))).all()
    return await standings(session, [delivery.assignment_id for delivery in deliveries])


async def standings(session: AsyncSession, assignment_ids: Collection[UUID]) -> dict[UUID, Standing]:
    by_debit = exists().where(AdjustmentDelivery.delivery_event_id == DeliveryEvent.id, AdjustmentDelivery.is_live)
    query = (
        select(DeliveryEvent, InvoiceLine.invoice_id, InvoiceLine.line_no, Invoice, by_debit)
        .outerjoin(InvoiceLine, (InvoiceLine.delivery_event_id == DeliveryEvent.id) & InvoiceLine.is_live)
        .outerjoin(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(DeliveryEvent.assignment_id.in_(assignment_ids))
    )
    return {row[0].assignment_id: _standing(*row) for row in await session.execute(query)}


def _standing(
    delivery: DeliveryEvent, invoice_id: UUID | None, line_no: int | None, invoice: Invoice | None, is_debit: bool
) -> Standing:
    cents = gst.split_gst([delivery.priced])[0].inc_gst_cents
    status, is_written_off = (invoice.document_status, invoice.written_off_cents > 0) if invoice else (None, False)
    bill = bill_of(status, is_by_debit=is_debit, is_written_off=is_written_off)
    charge = Charge(delivery.event_status, bill, cents)
    return Standing(delivery, charge, invoice_id, line_no)


async def lock_held(session: AsyncSession, assignment_ids: Collection[UUID]) -> frozenset[UUID]:
    query = _held(assignment_ids).order_by(HeldDelivery.assignment_id)
    return frozenset(await session.scalars(query.with_for_update()))


async def held_of(session: AsyncSession, assignment_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those that wait for a price."""
    return frozenset(await session.scalars(_held(assignment_ids)))


def _held(assignment_ids: Collection[UUID]) -> Select[UUID]:
    waiting = HeldDelivery.released_at.is_(None)
    return select(HeldDelivery.assignment_id).where(HeldDelivery.assignment_id.in_(assignment_ids), waiting)


async def proposal_of(session: AsyncSession, request: CreditRequest) -> Proposal:
    """Where it stands for finance; for who decides, with its delivery locked."""
    held = await held_of(session, [request.assignment_id])
    others = select(CreditRequest.request_id).where(
        CreditRequest.assignment_id == request.assignment_id,
        CreditRequest.request_id != request.request_id,
        CreditRequest.result.in_(UNDER_WAY),
    )
    return Proposal(
        request.result,
        is_proposal=request.is_proposal,
        is_agreed=request.decided_at is not None,
        is_held=request.assignment_id in held,
        is_under_way=(await session.scalars(others.limit(1))).first() is not None,
    )


@dataclass(frozen=True, slots=True)
class Waits:
    """Credits that are agreed to and wait for their deliveries to be billed."""

    number: int
    oldest_at: datetime | None


async def proposed(session: AsyncSession) -> Waits:
    """What finance has to decide."""
    query = select(func.count(), func.min(CreditRequest.asked_at)).where(CreditRequest.result == CreditResult.PROPOSED)
    return Waits(*(await session.execute(query)).one())


async def waiting_in(session: AsyncSession, start: datetime, end: datetime) -> int:
    """How many wait for the invoice of these deliveries' month."""
    query = (
        select(func.count())
        .select_from(CreditRequest)
        .join(DeliveryEvent, DeliveryEvent.assignment_id == CreditRequest.assignment_id)
        .where(CreditRequest.result == CreditResult.WAITS_FOR_INVOICE)
        .where(DeliveryEvent.delivered_at >= start, DeliveryEvent.delivered_at < end)
    )
    return int(await session.scalar(query) or 0)


async def waiting(session: AsyncSession) -> int:
    query = select(func.count()).where(CreditRequest.result == CreditResult.WAITS_FOR_INVOICE)
    return int(await session.scalar(query) or 0)


async def returns_open_in(session: AsyncSession, start: datetime, end: datetime) -> int:
    """How many deliveries of the month an installer wants to give back, undecided yet."""
    query = (
        select(func.count())
        .select_from(OpenReturn)
        .join(DeliveryEvent, DeliveryEvent.assignment_id == OpenReturn.assignment_id)
        .where(OpenReturn.closed_at.is_(None))
        .where(DeliveryEvent.delivered_at >= start, DeliveryEvent.delivered_at < end)
    )
    return int(await session.scalar(query) or 0)


async def listed(
    session: AsyncSession,
    page: PageRequest,
    state: CreditResult | None,
    assignment_id: UUID | None,
    *,
    proposals_only: bool,
) -> Sequence[Row[CreditRequest, str]]:
    """With the installer's name, the latest first."""
    query = select(CreditRequest, Account.name).outerjoin(Account, Account.id == CreditRequest.installer_id)
    if state is not None:
        query = query.where(CreditRequest.result == state)
    if assignment_id is not None:
        query = query.where(CreditRequest.assignment_id == assignment_id)
    if proposals_only:
        query = query.where(CreditRequest.is_proposal)
    query = page.apply(query, CreditRequest.asked_at, CreditRequest.request_id)
    return (await session.execute(query)).all()


async def with_installer(session: AsyncSession, request_id: UUID) -> tuple[CreditRequest, str | None]:
    request = await find(session, request_id)
    return request, await session.scalar(select(Account.name).where(Account.id == request.installer_id))
