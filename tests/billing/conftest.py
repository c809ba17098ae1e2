"""Fixtures of billing's tests."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from chassis.clock import FixedClock
from chassis.database import Database, create_engine
from deploy.local.postgres import ServiceDatabase
from tests.billing.arrangements import NOW, Books
from tests.billing.desk import Desk, answering
from tests.billing.windows import Window
from tests.deploy.stripe.rig import Rig, receiving, running
from tests.kit.databases import RolledBackDatabase
from tests.kit.identity import TestIdentity


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
async def books(rolled_back_database: Callable[[str], Awaitable[RolledBackDatabase]], clock: FixedClock) -> Books:
    """Billing on a database that is rolled back after the test."""
    return Books(await rolled_back_database("billing"), clock)


@pytest.fixture
async def shared_books(fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock) -> AsyncIterator[Books]:
    """Billing on a database of the test's own, with real commits: for races and for what is proved at commit."""
    database = Database(create_engine(fresh_database("billing").url, pool_size=8), "/waybill/billing")
    yield Books(database, clock)
    await database.close()


@pytest.fixture(scope="session")
def _stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with receiving() as mailbox, running(tmp_path_factory.mktemp("stripe"), mailbox) as rig:
        yield rig


@pytest.fixture
def stripe_rig(_stripe: Rig) -> Iterator[Rig]:
    """The Stripe simulator, with nothing in it."""
    yield _stripe
    _stripe.clock_file.unlink(missing_ok=True)
    _stripe.control("reset")


@pytest.fixture(scope="session")
def identity() -> Iterator[TestIdentity]:
    with TestIdentity() as identity:
        yield identity


@pytest.fixture
async def desk(books: Books, identity: TestIdentity) -> AsyncIterator[Desk]:
    """Billing over HTTP, on the database that is rolled back; Stripe's references are typed in."""
    async with answering(books.database, identity, books.clock) as desk:
        yield desk


@pytest.fixture
def window(desk: Desk) -> Window:
    """Billing's pages, on the same database as `desk`."""
    return Window(desk.client, desk.identity)
