"""What is known here of leads from the other services' events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.models import (
    InvoicedDelivery,
    KnownInvoice,
    LeadAssignment,
    LeadCorrection,
    LeadDecision,
    LeadDelivery,
    LeadMessage,
    LeadMoment,
)


@dataclass(frozen=True, slots=True)
class KnownAssignment:
    """An assignment and all that was told of it; words are as in models/known.py, `finance` is billing's state."""

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID | None
    installer_name: str | None
    status: str | None
    created_at: datetime | None
    sent_at: datetime | None
    ended_at: datetime | None
    reason_code: str | None
    cap_status: str | None
    cap_reason: str | None
    cap_released_at: datetime | None
    return_state: str | None
    return_reason: str | None
    return_changed_at: datetime | None
    returned_at: datetime | None
    delivery_event_id: UUID | None
    finance: str | None
    finance_reason: str | None
    finance_since: datetime | None
    recorded_at: datetime | None
    unit_price_cents: int | None
    invoice_id: UUID | None
    adjustment_id: UUID | None
    listed_at: datetime | None
    invoice_number: str | None
    invoice_state: str | None
    invoice_since: datetime | None

    @property
    def is_charged(self) -> bool:
        return self.finance == "billable"

    @property
    def is_held_by_installer(self) -> bool:
        """Whether the installer has the lead, or is about to get it."""
        return self.status in (None, "sent")


async def known_of(session: AsyncSession, lead_ids: Sequence[UUID]) -> Sequence[KnownAssignment]:
    """In the order they were made: what routing told, what billing told, or both."""
    ours = any_(literal(list(lead_ids), ARRAY(Uuid)))
    told = (
        select(LeadAssignment.assignment_id, LeadAssignment.lead_id)
        .where(LeadAssignment.lead_id == ours)
        .union(select(LeadDelivery.assignment_id, LeadDelivery.lead_id).where(LeadDelivery.lead_id == ours))
        .cte("told")
    )
    by_id = told.c.assignment_id
    query = (
        select(by_id, told.c.lead_id, *_COLUMNS)
        .select_from(told)
        .outerjoin(LeadAssignment, LeadAssignment.assignment_id == by_id)
        .outerjoin(LeadDelivery, LeadDelivery.assignment_id == by_id)
        .outerjoin(InvoicedDelivery, InvoicedDelivery.assignment_id == by_id)
        .outerjoin(KnownInvoice, KnownInvoice.invoice_id == InvoicedDelivery.invoice_id)
        .order_by(LeadAssignment.created_at, by_id)
    )
    return [KnownAssignment(*row) for row in await session.execute(query)]


_COLUMNS: tuple[Any, ...] = (
    LeadAssignment.installer_id,
    LeadAssignment.installer_name,
    LeadAssignment.status,
    LeadAssignment.created_at,
    LeadAssignment.sent_at,
    LeadAssignment.ended_at,
    LeadAssignment.reason_code,
    LeadAssignment.cap_status,
    LeadAssignment.cap_reason,
    LeadAssignment.cap_released_at,
    LeadAssignment.return_state,
    LeadAssignment.return_reason,
    LeadAssignment.return_changed_at,
    LeadAssignment.returned_at,
    LeadDelivery.delivery_event_id,
    LeadDelivery.state,
    LeadDelivery.reason_code,
    LeadDelivery.since,
    LeadDelivery.recorded_at,
    LeadDelivery.unit_price_cents,
    InvoicedDelivery.invoice_id,
    InvoicedDelivery.adjustment_id,
    InvoicedDelivery.listed_at,
    func.coalesce(KnownInvoice.number, InvoicedDelivery.number),
    KnownInvoice.state,
    KnownInvoice.since,
)


async def messages_about(session: AsyncSession, assignment_ids: Sequence[UUID]) -> Sequence[LeadMessage]:
    """In the order in which they came to an end."""
    query = select(LeadMessage).where(LeadMessage.assignment_id.in_(assignment_ids)).order_by(LeadMessage.at)
    return (await session.scalars(query)).all()


async def happened_to(session: AsyncSession, subject_ids: Sequence[UUID]) -> Sequence[LeadMoment]:
    """What happened to leads and assignments, and to every invoice that ever listed one of these; in order."""
    ours = literal(list(subject_ids), ARRAY(Uuid))
    invoices = select(LeadMoment.invoice_id).where(LeadMoment.subject_id == any_(ours))
    subjects = select(func.unnest(ours)).union(invoices.where(LeadMoment.invoice_id.is_not(None)))
    query = select(LeadMoment).where(LeadMoment.subject_id.in_(subjects))
    return (await session.scalars(query.order_by(LeadMoment.at, LeadMoment.version, LeadMoment.event_id))).all()


async def decisions_about(session: AsyncSession, lead_ids: Sequence[UUID]) -> Sequence[LeadDecision]:
    query = select(LeadDecision).where(LeadDecision.lead_id.in_(lead_ids))
    return (await session.scalars(query.order_by(LeadDecision.decided_at, LeadDecision.attempt_no))).all()


@dataclass(frozen=True, slots=True)
class Known:
    """What the other services told of a lead and of all that were merged into it."""

    assignments: Sequence[KnownAssignment]
    messages: Sequence[LeadMessage]
    decisions: Sequence[LeadDecision]
    happened: Sequence[LeadMoment]


async def known_about(session: AsyncSession, family: Sequence[UUID]) -> Known:
    assignments = await known_of(session, family)
    ids = [each.assignment_id for each in assignments]
    return Known(
        assignments,
        messages=await messages_about(session, ids),
        decisions=await decisions_about(session, family),
        happened=await happened_to(session, [*family, *ids]),
    )


async def corrections_of(session: AsyncSession, lead_ids: Sequence[UUID]) -> Sequence[LeadCorrection]:
    query = select(LeadCorrection).where(LeadCorrection.lead_id.in_(lead_ids))
    return (await session.scalars(query.order_by(LeadCorrection.made_at, LeadCorrection.id))).all()
