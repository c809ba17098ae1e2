"""Webhooks: what is due, what is in hand, what was tried."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Row, Uuid, bindparam, exists, func, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.states import AssignmentStatus, BreakerState, Channel, DeliveryStep
from services.routing.domain.webhooks import DeliveryState
from services.routing.models import (
    Assignment,
    DeliveryEndpoint,
    DeliveryLogEntry,
    Dispatch,
    LeadContact,
    LeadKey,
    WebhookAttempt,
    WebhookDelivery,
    WebhookTest,
)
from services.routing.queries.arrays import among

# Written into the statements: by a parameter, the planner cannot know that a partial index serves.
IS_WAITING = text("webhook_deliveries.state = 'waiting'")
IS_SENDING = text("webhook_deliveries.state = 'sending'")
# Leases are on the database's clock, which all processes share and nobody moves.
IS_EXPIRED = WebhookDelivery.lease_until < func.clock_timestamp()

ENLIST = text(
    """
    INSERT INTO webhook_deliveries (assignment_id, installer_id, state, attempts, next_attempt_at, created_at)
    SELECT a.id, a.installer_id, 'waiting', 0, a.created_at, a.created_at
    FROM assignments a
    WHERE a.channel = 'webhook' AND a.status = 'pending'
        AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.assignment_id = a.id)
    ORDER BY a.created_at, a.id LIMIT :most
    ON CONFLICT DO NOTHING
    """
)

CANCEL_ENDED = text(
    """
    UPDATE webhook_deliveries SET state = 'cancelled', settled_at = :now
    WHERE assignment_id IN (
        SELECT d.assignment_id FROM webhook_deliveries d JOIN assignments a ON a.id = d.assignment_id
        WHERE d.state = 'waiting' AND a.status <> 'pending'
        LIMIT :most FOR UPDATE OF d SKIP LOCKED
    )
    """
)

# Of each endpoint as many as it has room for, the longest due first. A sealed person waits for the key, which comes by
# another topic; one that was destroyed is there, and tells so.
_DUE = text(
    """
    SELECT due.assignment_id
    FROM unnest(:installer_ids, :rooms) AS room (installer_id, number)
    CROSS JOIN LATERAL (
        SELECT d.assignment_id, d.next_attempt_at
        FROM webhook_deliveries d JOIN assignments a ON a.id = d.assignment_id AND a.status = 'pending'
        LEFT JOIN lead_contacts c ON c.lead_id = a.lead_id AND c.sealed_contact IS NOT NULL
        LEFT JOIN lead_keys k ON k.lead_id = a.lead_id
        WHERE d.installer_id = room.installer_id AND d.state = 'waiting' AND d.next_attempt_at <= :now
            AND (c.lead_id IS NULL OR k.lead_id IS NOT NULL)
        ORDER BY d.next_attempt_at, d.assignment_id LIMIT room.number
    ) AS due
    ORDER BY due.next_attempt_at, due.assignment_id LIMIT :most
    """
).bindparams(bindparam("installer_ids", type_=ARRAY(Uuid)), bindparam("rooms", type_=ARRAY(Integer)))


def lease_end(lease_seconds: float) -> ColumnElement[datetime]:
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, lease_seconds)


async def is_anything_due(session: AsyncSession, now: datetime) -> bool:
    """Cheap, as it is asked all day: looks into partial indexes."""
    enlisted = exists().where(WebhookDelivery.assignment_id == Assignment.id)
    new = exists().where(text("assignments.channel = 'webhook' AND assignments.status = 'pending'"), ~enlisted)
    due = exists().where(IS_WAITING, WebhookDelivery.next_attempt_at <= now)
    expired = exists().where(IS_SENDING, IS_EXPIRED)
    test = exists().where(text("webhook_tests.finished_at IS NULL"))
    query = select(
        new.select_from(Assignment)
        | due.select_from(WebhookDelivery)
        | expired.select_from(WebhookDelivery)
        | test.select_from(WebhookTest)
    )
    return bool(await session.scalar(query))


async def lock_endpoints_with_due(session: AsyncSession, now: datetime, most: int) -> Sequence[DeliveryEndpoint]:
    """Past those that another process is just taking from, or recording for; not those that hold everything back."""
    due = select(WebhookDelivery.installer_id).where(IS_WAITING, WebhookDelivery.next_attempt_at <= now)
    found = await session.scalars(
        select(DeliveryEndpoint)
        .where(
            DeliveryEndpoint.channel == Channel.WEBHOOK,
            DeliveryEndpoint.installer_id.in_(due),
            or_(DeliveryEndpoint.breaker != BreakerState.OPEN, DeliveryEndpoint.probe_at <= now),
        )
        .order_by(DeliveryEndpoint.installer_id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return found.all()


async def under_way(session: AsyncSession) -> Mapping[UUID, int]:
    """By installer."""
    query = select(WebhookDelivery.installer_id, func.count()).where(IS_SENDING).group_by(WebhookDelivery.installer_id)
    return {row[0]: row[1] for row in await session.execute(query)}


async def lock_due(
    session: AsyncSession, rooms: Mapping[UUID, int], now: datetime, most: int
) -> Sequence[WebhookDelivery]:
    given = {"installer_ids": list(rooms), "rooms": list(rooms.values()), "now": now, "most": most}
    due = set(await session.scalars(_DUE, given))
    return await _lock_waiting(session, due) if due else []


async def _lock_waiting(session: AsyncSession, assignment_ids: Collection[UUID]) -> Sequence[WebhookDelivery]:
    found = await session.scalars(
        select(WebhookDelivery)
        .where(among(WebhookDelivery.assignment_id, assignment_ids), WebhookDelivery.state == DeliveryState.WAITING)
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.assignment_id)
        .with_for_update(skip_locked=True)
    )
    return found.all()


async def lock_deliveries(session: AsyncSession, assignment_ids: Collection[UUID]) -> dict[UUID, WebhookDelivery]:
    found = await session.scalars(
        select(WebhookDelivery)
        .where(among(WebhookDelivery.assignment_id, assignment_ids))
        .order_by(WebhookDelivery.assignment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {delivery.assignment_id: delivery for delivery in found}


async def expired(session: AsyncSession, most: int) -> Sequence[tuple[UUID, int]]:
    """Assignment and attempt of what a process had in hand that has not come back."""
    query = select(WebhookDelivery.assignment_id, WebhookDelivery.attempts).where(IS_SENDING, IS_EXPIRED).limit(most)
    return [(row[0], row[1]) for row in await session.execute(query)]


async def lock_waiting_in_vain(
    session: AsyncSession, created_before: datetime, now: datetime, most: int
) -> Sequence[WebhookDelivery]:
    """Behind an open breaker for too long; where it may be tried, it is tried first."""
    is_open = exists().where(
        DeliveryEndpoint.installer_id == WebhookDelivery.installer_id,
        DeliveryEndpoint.channel == Channel.WEBHOOK,
        DeliveryEndpoint.breaker == BreakerState.OPEN,
        DeliveryEndpoint.probe_at > now,
    )
    found = await session.scalars(
        select(WebhookDelivery)
        .where(IS_WAITING, WebhookDelivery.created_at < created_before, is_open)
        .order_by(WebhookDelivery.assignment_id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return found.all()


async def described(
    session: AsyncSession, assignment_ids: Collection[UUID]
) -> Mapping[UUID, Row[Assignment, Dispatch, LeadContact | None, LeadKey | None]]:
    """Assignment, its lead, the person behind it and the key to them, where they are still known."""
    rows = await session.execute(
        select(Assignment, Dispatch, LeadContact, LeadKey)
        .join(Dispatch, Dispatch.lead_id == Assignment.lead_id)
        .outerjoin(LeadContact, LeadContact.lead_id == Assignment.lead_id)
        .outerjoin(LeadKey, LeadKey.lead_id == Assignment.lead_id)
        .where(among(Assignment.id, assignment_ids))
    )
    return {row[0].id: row for row in rows}


async def lock_tests(session: AsyncSession, most: int) -> Sequence[WebhookTest]:
    """Not begun, or begun by a process that has not come back."""
    found = await session.scalars(
        select(WebhookTest)
        .where(
            text("webhook_tests.finished_at IS NULL"),
            WebhookTest.lease_until.is_(None) | (WebhookTest.lease_until < func.clock_timestamp()),
        )
        .order_by(WebhookTest.asked_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return found.all()


async def log_of(session: AsyncSession, assignment_id: UUID) -> Sequence[DeliveryLogEntry]:
    """In the order in which it happened."""
    query = select(DeliveryLogEntry).where(DeliveryLogEntry.assignment_id == assignment_id)
    return (await session.scalars(query.order_by(DeliveryLogEntry.id))).all()


async def tries_of(session: AsyncSession, assignment_id: UUID) -> Sequence[WebhookAttempt]:
    """The first one first."""
    query = select(WebhookAttempt).where(WebhookAttempt.assignment_id == assignment_id)
    return (await session.scalars(query.order_by(WebhookAttempt.attempt_no))).all()


async def bounced_among(session: AsyncSession, assignment_ids: Collection[UUID]) -> set[UUID]:
    """Those whose mail is known to have come back."""
    query = select(DeliveryLogEntry.assignment_id).where(
        among(DeliveryLogEntry.assignment_id, assignment_ids), DeliveryLogEntry.what == DeliveryStep.BOUNCED
    )
    return set(await session.scalars(query))


async def delivery_of(session: AsyncSession, assignment_id: UUID) -> WebhookDelivery | None:
    return await session.get(WebhookDelivery, assignment_id)


async def last_test_of(session: AsyncSession, installer_id: UUID) -> WebhookTest | None:
    query = select(WebhookTest).where(WebhookTest.installer_id == installer_id)
    found: WebhookTest | None = await session.scalar(
        query.order_by(WebhookTest.asked_at.desc(), WebhookTest.id.desc()).limit(1)
    )
    return found


async def endpoints_of(session: AsyncSession, installer_id: UUID) -> Mapping[Channel, DeliveryEndpoint]:
    found = await session.scalars(select(DeliveryEndpoint).where(DeliveryEndpoint.installer_id == installer_id))
    return {endpoint.channel: endpoint for endpoint in found}


async def endpoints_by_installer(
    session: AsyncSession, installer_ids: Collection[UUID]
) -> Mapping[UUID, DeliveryEndpoint]:
    """Their webhooks."""
    query = select(DeliveryEndpoint).where(
        among(DeliveryEndpoint.installer_id, installer_ids), DeliveryEndpoint.channel == Channel.WEBHOOK
    )
    return {endpoint.installer_id: endpoint for endpoint in await session.scalars(query)}


async def pending_of(session: AsyncSession, installer_id: UUID) -> Mapping[Channel, int]:
    """How many leads are on their way to it, by channel."""
    query = (
        select(Assignment.channel, func.count())
        .where(Assignment.installer_id == installer_id, Assignment.status == AssignmentStatus.PENDING)
        .group_by(Assignment.channel)
    )
    return {row[0]: row[1] for row in await session.execute(query)}
