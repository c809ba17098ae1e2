"""The model of the database answers as PostgreSQL does: the same seeded sequence of the chassis's own calls on both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import pending
from chassis.database import Database, create_engine
from chassis.pending import PendingSet, Shard
from deploy.local.postgres import ServiceDatabase
from tests.kit.eventually import eventually
from tests.ring import seams
from tests.ring.actors import AGGREGATE_IDS
from tests.ring.loop import CURRENT, Process
from tests.ring.plan import Plan
from tests.ring.script import CLIENTS, Call, RelayCall, Script
from tests.ring.sessions import ModelDatabase, connect
from tests.ring.statements import CONSTANTS, OUTBOX
from tests.ring.world import World

STEPS = 60
TABLES = """
    CREATE TABLE aggregates (
        id text PRIMARY KEY, version int NOT NULL DEFAULT 0, skipped int[] NOT NULL DEFAULT '{}', filled int
    );
    CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY, event_id uuid, key text, version int);
"""


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
        before = self._unanswered()
        waiting = await self._count_waiting()
        # The answer that was waited for can come while the server is asked.
        return before == self._unanswered() == waiting

    def _unanswered(self) -> int:
        return sum(not task.done() for task in self.under_way.values())

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
    await relay.close()
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

    relay = PendingSet(await connect(world), await connect(world), Shard(0, 1))
    return Side(ModelDatabase(world, "/waybill/ring"), relay, count_waiting)


@pytest.mark.parametrize("seed", range(8))
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


UNMODELLED = {"_FIRST"}
"""What others are made from."""


def _is_statement(value: Any) -> bool:
    return str(value).strip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))
