"""Schemathesis against notifications on a real database: whatever is sent, the answer is a documented one."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from chassis.clock import SystemClock
from chassis.database import Database, create_engine
from deploy.local.postgres import ServiceDatabase
from tests.chassis.http.fuzzing import faults_found
from tests.chassis.http.serving import serving
from tests.kit.identity import TestIdentity
from tests.notifications.desk import application


@pytest.fixture
def address(fresh_database: Callable[[str], ServiceDatabase]) -> Iterator[tuple[str, TestIdentity]]:
    database = Database(create_engine(fresh_database("notifications").url), "/waybill/notifications")
    with TestIdentity() as identity, serving(application(database, identity, SystemClock())) as address:
        yield address, identity


@pytest.mark.slow
class TestEveryOperation:
    async def test_answers_as_documented(self, address: tuple[str, TestIdentity]) -> None:
        url, identity = address
        faults = await asyncio.to_thread(faults_found, url, identity.headers(), max_examples=8)
        assert not faults, "\n".join(faults)
