"""Places under the caps: reserved when a lead is given, committed when it is delivered, given back when it is not.

Every function works on counters whose lock it holds or takes (`lock_turns`): two writers never count past each other.
"""

from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, CursorResult, DateTime, Integer, Text, Uuid, bindparam, delete, insert, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.counting import CapMove, changes_of, recounted
from services.routing.domain.ordering import LEAD_PPM
from services.routing.domain.standing import Standing
from services.routing.domain.states import Trigger
from services.routing.models import CapWindow
from services.routing.queries.counters import all_counted, lock_turns, zones

Instants = ARRAY(DateTime(timezone=True))


class CapWindowMissing(Exception):
    """A place is to be moved in a window that was never counted: the counters do not tell the truth any more."""


_RESERVE = text(
    """
    INSERT INTO cap_windows (installer_id, kind, window_start, window_end, reserved, used)
    SELECT *, 0 FROM unnest(:installer_ids, :kinds, :starts, :ends, :reserved)
    ON CONFLICT (installer_id, kind, window_start) DO UPDATE SET reserved = cap_windows.reserved + excluded.reserved
    """
).bindparams(
    bindparam("installer_ids", type_=ARRAY(Uuid)),
    bindparam("kinds", type_=ARRAY(Text)),
    bindparam("starts", type_=Instants),
    bindparam("ends", type_=Instants),
    bindparam("reserved", type_=ARRAY(Integer)),
)

_TAKE_TURNS = text(
    """
    UPDATE turns_taken
    SET last_assigned_at = given.at, last_assigned_place = given.place, balance_ppm = given.balance_ppm
    FROM unnest(:installer_ids, :instants, :places, :balances) AS given (installer_id, at, place, balance_ppm)
    WHERE turns_taken.installer_id = given.installer_id
    """
).bindparams(
    bindparam("installer_ids", type_=ARRAY(Uuid)),
    bindparam("instants", type_=Instants),
    bindparam("places", type_=ARRAY(Integer)),
    bindparam("balances", type_=ARRAY(BigInteger)),
)


async def reserve(session: AsyncSession, given: Mapping[UUID, int], standings: Mapping[UUID, Standing]) -> None:
    """Writes down what the chosen have taken, `given` leads each, and what all are owed since."""
    if not given:
        return
    taken = [(id_, count.window, number) for id_, number in given.items() for count in standings[id_].counts.values()]
    reservations = {
        "installer_ids": [installer_id for installer_id, _, _ in taken],
        "kinds": [window.kind.value for _, window, _ in taken],
        "starts": [window.starts_at for _, window, _ in taken],
        "ends": [window.ends_at for _, window, _ in taken],
        "reserved": [number for _, _, number in taken],
    }
    await session.execute(_RESERVE, reservations)
    moved = {id_: standing for id_, standing in standings.items() if standing.has_moved}
    turns = [standing.last_turn for standing in moved.values()]
    took = {
        "installer_ids": list(moved),
        "instants": [turn.at if turn else None for turn in turns],
        "places": [turn.place if turn else 0 for turn in turns],
        "balances": [standing.balance_ppm for standing in moved.values()],
    }
    await session.execute(_TAKE_TURNS, took)


_MOVE = text(
    """
    UPDATE cap_windows
    SET reserved = cap_windows.reserved + change.reserved,
        used = cap_windows.used + change.used,
        failed = cap_windows.failed + change.failed
    FROM unnest(:installer_ids, :kinds, :starts, :reserved, :used, :failed)
        AS change (installer_id, kind, window_start, reserved, used, failed)
    WHERE (cap_windows.installer_id, cap_windows.kind, cap_windows.window_start)
        = (change.installer_id, change.kind, change.window_start)
    """
).bindparams(
    bindparam("installer_ids", type_=ARRAY(Uuid)),
    bindparam("kinds", type_=ARRAY(Text)),
    bindparam("starts", type_=Instants),
    bindparam("reserved", type_=ARRAY(Integer)),
    bindparam("used", type_=ARRAY(Integer)),
    bindparam("failed", type_=ARRAY(Integer)),
)


# What was given by hand was no turn, and is not owed again.
_OWE_AGAIN = text(
    """
    UPDATE turns_taken
    SET balance_ppm = greatest(-bound.ppm, least(bound.ppm, turns_taken.balance_ppm + back.leads * :lead_ppm))
    FROM (
        SELECT given.installer_id, count(*) AS leads
        FROM unnest(:installer_ids, :decision_ids) AS given (installer_id, decision_id)
        JOIN decisions ON decisions.id = given.decision_id
        WHERE decisions.trigger <> :by_hand
        GROUP BY given.installer_id
    ) AS back,
    (
        SELECT (body ->> 'most_owed_leads')::bigint * :lead_ppm AS ppm
        FROM routing_policies WHERE kind = 'ordering' ORDER BY version DESC LIMIT 1
    ) AS bound
    WHERE turns_taken.installer_id = back.installer_id
    """
).bindparams(
    bindparam("installer_ids", type_=ARRAY(Uuid)),
    bindparam("decision_ids", type_=ARRAY(Uuid)),
    bindparam("lead_ppm", LEAD_PPM, type_=BigInteger),
    bindparam("by_hand", Trigger.BY_HAND.value, type_=Text),
)


async def move(session: AsyncSession, moves: Sequence[CapMove]) -> None:
    """Commits, gives back or releases places: three statements for any number, and one for what is owed again."""
    if not moves:
        return
    installer_ids = {planned.installer_id for planned in moves}
    await lock_turns(session, installer_ids)
    # The zone is read under the lock: a change of it recounts the windows before it lets go.
    changes = changes_of(moves, await zones(session, installer_ids))
    arrays = {
        "installer_ids": [key.installer_id for key in changes],
        "kinds": [key.kind.value for key in changes],
        "starts": [key.starts_at for key in changes],
        "reserved": [counts.reserved for counts in changes.values()],
        "used": [counts.used for counts in changes.values()],
        "failed": [counts.failed for counts in changes.values()],
    }
    moved = cast("CursorResult[tuple[()]]", await session.execute(_MOVE, arrays))
    if moved.rowcount != len(changes):
        raise CapWindowMissing(f"{len(changes) - moved.rowcount} of {len(changes)} windows have no counter")
    await _owe_again(session, [planned for planned in moves if planned.change.is_owed_again])


async def _owe_again(session: AsyncSession, moves: Sequence[CapMove]) -> None:
    if moves:
        back = {
            "installer_ids": [planned.installer_id for planned in moves],
            "decision_ids": [planned.decision_id for planned in moves],
        }
        await session.execute(_OWE_AGAIN, back)


async def recount(session: AsyncSession, installer_id: UUID, zone: ZoneInfo) -> None:
    """The installer lives by another clock now: all its windows are counted anew, so that no cap starts from zero."""
    await lock_turns(session, [installer_id])
    windows = recounted(await all_counted(session, installer_id), zone)
    await session.execute(delete(CapWindow).where(CapWindow.installer_id == installer_id))
    rows = [
        {
            "installer_id": installer_id,
            "kind": window.kind,
            "window_start": window.starts_at,
            "window_end": window.ends_at,
            **counts._asdict(),
        }
        for window, counts in windows.items()
    ]
    if rows:
        await session.execute(insert(CapWindow), rows)
