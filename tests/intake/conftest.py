"""Fixtures of intake's tests."""

from collections.abc import Awaitable, Callable

import pytest

from chassis.clock import FixedClock
from tests.intake.samples import NOW
from tests.kit.databases import RolledBackDatabase


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
async def database(
    rolled_back_database: Callable[[str], Awaitable[RolledBackDatabase]],
) -> RolledBackDatabase:
    return await rolled_back_database("intake")
