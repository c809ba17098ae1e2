"""The model of the database answers as PostgreSQL does: the same seeded sequence of the chassis's own calls on both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import inbox, outbox, parking, pending
from chassis.database import Database, create_engine
from chassis.outbox import slot_of
from chassis.parking import ParkedState, Parking
from chassis.pending import PendingSet, Shard
from chassis.records import Arrival
from deploy.local.postgres import ServiceDatabase
from tests.chassis.test_records import FakeRecord
from tests.kit.eventually import eventually
from tests.ring import seams
from tests.ring.actors import AGGREGATE_IDS
from tests.ring.events import TOPIC, event_of
from tests.ring.loop import CURRENT, Process
from tests.ring.plan import Flavour, Plan
from tests.ring.sessions import ModelDatabase, connect
from tests.ring.statements import APPLY, BUMP, CONSTANTS, OUTBOX
from tests.ring.world import World

CLIENTS = 3
STEPS = 60
IDS = [UUID(int=number) for number in range(1, 6)]
KEYS = [name.encode() for name in AGGREGATE_IDS[:2]]
CONSUMER = "waybill.ring"
TABLES = """
    CREATE TABLE aggregates (id text PRIMARY KEY, version int NOT NULL DEFAULT 0);
    CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY, event_id uuid, key text, version int);
"""

Call = Callable[[AsyncSession], Awaitable[Any]]
RelayCall = Callable[[PendingSet], Awaitable[Any]]


class Side:
    """One of the two databases: clients with a transaction each, a relay, and calls that may have to wait."""

    def __init__(self, database: Database, relay: PendingSet, count_waiting: Callable[[], Awaitable[int]]) -> None:
        self.relay = relay
        self._database = database
        self._count_waiting = count_waiting
        self._units: dict[int, AbstractAsyncContextManager[AsyncSession]] = {}
        self._sessions: dict[int, AsyncSession] = {}
        self.under_way: dict[int, asyncio.Task[Any]] = {}

    async def answers(self) -> dict[int, Any]:
        """Of the calls that are done by now; the others wait for a lock, and go on waiting."""
        await eventually(self._is_settled, 30)
        done = {client: task for client, task in self.under_way.items() if task.done()}
        for client in done:
            del self.under_way[client]
        return {client: _outcome(task) for client, task in done.items()}

    async def _is_settled(self) -> bool:
        waiting = await self._count_waiting()
        return sum(not task.done() for task in self.under_way.values()) == waiting

    def call(self, client: int, call: Call) -> None:
        self.under_way[client] = asyncio.create_task(self._in_transaction(client, call))

    def end(self, client: int, *, commits: bool) -> None:
        self.under_way[client] = asyncio.create_task(self._end(client, commits=commits))

    def call_relay(self, call: RelayCall) -> None:
        self.under_way[CLIENTS] = asyncio.create_task(_awaited(call(self.relay)))

    async def close(self) -> None:
        for client in range(CLIENTS):
            if client in self.under_way:
                self.under_way.pop(client).cancel()
            await self._end(client, commits=False)

    async def _in_transaction(self, client: int, call: Call) -> Any:
        if client not in self._sessions:
            unit = self._units[client] = self._database.transaction()
            self._sessions[client] = await unit.__aenter__()
        return await call(self._sessions[client])

    async def _end(self, client: int, *, commits: bool) -> None:
        unit = self._units.pop(client, None)
        self._sessions.pop(client, None)
        if unit is None:
            return
        if commits:
            await unit.__aexit__(None, None, None)
            return
        await unit.__aexit__(ZeroDivisionError, ZeroDivisionError(), None)


async def _awaited(call: Awaitable[Any]) -> Any:
    return await call


def _outcome(task: "asyncio.Task[Any]") -> Any:
    """A result in a form that can be compared; of a fault its SQLSTATE."""
    fault = task.exception()
    if fault is not None:
        return getattr(getattr(fault, "orig", fault), "sqlstate", None) or repr(fault)
    return task.result()


@pytest.fixture
async def real(chassis_database: ServiceDatabase) -> AsyncIterator[Side]:
    owner = await asyncpg.connect(chassis_database.owner_url)
    await owner.execute(TABLES)
    await owner.executemany("INSERT INTO aggregates VALUES ($1)", [(id_,) for id_ in AGGREGATE_IDS])

    async def count_waiting() -> int:
        waiting: int = await owner.fetchval(
            """
            SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE NOT granted AND datname = current_database()
            """
        )
        return waiting

    database = Database(create_engine(chassis_database.url, pool_size=CLIENTS), "/waybill/ring")
    relay = await PendingSet.open(chassis_database.url, Shard(0, 1))
    side = Side(database, relay, count_waiting)
    yield side
    await side.close()
    await relay.connection.close()
    await database.close()
    await owner.close()


@pytest.fixture
async def model() -> Side:
    world = World(Plan(writers=()))
    # The migration of an empty outbox has drawn one.
    world.store.next_value(OUTBOX)
    CURRENT.set(Process("client", "client", world))

    async def count_waiting() -> int:
        for _ in range(50):
            await asyncio.sleep(0)
        return sum(transaction.waits_for is not None for transaction in world.store.transactions)

    return Side(ModelDatabase(world, "/waybill/ring"), PendingSet(await connect(world), Shard(0, 1)), count_waiting)


class Script:
    """Draws calls by the seed. Ids of parked rows are drawn on each side for itself: they are told by their place."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)  # noqa: S311
        self._offset = 0
        self._version = 0

    def move(self, free: list[int], *, somebody_waits: bool) -> tuple[Callable[[Side], None], str]:
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
        draw = self._chance.choice(
            (self._bump, self._add, self._claim, self._seen, self._park, self._blocked, self._settle, self._return)
        )
        return draw()

    def relay_call(self) -> RelayCall:
        draw = self._chance.choice((self._read, self._read_and_delete, self._writers, self._put_aside, self._reclaim))
        return draw()

    def _key(self) -> bytes:
        return self._chance.choice(KEYS)

    def _bump(self) -> Call:
        key = self._key().decode()
        return lambda session: session.scalar(BUMP, {"id": key})

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
        key = self._key()
        offset = self._offset = self._offset + self._chance.randint(0, 1)
        record = FakeRecord(key, b"body", [], TOPIC.name, 0, offset)
        return lambda session: parking.park(
            session, CONSUMER, [Parking(Arrival(record, (TOPIC.name, key)), "a_reason")]
        )

    def _blocked(self) -> Call:
        arrivals = [Arrival(FakeRecord(key, b"", [], TOPIC.name), (TOPIC.name, key)) for key in KEYS]
        return lambda session: parking.blocked_lanes(session, CONSUMER, arrivals)

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


@pytest.mark.parametrize("seed", range(6))
async def test_model_and_server_answer_alike(
    seed: int, real: Side, model: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "FLOOR_SECONDS", 0)
    script = Script(seed)
    for step in range(STEPS):
        free = [client for client in range(CLIENTS) if client not in model.under_way]
        move, told = script.move(free, somebody_waits=bool(model.under_way))
        for side in (real, model):
            move(side)
        assert await model.answers() == await real.answers(), f"step {step}: {told}"


def test_every_statement_of_the_event_path_has_a_model() -> None:
    known = {statement if isinstance(statement, str) else id(statement) for statement, _ in CONSTANTS}
    for module in seams.MODULES:
        for name, value in vars(module).items():
            if name.strip("_").isupper() and _is_statement(value) and "{table}" not in str(value):
                is_known = value in known if isinstance(value, str) else id(value) in known
                assert is_known or name in UNMODELLED, f"{module.__name__}.{name}"


UNMODELLED = {"_DEPTH"}
"""For gauges alone."""


def _is_statement(value: Any) -> bool:
    return str(value).strip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))
