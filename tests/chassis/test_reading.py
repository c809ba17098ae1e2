"""Reading: whatever it did is rolled back, and where it is asked for all of it is of one instant."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import SYSTEM, Subject, audit_entries
from chassis.database import Database, create_engine, meanwhile
from chassis.ids import new_id
from deploy.local.postgres import ServiceDatabase


@pytest.fixture
async def database(chassis_database: ServiceDatabase) -> AsyncIterator[Database]:
    database = Database(create_engine(chassis_database.url, pool_size=2), "/waybill/example")
    yield database
    await database.close()


async def count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(audit_entries)) or 0


async def write(session: AsyncSession) -> None:
    await audit.record(session, actor=SYSTEM, action="paint", subject=Subject("thing", new_id()))


class TestReading:
    async def test_leaves_nothing_behind(self, database: Database) -> None:
        async with database.reading() as session:
            await write(session)
            assert await count(session) == 1
        async with database.reading() as session:
            assert await count(session) == 0

    async def test_sees_what_is_committed_meanwhile(self, database: Database) -> None:
        async with database.reading() as session:
            assert await count(session) == 0
            async with database.transaction() as other:
                await write(other)
            assert await count(session) == 1

    async def test_of_one_instant_does_not(self, database: Database) -> None:
        async with database.reading(isolation="repeatable read") as session:
            assert await count(session) == 0
            async with database.transaction() as other:
                await write(other)
            assert await count(session) == 0
        async with database.reading(isolation="repeatable read") as session:
            assert await count(session) == 1

    async def test_gives_the_connection_back_as_it_was(self, database: Database) -> None:
        asked = text("SHOW transaction_isolation")
        async with database.reading(isolation="repeatable read") as session:
            assert await session.scalar(asked) == "repeatable read"
        for _ in range(2):
            async with database.transaction() as session:
                assert await session.scalar(asked) == "read committed"


class TestMeanwhile:
    """What is worked while the database looks begins once it was asked, and outlives nothing that it may need."""

    async def test_asks_first_then_works_then_waits(self, database: Database) -> None:
        done: list[str] = []

        async def read(session: AsyncSession) -> int | None:
            done.append("asked")
            found = await session.scalar(select(func.count()))
            done.append("answered")
            return found

        def work() -> int:
            done.append("worked")
            return 2

        async with database.looking() as session:
            answered, worked = await meanwhile(read(session), work)
        assert (answered, worked) == (1, 2)
        assert done == ["asked", "worked", "answered"]

    async def test_leaves_the_session_free_where_the_work_fails(self, database: Database) -> None:
        def fail() -> None:
            raise ValueError("no such row")

        async with database.looking() as session:
            with pytest.raises(ValueError, match="no such row"):
                await meanwhile(session.execute(select(func.count())), fail)
            assert await session.scalar(select(func.count())) == 1

    async def test_tells_what_the_database_refused(self, database: Database) -> None:
        async with database.looking() as session:
            with pytest.raises(DBAPIError):
                await meanwhile(session.execute(text("SELECT 1/0")), list)
