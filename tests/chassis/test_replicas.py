"""The newest of each thing is kept, by one statement, in whatever order it is told."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.database import Database, create_engine
from chassis.ids import new_id
from chassis.replicas import keep_newest
from deploy.local.postgres import ServiceDatabase


class Base(DeclarativeBase):
    pass


class Known(Base):
    __tablename__ = "known_things"

    thing_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[int]


@dataclass(frozen=True, slots=True)
class Told:
    thing_id: UUID
    name: str
    version: int


ONE, OTHER = new_id(), new_id()


@pytest.fixture
async def database(empty_database: ServiceDatabase) -> AsyncIterator[Database]:
    database = Database(create_engine(empty_database.owner_url), "/waybill/chassis")
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield database
    await database.close()


async def keep(database: Database, *told: Told) -> None:
    async with database.transaction() as session:
        await keep_newest(session, Known, told)


async def kept(database: Database) -> dict[UUID, tuple[str, int]]:
    async with database.reading() as session:
        rows = await session.execute(text("SELECT thing_id, name, version FROM known_things"))
        return {row.thing_id: (row.name, row.version) for row in rows}


async def test_the_newest_of_a_batch_is_kept_of_each(database: Database) -> None:
    await keep(database, Told(ONE, "second", 2), Told(OTHER, "other", 1), Told(ONE, "first", 1))
    assert await kept(database) == {ONE: ("second", 2), OTHER: ("other", 1)}


async def test_what_is_older_than_what_is_kept_is_passed_by(database: Database) -> None:
    await keep(database, Told(ONE, "second", 2))
    await keep(database, Told(ONE, "first", 1), Told(OTHER, "other", 1))
    await keep(database, Told(ONE, "second once more", 2))
    assert await kept(database) == {ONE: ("second", 2), OTHER: ("other", 1)}


async def test_what_is_newer_takes_its_place(database: Database) -> None:
    await keep(database, Told(ONE, "first", 1))
    await keep(database, Told(ONE, "second", 2))
    assert await kept(database) == {ONE: ("second", 2)}


async def test_nothing_told_is_nothing_written(database: Database) -> None:
    await keep(database)
    assert await kept(database) == {}
