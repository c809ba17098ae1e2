"""The floor and the usual way of POST /leads promise what intake promises, or measuring beside them says nothing."""

import json
import os
from collections.abc import AsyncIterator, Callable
from importlib import import_module, reload
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from benchmarks.intake import working_key
from benchmarks.submissions import submission
from benchmarks.workers.intake_floor import Floor
from benchmarks.workers.screening_floor import screen
from chassis.clock import SystemClock
from chassis.outbox import unpack_headers
from deploy.local.postgres import ServiceDatabase
from services.intake.commands.screening import Screener
from tests.intake.samples import committing
from tests.kit.sealed import unsealed

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("benchmarks")]

SIDES = ("two statements", "one statement", "FastAPI")


@pytest.fixture
def database(fresh_database: Callable[[str], ServiceDatabase]) -> ServiceDatabase:
    return fresh_database("intake")


@pytest.fixture
async def key(database: ServiceDatabase) -> str:
    return await working_key(database)


@pytest.fixture(params=[pytest.param(s, marks=pytest.mark.rivals) if s == "FastAPI" else s for s in SIDES])
async def side(
    request: pytest.FixtureRequest, database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one of them, in this process."""
    if request.param == "FastAPI":
        monkeypatch.setitem(os.environ, "DATABASE_URL_INTAKE", database.url)
        twin = reload(import_module("benchmarks.workers.intake_fastapi"))
        async with _client(twin.app) as client:
            yield client
        await twin.engine.dispose()
        return
    floor = Floor(database.url, 2, one_statement=request.param == "one statement")
    await floor.open()
    async with _client(floor) as client:
        yield client
    await floor.close()


def _client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://intake")


async def hand_in(side: httpx.AsyncClient, key: str, **changes: object) -> httpx.Response:
    body = {**submission("run", 1), **changes}
    return await side.post("/leads", json=body, headers={"Authorization": f"Bearer {key}"})


async def kept(database: ServiceDatabase) -> dict[str, int]:
    connection = await asyncpg.connect(database.url)
    try:
        # The source has told of itself, when it was made.
        rows = {table: table for table in ("leads", "consents", "lead_status_changes")}
        rows["outbox"] = "outbox WHERE topic <> 'intake.lead_sources'"
        rows["lead_keys"] = "lead_keys"
        return {table: await connection.fetchval(f"SELECT count(*) FROM {rows[table]}") for table in rows}
    finally:
        await connection.close()


class TestSides:
    async def test_a_lead_is_kept_with_its_consent_and_nobody_is_told_yet(
        self, side: httpx.AsyncClient, key: str, database: ServiceDatabase
    ) -> None:
        answer = await hand_in(side, key)
        assert answer.status_code == 202, answer.text
        assert answer.json()["status"] == "received"
        assert await kept(database) == {
            "leads": 1,
            "consents": 1,
            "lead_status_changes": 0,
            "outbox": 0,
            "lead_keys": 0,
        }

    async def test_intakes_own_screening_takes_it_for_one_of_its_own(
        self, side: httpx.AsyncClient, key: str, database: ServiceDatabase
    ) -> None:
        lead_id = (await hand_in(side, key)).json()["id"]
        async with committing(database) as ours:
            assert await Screener(ours, SystemClock()).step()
        await is_what_intake_would_publish(database, lead_id)
        assert await kept(database) == {
            "leads": 1,
            "consents": 1,
            "lead_status_changes": 1,
            "outbox": 2,
            "lead_keys": 1,
        }

    async def test_the_same_submission_again_gets_the_first_answer(
        self, side: httpx.AsyncClient, key: str, database: ServiceDatabase
    ) -> None:
        answers = [await hand_in(side, key) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[0].json() == answers[1].json()
        assert (await kept(database))["leads"] == 1

    async def test_other_content_under_a_used_key_is_refused(self, side: httpx.AsyncClient, key: str) -> None:
        await hand_in(side, key)
        assert (await hand_in(side, key, name="Somebody Else")).status_code == 409

    async def test_an_unknown_key_is_refused(
        self, side: httpx.AsyncClient, key: str, database: ServiceDatabase
    ) -> None:
        wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
        assert (await hand_in(side, wrong)).status_code == 401
        assert (await kept(database))["leads"] == 0

    async def test_a_revoked_source_is_refused(
        self, side: httpx.AsyncClient, key: str, database: ServiceDatabase
    ) -> None:
        assert (await hand_in(side, key)).status_code == 202
        connection = await asyncpg.connect(database.owner_url)
        await connection.execute("UPDATE lead_sources SET revoked_at = now()")
        await connection.close()
        assert (await hand_in(side, key, client_submission_key="another")).status_code == 401
        assert (await kept(database))["leads"] == 1


async def is_what_intake_would_publish(database: ServiceDatabase, lead_id: str) -> None:
    """The one event of a lead that is there, beside that of its key."""
    connection = await asyncpg.connect(database.url)
    key = await connection.fetchval("SELECT key FROM lead_keys WHERE lead_id = $1", UUID(lead_id))
    (row,) = await connection.fetch("SELECT topic, key, headers, body FROM outbox WHERE topic = 'intake.leads'")
    await connection.close()
    headers, body = dict(unpack_headers(row["headers"])), json.loads(row["body"])
    assert (row["topic"], row["key"].decode(), headers["ce_type"]) == ("intake.leads", lead_id, b"lead.created")
    assert headers["ce_subject"] == body["lead_id"].encode() == lead_id.encode()
    assert headers["ce_aggregateversion"] == b"1"
    assert unsealed(body["sealed_contact"], UUID(lead_id), key).phone == f"+61{str(submission('run', 1)['phone'])[1:]}"


class TestTheFloorsScreening:
    async def test_sends_a_lead_on_once_with_its_step_and_the_event_that_intake_would_publish(
        self, key: str, database: ServiceDatabase
    ) -> None:
        floor = Floor(database.url, 2, one_statement=True)
        await floor.open()
        async with _client(floor) as client:
            lead_id = (await hand_in(client, key)).json()["id"]
        async with asyncpg.create_pool(database.url, min_size=1, max_size=1) as pool:
            assert [await screen(pool) for _ in range(2)] == [True, False]
        await floor.close()
        await is_what_intake_would_publish(database, lead_id)
        assert await kept(database) == {
            "leads": 1,
            "consents": 1,
            "lead_status_changes": 1,
            "outbox": 2,
            "lead_keys": 1,
        }
