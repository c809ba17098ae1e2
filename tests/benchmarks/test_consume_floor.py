"""The floors under a consumer promise what the product's consumer promises."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from benchmarks.leads import lead_created, rows
from benchmarks.workers import consume_by_record, consume_floor
from benchmarks.workers.deciding import TABLE
from chassis.database import create_engine
from chassis.outbox import unpack_headers
from chassis.records import decode
from contracts.routing import DispatchDecided
from deploy.local.postgres import ServiceDatabase

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("benchmarks")]


class Record:
    """As aiokafka gives it, as far as the floor looks."""

    def __init__(self, headers: Any, value: bytes, key: bytes = b"", topic: str = "") -> None:
        self.headers, self.value, self.key, self.topic = headers, value, key, topic
        self.partition = self.offset = 0


def records(count: int) -> list[Any]:
    return [Record(row.headers, row.body) for row in rows(count)]


@pytest.fixture
async def database(chassis_database: ServiceDatabase) -> ServiceDatabase:
    owner = await asyncpg.connect(chassis_database.owner_url)
    await owner.execute(TABLE)
    await owner.close()
    return chassis_database


@pytest.fixture
async def connection(database: ServiceDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.url)
    yield connection
    await connection.close()


async def kept(connection: asyncpg.Connection) -> list[int]:
    return [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in ("inbox", "decisions", "outbox")]


class TestByTheBatch:
    async def test_keeps_inbox_effect_and_event_of_each(self, connection: asyncpg.Connection) -> None:
        await consume_floor.apply(connection, "group", records(3))
        assert await kept(connection) == [3, 3, 3]

    async def test_what_comes_again_is_applied_once_in_one_batch_and_in_the_next(
        self, connection: asyncpg.Connection
    ) -> None:
        batch = records(3)
        await consume_floor.apply(connection, "group", [*batch, batch[0]])
        await consume_floor.apply(connection, "group", batch[:2])
        assert await kept(connection) == [3, 3, 3]

    async def test_publishes_what_the_product_can_read(self, connection: asyncpg.Connection) -> None:
        await consume_floor.apply(connection, "group", records(1))
        row = await connection.fetchrow("SELECT topic, key, headers, body FROM outbox")
        record = Record(unpack_headers(row["headers"]), row["body"], row["key"], row["topic"])
        arrival = decode(record, {DispatchDecided.type: None}, 1_000_000)
        assert arrival.malformed is None
        assert arrival.incoming is not None
        assert isinstance(arrival.incoming.event, DispatchDecided)


class TestByTheRecord:
    @pytest.fixture
    async def apply(self, database: ServiceDatabase) -> AsyncIterator[Callable[[UUID, Any], Any]]:
        engine = create_engine(database.url, pool_size=1)
        sessions = async_sessionmaker(engine, class_=AsyncSession)

        async def apply(event_id: UUID, event: Any) -> None:
            async with sessions.begin() as session:
                await consume_by_record.apply(session, "group", event_id, event)

        yield apply
        await engine.dispose()

    async def test_what_comes_again_is_applied_once(
        self, apply: Callable[[UUID, Any], Any], connection: asyncpg.Connection
    ) -> None:
        (row,), event = rows(1), lead_created()
        for _ in range(2):
            await apply(row.event_id, event)
        assert await kept(connection) == [1, 1, 1]
