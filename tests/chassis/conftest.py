"""Fixtures of the event path's proofs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from chassis.database import Database
from contracts.registry import EVENTS
from deploy.local.postgres import ServiceDatabase
from tests.chassis import probe


@pytest.fixture(autouse=True)
def _probe_is_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the chassis's tests alone: the contracts' own tests walk all events there are."""
    monkeypatch.setitem(EVENTS, probe.ProbeMoved.type, probe.ProbeMoved)


@dataclass(frozen=True)
class Bench:
    """A database with the chassis's tables and the probe's effects, and a `Database` over it."""

    url: str
    owner_url: str
    database: Database


@pytest.fixture
async def bench(chassis_database: ServiceDatabase) -> AsyncIterator[Bench]:
    probe.use_topic("probe.moves")
    await probe.create_tables(chassis_database.owner_url)
    database = probe.database(chassis_database.url)
    yield Bench(chassis_database.url, chassis_database.owner_url, database)
    await database.close()
