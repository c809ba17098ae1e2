"""Fixtures of payouts: its tables, a fake Stripe and the simulator, and a board with its experts."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from chassis.database import Database, create_engine
from deploy.local.postgres import ServiceDatabase
from tests.deploy.stripe.rig import Rig, receiving, running
from tests.kit.identity import TestIdentity
from tests.payouts.arrangements import Office
from tests.payouts.counter import Counter, answering


@pytest.fixture(scope="session")
def _stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with receiving() as mailbox, running(tmp_path_factory.mktemp("stripe"), mailbox) as rig:
        yield rig


@pytest.fixture
def stripe_rig(_stripe: Rig) -> Iterator[Rig]:
    """The simulator, with nothing in it."""
    yield _stripe
    _stripe.clock_file.unlink(missing_ok=True)
    _stripe.control("reset")


@pytest.fixture(scope="session")
def identity() -> Iterator[TestIdentity]:
    with TestIdentity() as identity:
        yield identity


@pytest.fixture
async def office(fresh_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Office]:
    """With real commits over several connections, and money at Stripe."""
    office = Office(Database(create_engine(fresh_database("payouts").url), "/waybill/payouts"))
    office.gateway.available = 10_000_000
    yield office
    await office.database.close()


@pytest.fixture
async def counter(office: Office, identity: TestIdentity) -> AsyncIterator[Counter]:
    async with answering(office, identity) as counter:
        yield counter
