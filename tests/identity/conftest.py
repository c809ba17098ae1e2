"""Fixtures of identity: a house with a clock that the tests move, and people to let in."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest

from chassis.clock import FixedClock
from deploy.local.postgres import ServiceDatabase
from services.identity.main import build
from services.identity.security import Security, security_of
from tests.identity.house import House, settings_for
from tests.identity.web import Web
from tests.kit.databases import RolledBackDatabase


@pytest.fixture(scope="session")
async def passwords() -> AsyncIterator[Security]:
    """One pool of hashing threads for all tests; only its passwords are used."""
    security = security_of(settings_for("postgresql://nobody@127.0.0.1:9/none"), FixedClock(datetime.now(UTC)))
    yield security
    await security.passwords.close()


@pytest.fixture
def clock() -> FixedClock:
    """The machine's clock as identity sees it: it stands at the true time, as PyJWT reads its own."""
    return FixedClock(datetime.now(UTC))


@pytest.fixture
async def house(
    rolled_back_database: Callable[[str], Awaitable[RolledBackDatabase]], clock: FixedClock, passwords: Security
) -> House:
    """Everything that it commits is undone."""
    database = await rolled_back_database("identity")
    return House(database, settings_for("postgresql://nobody@127.0.0.1:9/none"), clock, passwords.passwords)


@pytest.fixture
async def busy_house(
    fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock, passwords: Security
) -> AsyncIterator[House]:
    """A database of its own with real commits, where several can be in at once."""
    settings = settings_for(fresh_database("identity").url)
    service = build(settings, machine_clock=clock)
    yield House(service.database, settings, clock, passwords.passwords)
    await service.dependencies["security"].passwords.close()
    await service.database.close()


@pytest.fixture
async def web(fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock) -> AsyncIterator[Web]:
    """The whole service over HTTP, in process."""
    async with Web.open(build(settings_for(fresh_database("identity").url), machine_clock=clock), clock) as opened:
        yield opened
