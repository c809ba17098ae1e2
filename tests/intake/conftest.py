"""Fixtures of intake's tests."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from chassis.clock import FixedClock
from tests.intake.desk import Desk, answering
from tests.intake.samples import NOW
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
