"""The counters under the caps: locked, read, and what they are made of."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import DateTime, Select, Text, Uuid, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.candidate import Turn, WindowCount
from services.routing.domain.counting import Counts, counted
from services.routing.domain.states import Trigger
from services.routing.domain.windows import WallClock, Window, WindowKind, windows_at
from services.routing.models import Assignment, Decision, Installer, TurnTaken
from services.routing.queries.arrays import among
from services.routing.queries.locks import note_counters_held, row_lock


class Due(NamedTuple):
    """When an installer last got a lead, and what it is owed in millionths of one."""

    last_turn: Turn | None
    balance_ppm: int


async def lock_turns(session: AsyncSession, installer_ids: Collection[UUID]) -> dict[UUID, Due]:
    """Locks the cap counters of the installers until the transaction ends, and tells what is due to each.

    In id order: whoever locks several meets everyone else from the same side, so that no two wait for each other.
    """
    found = await session.execute(_turns_of(installer_ids).with_for_update(**row_lock(session, key_share=False)))
    note_counters_held(session)
    return _due(found)


async def look_at_turns(session: AsyncSession, installer_ids: Collection[UUID]) -> dict[UUID, Due]:
    """As they stand, for who only looks: nobody waits for it."""
    return _due(await session.execute(_turns_of(installer_ids)))


def _turns_of(installer_ids: Collection[UUID]) -> Select[UUID, datetime | None, int, int]:
    columns = (TurnTaken.installer_id, TurnTaken.last_assigned_at, TurnTaken.last_assigned_place, TurnTaken.balance_ppm)
    return select(*columns).where(among(TurnTaken.installer_id, installer_ids)).order_by(TurnTaken.installer_id)


def _due(rows: Iterable[Any]) -> dict[UUID, Due]:
    return {
        row.installer_id: Due(_turn(row.last_assigned_at, row.last_assigned_place), row.balance_ppm) for row in rows
    }


def _turn(at: datetime | None, place: int) -> Turn | None:
    return None if at is None else Turn(at, place)


_COUNTS = text(
    """
    SELECT installer_id, kind, used, reserved, failed
    FROM unnest(:installer_ids, :kinds, :starts) AS wanted (installer_id, kind, window_start)
    JOIN cap_windows USING (installer_id, kind, window_start)
    """
).bindparams(
    bindparam("installer_ids", type_=ARRAY(Uuid)),
    bindparam("kinds", type_=ARRAY(Text)),
    bindparam("starts", type_=ARRAY(DateTime(timezone=True))),
)


async def counts_of(
    session: AsyncSession, wanted: Sequence[tuple[UUID, Window]]
) -> dict[tuple[UUID, WindowKind], WindowCount]:
    """What the windows hold; one that nobody was assigned in yet has no row and holds nothing."""
    counts = {(installer_id, window.kind): WindowCount(window) for installer_id, window in wanted}
    arrays = {
        "installer_ids": [installer_id for installer_id, _ in wanted],
        "kinds": [window.kind.value for _, window in wanted],
        "starts": [window.starts_at for _, window in wanted],
    }
    for row in await session.execute(_COUNTS, arrays):
        count = counts[row.installer_id, WindowKind(row.kind)]
        count.used, count.reserved, count.failed = row.used, row.reserved, row.failed
    return counts


PACE = timedelta(hours=1)


async def given_of_late(session: AsyncSession, installer_ids: Collection[UUID], now: datetime) -> dict[UUID, int]:
    """How many leads that had waited each installer was given within the hour."""
    query = (
        select(Assignment.installer_id, func.count())
        .join(Decision, Decision.id == Assignment.decision_id)
        .where(
            among(Assignment.installer_id, installer_ids),
            Assignment.created_at > now - PACE,
            Decision.trigger == Trigger.SCHEDULED,
        )
        .group_by(Assignment.installer_id)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def zones(session: AsyncSession, installer_ids: Collection[UUID]) -> dict[UUID, ZoneInfo]:
    """The time zones in which the installers' windows are counted."""
    rows = await session.execute(select(Installer.id, Installer.time_zone).where(among(Installer.id, installer_ids)))
    return {row.id: WallClock.of(row.time_zone).zone for row in rows}


async def all_counted(session: AsyncSession, installer_id: UUID) -> list[tuple[datetime, Counts]]:
    """When each assignment of the installer was made, and what it adds to its windows."""
    query = select(Assignment.created_at, Assignment.status, Assignment.cap_state)
    rows = await session.execute(query.where(Assignment.installer_id == installer_id))
    return [(row.created_at, counted(row.status, row.cap_state)) for row in rows]


async def usage_of(
    session: AsyncSession, installers: Sequence[Installer], now: datetime
) -> dict[UUID, list[WindowCount]]:
    """What is taken of each window of now, by installer; read without a lock, to be looked at."""
    windows = {row.id: windows_at(now, WallClock.of(row.time_zone).zone).values() for row in installers}
    counts = await counts_of(session, [(id_, window) for id_, each in windows.items() for window in each])
    return {id_: [counts[id_, window.kind] for window in each] for id_, each in windows.items()}
