"""The house of the crates, over a database whose changes are undone after each test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import asyncpg
import pytest
from sqlalchemy import text

from chassis.database import Database, create_engine
from deploy.local.postgres import ServiceDatabase
from tests.console.crates import COLUMNS, House, open_house
from tests.kit.databases import RolledBackDatabase
from tests.kit.identity import TestIdentity


@pytest.fixture(scope="module")
def identity() -> Iterator[TestIdentity]:
    with TestIdentity() as identity:
        yield identity


@pytest.fixture
async def house(
    rolled_back_database: Callable[[str], Awaitable[RolledBackDatabase]], identity: TestIdentity
) -> AsyncIterator[House]:
    database = await rolled_back_database("identity")
    async with database.transaction() as session:
        await session.execute(text(f"CREATE TEMPORARY TABLE {COLUMNS}"))
    async with open_house(database, identity) as house:
        yield house


@pytest.fixture
async def fresh_house(fresh_database: Callable[[str], ServiceDatabase], identity: TestIdentity) -> AsyncIterator[House]:
    """Over a database of its own, for what happens on several connections at once."""
    made = fresh_database("identity")
    owner = await asyncpg.connect(made.owner_url)
    await owner.execute(f"CREATE TABLE {COLUMNS}")
    await owner.close()
    database = Database(create_engine(made.url), "/waybill/identity")
    async with open_house(database, identity) as house:
        yield house
    await database.close()
