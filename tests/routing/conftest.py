"""Fixtures of routing's tests."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from chassis.clock import FixedClock
from tests.kit.databases import RolledBackDatabase
from tests.kit.identity import TestIdentity
from tests.kit.webhook_sink import Sink, webhook_sink
from tests.routing.arrangements import NOW, Floor
from tests.routing.desk import Desk, answering
from tests.routing.webhooks import Webhooks, sending

# How long an example takes says something about the machine's other work, nothing about the rules.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
async def floor(rolled_back_database: Callable[[str], Awaitable[RolledBackDatabase]], clock: FixedClock) -> Floor:
    """Routing on a database that is rolled back after the test."""
    return Floor(await rolled_back_database("routing"), clock)


@pytest.fixture(scope="session")
def identity() -> Iterator[TestIdentity]:
    with TestIdentity() as identity:
        yield identity


@pytest.fixture
async def desk(floor: Floor, identity: TestIdentity) -> AsyncIterator[Desk]:
    """Routing answering in this process, over the floor's database."""
    async with answering(floor.database, identity, floor.clock) as desk:
        yield desk


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with webhook_sink() as sink:
        yield sink


@pytest.fixture
async def webhooks(floor: Floor, sink: Sink) -> AsyncIterator[Webhooks]:
    async with sending(floor, sink) as webhooks:
        yield webhooks
