"""Schemathesis against billing on a real database: whatever is sent, the answer is a documented one."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from chassis.clock import SystemClock
from chassis.database import Database, create_engine
from deploy.local.postgres import ServiceDatabase
from tests.billing.desk import application
from tests.chassis.http.fuzzing import faults_found
from tests.chassis.http.serving import serving
from tests.kit.identity import TestIdentity


@pytest.fixture
def address(fresh_database: Callable[[str], ServiceDatabase], identity: TestIdentity) -> Iterator[str]:
    database = Database(create_engine(fresh_database("billing").url), "/waybill/billing")
    with serving(application(database, identity, SystemClock())) as address:
        yield address


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_every_operation_answers_as_documented(address: str, identity: TestIdentity) -> None:
    faults = await asyncio.to_thread(faults_found, address, identity.headers(), max_examples=4)
    assert not faults, "\n".join(faults)
