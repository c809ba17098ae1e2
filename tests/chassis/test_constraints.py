"""What the database's constraints say no to, and words that columns know."""

from collections.abc import AsyncIterator
from enum import StrEnum

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.columns import Word, one_of
from chassis.constraints import flush_or_refuse
from chassis.database import Database, create_engine, named_metadata
from chassis.errors import Refusal
from deploy.local.postgres import ServiceDatabase


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Model(DeclarativeBase):
    metadata = named_metadata()


class Thing(Model):
    __tablename__ = "things"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    colour: Mapped[Colour | None] = mapped_column(Word(Colour))

    __table_args__ = (one_of("colour", Colour),)


class NameTaken(Refusal):
    code = "name_taken"


@pytest.fixture
async def session(chassis_database: ServiceDatabase) -> AsyncIterator[AsyncSession]:
    database = Database(create_engine(chassis_database.owner_url), "/waybill/tests")
    async with database.engine.begin() as connection:
        await connection.run_sync(Model.metadata.create_all)
    async with database.reading() as session:
        yield session
    await database.close()


class TestFlushOrRefuse:
    async def test_raises_the_refusal_that_the_constraint_stands_for(self, session: AsyncSession) -> None:
        session.add_all([Thing(id=1, name="one"), Thing(id=2, name="one")])
        with pytest.raises(NameTaken):
            await flush_or_refuse(session, {"uq_things_name": NameTaken("choose another")})

    async def test_lets_the_violation_of_another_constraint_be_a_failure(self, session: AsyncSession) -> None:
        session.add_all([Thing(id=1, name="one"), Thing(id=2, name="two")])
        await flush_or_refuse(session, {"uq_things_name": NameTaken("choose another")})
        session.expunge_all()
        session.add(Thing(id=2, name="three"))
        with pytest.raises(IntegrityError, match="pk_things"):
            await flush_or_refuse(session, {"uq_things_name": NameTaken("choose another")})


class TestWord:
    async def test_is_read_as_it_was_written(self, session: AsyncSession) -> None:
        session.add_all([Thing(id=1, name="one", colour=Colour.RED), Thing(id=2, name="two")])
        await session.flush()
        session.expunge_all()
        assert (await session.get_one(Thing, 1)).colour is Colour.RED
        assert (await session.get_one(Thing, 2)).colour is None

    @pytest.mark.parametrize("colour", ["green", "RED"])
    async def test_that_the_set_lacks_is_refused_on_both_sides(self, session: AsyncSession, colour: str) -> None:
        with pytest.raises(IntegrityError, match="ck_things_colour"):
            await session.execute(text("INSERT INTO things VALUES (1, 'one', :colour)"), {"colour": colour})
        await session.rollback()
        session.add(Thing(id=1, name="one", colour=colour))
        with pytest.raises(StatementError, match="is not a valid Colour"):
            await session.flush()
