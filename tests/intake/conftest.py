"""Fixtures of intake's tests."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from tests.intake.couples import Couples
from tests.intake.desk import Desk, answering
from tests.intake.merges import TWIN
from tests.intake.samples import CONTENT, NOW, working_source
from tests.kit.databases import RolledBackDatabase
from tests.kit.identity import TestIdentity


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
async def database(
    rolled_back_database: Callable[[str], Awaitable[RolledBackDatabase]],
) -> RolledBackDatabase:
    return await rolled_back_database("intake")


@pytest.fixture(scope="session")
def identity() -> Iterator[TestIdentity]:
    with TestIdentity() as identity:
        yield identity


@pytest.fixture
async def http(database: RolledBackDatabase, clock: FixedClock, identity: TestIdentity) -> AsyncIterator[Desk]:
    """Intake answering in this process, over a database that is rolled back."""
    async with answering(database, identity, clock) as desk:
        yield desk


@pytest.fixture
async def couples(database: RolledBackDatabase) -> Couples:
    """Leads that are looked at as they come, over a database that is rolled back."""
    return Couples(database, (await working_source(database))[1])


@pytest.fixture
async def two(couples: Couples) -> list[UUID]:
    """One person's, both let in; the second is the one to go on where they are merged."""
    await couples.set(is_on=False)
    return await couples.leads(CONTENT, TWIN)
