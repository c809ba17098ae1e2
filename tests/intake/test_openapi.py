"""Schemathesis against intake on a real database: whatever is sent, the answer is a documented one."""

import asyncio
from collections.abc import Callable, Iterator

import httpx
import pytest

from chassis.clock import SystemClock
from chassis.database import Database, create_engine
from deploy.local.postgres import ServiceDatabase
from tests.chassis.http.fuzzing import faults_found
from tests.chassis.http.serving import serving
from tests.intake.desk import application
from tests.kit.identity import TestIdentity, bearer

OF_SOURCES = {"/leads", "/leads/spec", "/leads/{lead_id}"}


@pytest.fixture
def address(fresh_database: Callable[[str], ServiceDatabase], identity: TestIdentity) -> Iterator[str]:
    database = Database(create_engine(fresh_database("intake").url), "/waybill/intake")
    with serving(application(database, identity, SystemClock())) as address:
        yield address


async def paths(address: str) -> set[str]:
    async with httpx.AsyncClient(base_url=address) as client:
        return set((await client.get("/schema/openapi.json")).json()["paths"])


@pytest.mark.slow
@pytest.mark.timeout(300)
class TestEveryOperation:
    async def test_of_operators_answers_as_documented(self, address: str, identity: TestIdentity) -> None:
        faults = await asyncio.to_thread(
            faults_found, address, identity.headers(), max_examples=6, leave_out=OF_SOURCES
        )
        assert not faults, "\n".join(faults)

    async def test_of_lead_sources_answers_as_documented(self, address: str, identity: TestIdentity) -> None:
        async with httpx.AsyncClient(base_url=address, headers=identity.headers()) as client:
            key = (await client.post("/admin/lead-sources", json={"name": "Fuzz"})).json()["api_key"]
        leave_out = await paths(address) - OF_SOURCES
        faults = await asyncio.to_thread(faults_found, address, bearer(key), max_examples=40, leave_out=leave_out)
        assert not faults, "\n".join(faults)
