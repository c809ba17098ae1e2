"""Leads that were closed at their intake: nobody gets them any more, and nobody is asked to see to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import SYSTEM
from chassis.causation import Cause
from services.routing.commands.assignments import take_back
from services.routing.commands.caps import move
from services.routing.commands.conclusions import move_on
from services.routing.commands.queueing import Settlement, resolve_items
from services.routing.domain.states import DispatchStatus, Resolution
from services.routing.models import Dispatch, EarlyClosing
from services.routing.queries.assignments import locked_pending
from services.routing.queries.dispatches import locked_all
from services.routing.queries.exceptions import open_items

LEAD_CLOSED = "lead_closed"
"""Why an assignment was cancelled."""


@dataclass(frozen=True, slots=True)
class CloseLead:
    """`reason_code` is intake's word for why; `cause` its event."""

    lead_id: UUID
    reason_code: str
    closed_at: datetime
    cause: Cause | None = None


async def close_leads(session: AsyncSession, commands: Sequence[CloseLead], now: datetime) -> None:
    """Takes back what is pending and settles what waits for an assignment; what was sent stays sent, and charged.

    One that is not known here is remembered: it may still come, where an operator replays what was held back.
    """
    dispatches = await locked_all(session, {command.lead_id for command in commands})
    await _remember(session, [command for command in commands if command.lead_id not in dispatches])
    closed = {
        command.lead_id: command
        for command in commands
        if command.lead_id in dispatches and dispatches[command.lead_id].closed_at is None
    }
    for lead_id, command in closed.items():
        dispatches[lead_id].closed_at = command.closed_at
        move_on(dispatches[lead_id], DispatchStatus.CLOSED, now)
    await _settle(session, closed, dispatches, now)
    pending = await locked_pending(session, closed)
    moves = [take_back(session, each, LEAD_CLOSED, now, closed[each.lead_id].cause) for each in pending]
    await move(session, moves)


async def _remember(session: AsyncSession, commands: Sequence[CloseLead]) -> None:
    rows = [{"lead_id": command.lead_id, "closed_at": command.closed_at} for command in commands]
    if rows:
        await session.execute(insert(EarlyClosing).on_conflict_do_nothing(), rows)


async def _settle(
    session: AsyncSession, closed: Mapping[UUID, CloseLead], dispatches: Mapping[UUID, Dispatch], now: datetime
) -> None:
    """All but what was delivered to somebody uncharged: that is an operator's to see, closed or not."""
    for item in await open_items(session, closed):
        if item.reason.is_cured_by_assigning:
            command = closed[item.lead_id]
            note = f"the lead was closed: {command.reason_code}"
            settlement = Settlement(Resolution.LEAD_CLOSED, SYSTEM.name, note, command.cause)
            resolve_items(session, dispatches[item.lead_id], [item], settlement, now)
