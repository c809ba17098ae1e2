"""Fixtures of identity: a house with a clock that the tests move, and people to let in."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest

from chassis.clock import FixedClock, SystemClock
from chassis.service import database_of
from deploy.local.postgres import ServiceDatabase
from services.identity.passwords import Passwords
from services.identity.security import security_of
from tests.identity.house import House, settings_for
from tests.identity.web import Web
from tests.kit.databases import RolledBackDatabase

NOWHERE = "postgresql://nobody@127.0.0.1:9/none"


@pytest.fixture(scope="session")
async def passwords() -> AsyncIterator[Passwords]:
    """One pool of hashing threads for all tests."""
    made = security_of(settings_for(NOWHERE), SystemClock()).passwords
    yield made
    await made.close()


@pytest.fixture
def clock() -> FixedClock:
    """The machine's clock as identity sees it: it stands at the true time, as PyJWT reads its own."""
    return FixedClock(datetime.now(UTC))


@pytest.fixture
async def house(
    rolled_back_database: Callable[[str], Awaitable[RolledBackDatabase]], clock: FixedClock, passwords: Passwords
) -> House:
    """Everything that it commits is undone."""
    return House(await rolled_back_database("identity"), settings_for(NOWHERE), clock, passwords)


@pytest.fixture
async def busy_house(
    fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock, passwords: Passwords
) -> AsyncIterator[House]:
    """A database of its own with real commits, where several can be in at once."""
    settings = settings_for(fresh_database("identity").url)
    database = database_of("identity", settings)
    yield House(database, settings, clock, passwords)
    await database.close()


@pytest.fixture
async def web(house: House) -> AsyncIterator[Web]:
    """The whole service over HTTP, in process, on the house's database and clock."""
    async with Web.open(house) as opened:
        yield opened
