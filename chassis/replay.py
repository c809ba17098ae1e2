"""Replaying parked events: the first of a key, then all that waited behind it, each in a transaction of its own."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import inbox, parking, positions
from chassis.database import Database
from chassis.errors import Refusal
from chassis.faults import is_passing
from chassis.outbox import slot_of
from chassis.parking import (
    BEHIND,
    RELAY,
    VERSION_GAP,
    VERSION_PASSED,
    NotFirstInLine,
    NotParked,
    ParkedRecord,
    ParkedState,
)
from chassis.positions import Position
from chassis.records import decode
from chassis.runtime import ConsumerRuntime


class ReplayFailed(Refusal):
    code = "replay_failed"
    title = "The event failed again"
    status = HTTPStatus.CONFLICT


class VersionMissing(Refusal):
    code = VERSION_GAP
    title = "An earlier version has not come"
    status = HTTPStatus.CONFLICT


class VersionPassed(Refusal):
    code = VERSION_PASSED
    title = "Later versions were applied before it"
    status = HTTPStatus.CONFLICT


ITSELF = "runtime"
"""Who settled it, where nobody had to."""
BY_ITSELF = frozenset({VERSION_GAP, BEHIND})
"""What may be replayed without an operator. What else waits in a lane, one has to look at, unless it was applied."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many events of the key were applied, and the one that failed, if one did."""

    replayed: int
    stopped_at: UUID | None = None
    reason: str | None = None


class Replayer:
    """Replays with the handlers of the running service; `runtimes` are by consumer name."""

    def __init__(self, database: Database, runtimes: Mapping[str, ConsumerRuntime]) -> None:
        self._database = database
        self._runtimes = runtimes

    async def replay(self, id_: UUID, *, by: str, despite_gap: bool = False) -> Replayed:
        """Refuses with ReplayFailed when the very first fails; a later failure ends the replay and is told.

        `despite_gap`: the missing versions before the first are given up, or it goes though later ones have gone.
        """
        lane = await self._first(id_)
        if lane.consumer == RELAY:
            return Replayed(await self._return_to_outbox(lane, by))
        return await self._replay_lane(lane, by, despite_gap=despite_gap)

    async def heal(self) -> int:
        """Replays the lanes whose missing version has come since they were parked; returns how many events went."""
        async with self._database.reading() as session:
            lanes = await parking.healed_lanes(session)
        healed = 0
        for lane in lanes:
            with suppress(ReplayFailed):
                healed += (await self._replay_lane(lane, by=ITSELF)).replayed
        return healed

    async def _replay_lane(self, lane: Row[Any], by: str, *, despite_gap: bool = False) -> Replayed:
        replayed = 0
        while True:
            try:
                settled = await self._next(lane, by, despite_gap=despite_gap and replayed == 0)
            except Exception as fault:
                if is_passing(fault):
                    raise
                stopped_at, reason = await self._note(lane, fault)
                if replayed == 0:
                    raise ReplayFailed(reason, parked_event_id=stopped_at) from fault
                return Replayed(replayed, stopped_at, reason)
            if not settled:
                return Replayed(replayed)
            replayed += 1
            if lane.key is None:
                return Replayed(replayed)

    async def _return_to_outbox(self, lane: Row[Any], by: str) -> int:
        """The whole lane in one transaction: while a part of it waits, the relay would park the other part again."""
        returned = 0
        async with self._database.transaction() as session:
            await parking.lock_lane_of(session, lane)
            while parked := await parking.first_in_lane(session, lane.consumer, lane.topic, lane.key, lane.id):
                await parking.back_to_outbox(session, parked.id, slot_of(parked.key))
                await parking.settle(session, parked.id, ParkedState.REPLAYED, by)
                returned += 1
        return returned

    async def _first(self, id_: UUID) -> Row[Any]:
        async with self._database.reading() as session:
            parked = await parking.find(session, id_)
            if parked.state != ParkedState.PARKED:
                raise NotParked(f"the event is {parked.state}", parked_event_id=id_)
            first = await parking.first_in_lane(session, parked.consumer, parked.topic, parked.key, id_)
            if first is not None and first.id != id_:
                raise NotFirstInLine("replay the earlier one first", parked_event_id=id_, first_id=first.id)
            return parked

    async def _next(self, lane: Row[Any], by: str, *, despite_gap: bool) -> bool:
        async with self._database.transaction() as session:
            await parking.lock_lane_of(session, lane)
            parked = await parking.first_in_lane(session, lane.consumer, lane.topic, lane.key, lane.id)
            if parked is None or (by == ITSELF and not await self._needs_nobody(session, parked)):
                return False
            await self._apply(session, parked, despite_gap=despite_gap)
            await parking.settle(session, parked.id, ParkedState.REPLAYED, by)
            return True

    async def _needs_nobody(self, session: AsyncSession, parked: Row[Any]) -> bool:
        if parked.reason_code in BY_ITSELF:
            return True
        return await self._was_applied(session, parked)

    async def _was_applied(self, session: AsyncSession, parked: Row[Any]) -> bool:
        return parked.event_id is not None and bool(await inbox.seen(session, parked.consumer, [parked.event_id]))

    async def _apply(self, session: AsyncSession, parked: Row[Any], *, despite_gap: bool) -> None:
        runtime = self._runtimes[parked.consumer]
        arrival = decode(ParkedRecord.of(parked), runtime.consumer.by_type(), runtime.max_event_bytes)
        if arrival.malformed is not None:
            raise ReplayFailed(f"{arrival.malformed.code}: {arrival.malformed.detail}", parked_event_id=parked.id)
        if not despite_gap:
            await self._refuse_out_of_order(session, parked, is_ours=arrival.incoming is not None)
        if arrival.incoming and await inbox.claim(session, parked.consumer, [arrival.incoming.envelope.id]):
            await runtime.hand_over(session, [arrival])
        if runtime.has_versions and parked.key is not None and parked.aggregate_version is not None:
            here = Position(parked.aggregate_version, parked.aggregate_version)
            await positions.advance(session, parked.consumer, {parked.key: here})

    async def _refuse_out_of_order(self, session: AsyncSession, parked: Row[Any], *, is_ours: bool) -> None:
        """What waited behind another was not held against its position before; `is_ours`: there is a handler for it."""
        position = (await positions.read(session, parked.consumer, [parked.key])).get(parked.key)
        version = parked.aggregate_version
        if position is None or version is None:
            return
        if version > position.last + 1:
            raise VersionMissing(f"version {position.last + 1} has not come", parked_event_id=parked.id)
        # One before the last that was never applied had been given up.
        is_given_up = is_ours and version < position.last and not await self._was_applied(session, parked)
        if version < position.first or is_given_up:
            raise VersionPassed(f"version {version} came after {position.last}", parked_event_id=parked.id)

    async def _note(self, lane: Row[Any], fault: Exception) -> tuple[UUID, str]:
        code = fault.code if isinstance(fault, Refusal) else "handler_failed"
        detail = fault.detail if isinstance(fault, Refusal) else type(fault).__name__
        async with self._database.transaction() as session:
            parked = await parking.first_in_lane(session, lane.consumer, lane.topic, lane.key, lane.id)
            id_: UUID = parked.id if parked else lane.id
            await parking.note_failure(session, id_, code, detail)
        return id_, detail
