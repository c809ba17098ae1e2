"""Parked events over HTTP: an operator sees, replays and discards them, and the audit remembers who did."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from chassis.errors import NotFound
from chassis.replay import Replayer
from chassis.runtime import ConsumerRuntime
from contracts.identity import Role
from tests.chassis import probe
from tests.chassis.arrangements import Failing, moves
from tests.chassis.conftest import Bench
from tests.chassis.http import example
from tests.chassis.http.serving import in_process
from tests.kit.identity import TestIdentity

PATH = "/admin/parked-events"


@dataclass
class Room:
    """A service in which events are parked until its handler is repaired."""

    client: httpx.AsyncClient
    runtime: ConsumerRuntime
    bench: Bench
    headers: dict[str, str]
    refusing: list[NotFound]

    async def park(self, probe_id: UUID | None = None, steps: range = range(1, 4), first_offset: int = 0) -> list[str]:
        await self.runtime.process(moves(probe_id or uuid4(), steps, "secret of robin", first_offset=first_offset))
        return [item["id"] for item in (await self.get(PATH)).json()["items"]]

    async def get(self, path: str, **query: str | int) -> httpx.Response:
        return await self.client.get(path, params=query, headers=self.headers)

    async def post(self, path: str, body: object = None) -> httpx.Response:
        return await self.client.post(path, json=body, headers=self.headers)

    async def audited(self) -> list[Any]:
        connection = await asyncpg.connect(self.bench.url)
        try:
            return [tuple(row) for row in await connection.fetch(AUDITED)]
        finally:
            await connection.close()


AUDITED = "SELECT actor_name, action, subject_id, reason_text, request_id IS NOT NULL FROM audit_entries ORDER BY id"


@pytest.fixture
async def room(bench: Bench, identity: TestIdentity) -> AsyncIterator[Room]:
    refusing = [NotFound("not yet")]
    runtime = probe.runtime(bench.database, Failing(lambda *_: refusing[0] if refusing else None))
    replayer = Replayer(bench.database, {runtime.name: runtime})
    app = example.build(bench.database, identity.jwks_url, [], dependencies={"replayer": replayer})
    async with in_process(app) as client:
        yield Room(client, runtime, bench, identity.headers(name="Robin Field"), refusing)


class TestList:
    async def test_shows_the_oldest_first_with_its_reason_and_no_body(self, room: Room) -> None:
        probe_id = uuid4()
        await room.park(probe_id)
        answer = await room.get(PATH)
        items = answer.json()["items"]
        assert [item["reason_code"] for item in items] == [
            "not_found",
            "behind_a_parked_event",
            "behind_a_parked_event",
        ]
        assert (items[0]["key"], items[0]["event_type"], items[0]["state"]) == (str(probe_id), "probe.moved", "parked")
        assert "robin" not in answer.text

    async def test_filters_by_state_topic_and_key(self, room: Room) -> None:
        probe_id = uuid4()
        await room.park(probe_id)
        await room.park(first_offset=3)
        assert len((await room.get(PATH, key=str(probe_id))).json()["items"]) == 3
        assert len((await room.get(PATH, topic=probe.ProbeMoved.topic.name)).json()["items"]) == 6
        assert (await room.get(PATH, topic="another")).json() == {"items": [], "next": None}
        assert (await room.get(PATH, state="discarded")).json()["items"] == []
        assert (await room.get(PATH, state="lost")).status_code == 422

    async def test_is_paged(self, room: Room) -> None:
        ids = await room.park(steps=range(1, 6))
        seen: list[str] = []
        page = (await room.get(PATH, limit=2)).json()
        while page["next"]:
            seen += [item["id"] for item in page["items"]]
            page = (await room.get(PATH, limit=2, cursor=page["next"])).json()
        assert seen + [item["id"] for item in page["items"]] == ids

    async def test_is_for_who_may_read(self, room: Room, identity: TestIdentity) -> None:
        assert (await room.client.get(PATH)).status_code == 401
        assert (await room.client.get(PATH, headers=identity.headers(Role.EDITOR))).status_code == 200


class TestGet:
    async def test_shows_one(self, room: Room) -> None:
        first, *_ = await room.park()
        assert (await room.get(f"{PATH}/{first}")).json()["id"] == first

    async def test_of_none_is_a_problem(self, room: Room) -> None:
        answer = await room.get(f"{PATH}/{uuid4()}")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:waybill:problem:not_found")


class TestReplay:
    async def test_applies_the_whole_key_and_is_audited(self, room: Room) -> None:
        first, *_ = await room.park()
        room.refusing.clear()
        answer = await room.post(f"{PATH}/{first}/replay")
        assert (answer.status_code, answer.json()) == (200, {"replayed": 3, "stopped_at": None, "reason": None})
        assert (await probe.verdict(room.bench.url))["applied"] == 3
        assert await room.audited() == [("Robin Field", "replay_parked_event", first, None, True)]

    async def test_that_fails_again_is_a_conflict_and_not_audited(self, room: Room) -> None:
        first, *_ = await room.park()
        answer = await room.post(f"{PATH}/{first}/replay")
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:waybill:problem:replay_failed")
        assert await room.audited() == []

    async def test_of_a_later_one_names_the_first(self, room: Room) -> None:
        first, second, _ = await room.park()
        answer = await room.post(f"{PATH}/{second}/replay")
        assert (answer.status_code, answer.json()["first_id"]) == (409, first)

    async def test_is_for_who_manages_access(self, room: Room, identity: TestIdentity) -> None:
        first, *_ = await room.park()
        for action in ("replay", "discard"):
            answer = await room.client.post(f"{PATH}/{first}/{action}", headers=identity.headers(Role.ADMIN))
            assert answer.status_code == 403


class TestDiscard:
    async def test_gives_the_event_up_with_a_reason_and_is_audited(self, room: Room) -> None:
        first, *_ = await room.park()
        answer = await room.post(f"{PATH}/{first}/discard", {"reason": "a test record"})
        assert (answer.json()["state"], answer.json()["settled_reason"]) == ("discarded", "a test record")
        assert await room.audited() == [("Robin Field", "discard_parked_event", first, "a test record", True)]

    async def test_done_twice_is_done_once(self, room: Room) -> None:
        first, *_ = await room.park()
        for reason in ("first", "second"):
            answer = await room.post(f"{PATH}/{first}/discard", {"reason": reason})
            assert (answer.status_code, answer.json()["settled_reason"]) == (200, "first")
        assert len(await room.audited()) == 1

    @pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": 7}])
    async def test_needs_its_reason(self, room: Room, body: dict[str, Any]) -> None:
        first, *_ = await room.park()
        assert (await room.post(f"{PATH}/{first}/discard", body)).status_code == 422
        assert (await room.get(f"{PATH}/{first}")).json()["state"] == "parked"
