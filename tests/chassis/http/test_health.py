"""Health is progress, and its answer says which part makes none."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from chassis.database import Database, create_engine
from chassis.http import health as module
from chassis.http.health import Health, Heartbeat, Probe, Verdict
from deploy.local.postgres import ServiceDatabase
from tests.chassis.http import example
from tests.chassis.http.serving import serving


class Parts:
    """What a worker would say."""

    def __init__(self) -> None:
        self.stuck: list[str] = []
        self.unready: list[str] = []


async def hang() -> Verdict:
    await asyncio.Event().wait()
    return Verdict(True)


async def break_down() -> Verdict:
    raise LookupError("secret of robin")


@pytest.fixture
def parts() -> Parts:
    return Parts()


def checks(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    return answer.status_code, answer.json()["checks"]


class TestLive:
    @pytest.fixture
    def client(self, no_database: Database, parts: Parts) -> Iterator[httpx.Client]:
        health = Health(no_database, live=lambda: parts.stuck)
        with serving(example.build(no_database, None, health=health)) as url, httpx.Client(base_url=url) as client:
            yield client

    def test_needs_no_database(self, client: httpx.Client) -> None:
        answer = client.get("/health/live")
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")
        assert answer.headers["cache-control"] == "no-store"

    def test_names_the_parts_that_are_stuck(self, client: httpx.Client, parts: Parts) -> None:
        parts.stuck = ["relay 0", "waybill.x.things"]
        status, found = checks(client.get("/health/live"))
        assert (status, found["progress"]) == (503, {"ok": False, "detail": "relay 0, waybill.x.things"})
        assert found["event_loop"] == {"ok": True}


class TestReady:
    def test_needs_the_database(self, client: httpx.Client) -> None:
        status, found = checks(client.get("/health/ready"))
        assert (status, found["database"]["ok"]) == (503, False)

    def test_needs_the_consumers_too(self, chassis_database: ServiceDatabase, parts: Parts) -> None:
        database = Database(create_engine(chassis_database.url, pool_size=2), "/waybill/example")
        health = Health(database, ready=lambda: parts.unready)
        with serving(example.build(database, None, health=health)) as url:
            assert checks(httpx.get(f"{url}/health/ready"))[0] == 200
            parts.unready = ["waybill.x.things"]
            status, found = checks(httpx.get(f"{url}/health/ready"))
        assert (status, found["consumers"]["detail"]) == (503, "waybill.x.things")


class TestProbes:
    def test_that_hang_or_break_have_their_verdict_too(
        self, no_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "PROBE_SECONDS", 0.05)
        health = Health(no_database, live_probes=[Probe("hanging", hang), Probe("breaking", break_down)])
        with serving(example.build(no_database, None, health=health)) as url:
            answer = httpx.get(f"{url}/health/live")
        status, found = checks(answer)
        assert (status, found["hanging"]["detail"], found["breaking"]["detail"]) == (503, "TimeoutError", "LookupError")
        assert "robin" not in answer.text


class TestHeartbeat:
    async def test_is_late_after_the_loop_was_blocked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "LONGEST_BEAT_SECONDS", 0.05)
        heartbeat = Heartbeat()
        await heartbeat.start()
        assert (await heartbeat.check()).ok
        time.sleep(0.1)  # noqa: ASYNC251  # blocking the loop is what is tried
        assert not (await heartbeat.check()).ok
        await heartbeat.stop()
