"""Seeded sequences of the chassis's own calls, for two databases that should answer alike."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import inbox, outbox, parking, pending, positions
from chassis.outbox import slot_of
from chassis.parking import VERSION_GAP, ParkedState, Parking
from chassis.pending import PendingSet
from chassis.positions import Position
from chassis.records import Arrival
from contracts.envelope import Envelope
from tests.kit.records import KafkaRecord
from tests.ring.actors import AGGREGATE_IDS
from tests.ring.events import TOPIC, event_of
from tests.ring.plan import Flavour
from tests.ring.statements import APPLY, BUMP, FILL, SKIP

if TYPE_CHECKING:
    from tests.ring.test_model import Side

CLIENTS = 3
IDS = [UUID(int=number) for number in range(1, 6)]
KEYS = [name.encode() for name in AGGREGATE_IDS[:2]]
CONSUMER = "waybill.ring"
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)

Call = Callable[[AsyncSession], Awaitable[Any]]
RelayCall = Callable[[PendingSet], Awaitable[Any]]


class Script:
    """Draws calls by the seed. Ids of parked rows are drawn on each side for itself: they are told by their place."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)  # noqa: S311
        self._offset = 0
        self._version = 0

    def move(self, free: list[int], *, somebody_waits: bool) -> tuple[Callable[["Side"], None], str]:
        """What to do next, on either side, and its name. Where somebody waits, others can only end: no deadlocks."""
        client, chance = self._chance.choice(free), self._chance.random()
        if somebody_waits or chance < 0.25:
            commits = self._chance.random() < 0.8
            return lambda side: side.end(client, commits=commits), f"{client} ends, {commits=}"
        if chance < 0.5:
            relay_call = self.relay_call()
            return lambda side: side.call_relay(relay_call), f"the relay does {relay_call.__qualname__}"
        call = self.call()
        return lambda side: side.call(client, call), f"{client} does {call.__qualname__}"

    def call(self) -> Call:
        of_commands = (self._bump, self._skip_and_fill, self._add, self._return)
        of_consumers = (self._claim, self._seen, self._park, self._blocked, self._read_positions, self._advance)
        of_operators = (self._settle, self._first, self._discard, self._healed)
        return self._chance.choice((*of_commands, *of_consumers, *of_operators))()

    def relay_call(self) -> RelayCall:
        draw = self._chance.choice((self._read, self._read_and_delete, self._writers, self._put_aside, self._reclaim))
        return draw()

    def _key(self) -> bytes:
        return self._chance.choice(KEYS)

    def _bump(self) -> Call:
        key = self._key().decode()
        return lambda session: session.scalar(BUMP, {"id": key})

    def _skip_and_fill(self) -> Call:
        key, fills = self._key().decode(), self._chance.random() < 0.5

        async def skip_and_fill(session: AsyncSession) -> Any:
            await session.execute(SKIP, {"id": key})
            return await session.scalar(FILL, {"id": key}) if fills else None

        return skip_and_fill

    def _add(self) -> Call:
        key, self._version = self._key().decode(), self._version + 1
        version = self._version

        async def add(session: AsyncSession) -> None:
            outbox.add(session, event_of(key, Flavour.PLAIN), version=version)
            await session.execute(APPLY, {"event_ids": [IDS[0]], "keys": [key], "versions": [version]})

        return add

    def _claim(self) -> Call:
        ids = self._chance.sample(IDS, 2)
        return lambda session: inbox.claim(session, CONSUMER, ids)

    def _seen(self) -> Call:
        return lambda session: inbox.seen(session, CONSUMER, IDS)

    def _park(self) -> Call:
        key, version = self._key(), self._chance.choice((None, 1, 2, 3))
        offset = self._offset = self._offset + self._chance.randint(0, 1)
        reason = self._chance.choice(("a_reason", VERSION_GAP, VERSION_GAP))
        arrival = Arrival(KafkaRecord(key, b"body", [], TOPIC.name, 0, offset), (TOPIC.name, key))
        if version is not None:
            arrival.envelope = Envelope(IDS[0], "", "", BEGINNING, key.decode(), "", version, "")
        return lambda session: parking.park(session, CONSUMER, [Parking(arrival, reason)])

    def _blocked(self) -> Call:
        arrivals = [Arrival(KafkaRecord(key, b"", [], TOPIC.name), (TOPIC.name, key)) for key in KEYS]
        return lambda session: parking.blocked_lanes(session, CONSUMER, arrivals)

    def _read_positions(self) -> Call:
        return lambda session: positions.read(session, CONSUMER, KEYS)

    def _advance(self) -> Call:
        if self._chance.random() < 0.2:
            key = self._key()
            return lambda session: positions.forget(session, CONSUMER, key)
        reached = {key: Position(1, self._chance.randint(1, 4)) for key in self._chance.sample(KEYS, 2)}
        return lambda session: positions.advance(session, CONSUMER, reached)

    def _first(self) -> Call:
        """As a replay looks before it takes the lane: the row alone is locked."""
        key = self._key()

        async def first(session: AsyncSession) -> Any:
            found = await parking.first_in_lane(session, CONSUMER, TOPIC.name, key, UUID(int=0))
            if found is None:
                return None
            await parking.note_failure(session, found.id, "again", "")
            again = await parking.first_in_lane(session, CONSUMER, TOPIC.name, None, found.id)
            return found.record_offset, found.aggregate_version, again.attempts if again else None

        return first

    def _discard(self) -> Call:
        key = self._key()

        async def discard(session: AsyncSession) -> Any:
            found = await parking.first_in_lane(session, CONSUMER, TOPIC.name, key, UUID(int=0))
            if found is None:
                return None
            row = await parking.discard(session, found.id, by="robin", reason="a test")
            return row.record_offset, row.state, await positions.read(session, CONSUMER, KEYS)

        return discard

    def _healed(self) -> Call:
        async def healed(session: AsyncSession) -> Any:
            rows = await parking.healed_lanes(session)
            return sorted((row.key, row.record_offset) for row in rows), await parking.count_waiting(session)

        return healed

    def _settle(self) -> Call:
        key, state = self._key(), self._chance.choice((ParkedState.REPLAYED, None))

        async def settle(session: AsyncSession) -> Any:
            await parking.lock_lanes(session, CONSUMER, [(TOPIC.name, key)])
            first = await parking.first_in_lane(session, CONSUMER, TOPIC.name, key, UUID(int=0))
            if first is None:
                return None
            if state is None:
                await parking.note_failure(session, first.id, "again", "")
            else:
                await parking.settle(session, first.id, state, "robin")
            found = await parking.find(session, first.id, lock=True)
            return found.record_offset, found.state, found.attempts, found.reason_code

        return settle

    def _return(self) -> Call:
        key = self._key()

        async def put_back(session: AsyncSession) -> Any:
            await parking.lock_lanes(session, parking.RELAY, [(TOPIC.name, key)])
            first = await parking.first_in_lane(session, parking.RELAY, TOPIC.name, key, UUID(int=0))
            if first is None:
                return None
            await parking.back_to_outbox(session, first.id, slot_of(key))
            await parking.settle(session, first.id, ParkedState.REPLAYED, "robin")
            return first.record_offset

        return put_back

    def _read(self) -> RelayCall:
        limit = self._chance.randint(1, 3)

        async def read(relay: PendingSet) -> Any:
            return [(row[0], row[1], row[2], row[3], row[5]) for row in await relay.read(limit, [])]

        return read

    def _read_and_delete(self) -> RelayCall:
        async def read_and_delete(relay: PendingSet) -> Any:
            rows = await relay.read(1, [])
            await relay.delete(rows)
            return [row[0] for row in rows], relay.floor

        return read_and_delete

    def _writers(self) -> RelayCall:
        async def writers(relay: PendingSet) -> Any:
            found = await relay.connection.fetch(pending._WRITERS)
            return len(found), await relay.connection.fetchval(pending._HIGHEST), await relay.take_shard()

        return writers

    def _put_aside(self) -> RelayCall:
        async def put_aside(relay: PendingSet) -> Any:
            rows = await relay.read(1, [])
            for row in rows:
                if not await relay.park_behind(row):
                    await relay.park(row, "a_reason", "")
            return [row[0] for row in rows], await relay.blocked_lanes()

        return put_aside

    def _reclaim(self) -> RelayCall:
        segment = self._chance.randint(0, 1)
        return lambda relay: relay.connection.fetchval(pending._RECLAIM, segment)
