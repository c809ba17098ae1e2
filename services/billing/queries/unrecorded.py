"""Deliveries that billing was told of and has not in its ledger nor in its queue: their events are parked."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ValidationError
from sqlalchemy import ColumnElement, and_, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.parking import RELAY, VERSION_GAP, ParkedState
from chassis.tables import parked_events
from contracts.routing import AssignmentSent
from contracts.topics import ASSIGNMENTS
from services.billing.domain.unrecorded import Lost, Unrecorded

EVENT = parked_events.c
MOST_READ = 1_000
MAY_BE_ONE: ColumnElement[bool] = and_(
    EVENT.state == ParkedState.PARKED,
    EVENT.consumer != RELAY,
    EVENT.topic == ASSIGNMENTS.name,
    or_(EVENT.event_type == AssignmentSent.type, EVENT.event_type.is_(None), EVENT.reason_code == VERSION_GAP),
)
"""The event itself; one that nobody can read; and one before which something is missing."""


class _Told(BaseModel):
    """As much of the event as tells which month it is of."""

    assignment_id: UUID
    installer_id: UUID
    sent_at: AwareDatetime


async def unrecorded(session: AsyncSession) -> Unrecorded:
    query = select(parked_events, func.count().over().label("number")).where(MAY_BE_ONE)
    rows = (await session.execute(query.order_by(EVENT.parked_at, EVENT.id).limit(MOST_READ))).all()
    return Unrecorded([_lost(row) for row in rows], rows[0].number if rows else 0)


def _lost(row: Any) -> Lost:
    told = _told(row.body) if row.event_type == AssignmentSent.type else None
    return Lost(
        row.id,
        told.assignment_id if told else None,
        told.installer_id if told else None,
        told.sent_at if told else None,
        row.reason_code,
        row.parked_at,
    )


def _told(body: bytes | None) -> _Told | None:
    try:
        return _Told.model_validate(json.loads(body or b""))
    except (ValueError, RecursionError, ValidationError):
        return None


@dataclass(frozen=True, slots=True)
class Waiting:
    """`since` is when the first of them was parked."""

    count: int
    since: datetime | None


PATIENCE = text("interval '1 minute'")
"""A version that has not come yet mostly comes within it, by itself."""


async def waiting(session: AsyncSession) -> Waiting:
    """Those that wait for longer than what heals by itself."""
    # Parked by the machine's clock, which the database's is held against.
    query = select(func.count(), func.min(EVENT.parked_at)).where(
        MAY_BE_ONE, EVENT.parked_at < func.clock_timestamp() - PATIENCE
    )
    return Waiting(*(await session.execute(query)).one())
