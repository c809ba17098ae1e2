"""Test mode, per source and per request: checked and answered as a lead is, and nothing comes of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.database import Database
from contracts.identity import Role
from deploy.local.postgres import ServiceDatabase
from services.intake.commands.leads.taking import ModeChanged, take_lead
from services.intake.commands.leads.testing import forget_tests, hand_in
from services.intake.commands.sources import ChangeSource, set_source_mode
from services.intake.domain import SourceMode
from services.intake.jobs import forget_test_submissions
from services.intake.settings import Settings
from tests.intake.desk import NOWHERE, Desk, answering, faults
from tests.intake.samples import LEAD_EVENTS, NOW, OPERATOR, committing, count, rows, submission, taking, working_source
from tests.kit.databases import RolledBackDatabase
from tests.kit.eventually import eventually
from tests.kit.identity import TestIdentity, bearer


async def set_mode(http: Desk, mode: str) -> None:
    (source,) = (await http.get("/admin/lead-sources"))["items"]
    body = {"mode": mode, "reason": "they try it out"}
    answer = await http.ask("POST", f"/admin/lead-sources/{source['id']}/mode", Role.EDITOR, json=body)
    assert (answer.status_code, answer.json()["mode"]) == (200, mode)


async def nothing_came_of_it(database: Database) -> bool:
    tables = ("leads", "consents", "lead_status_changes", LEAD_EVENTS, "source_rejections")
    return [await count(database, table) for table in tables] == [0] * len(tables)


class TestAsAnswered:
    @pytest.mark.parametrize("by", ["source", "request"])
    async def test_is_taken_and_followed_as_a_lead_and_is_none(
        self, http: Desk, database: RolledBackDatabase, by: str
    ) -> None:
        key = await http.new_source()
        if by == "source":
            await set_mode(http, "test")
        answer = await http.submit(key, test=True if by == "request" else None)
        receipt = answer.json()
        assert (answer.status_code, receipt) == (202, {"id": receipt["id"], "status": "received", "test": True})
        progress = await http.client.get(answer.headers["location"], headers=bearer(key))
        assert progress.json() == {
            "id": receipt["id"],
            "test": True,
            "status": "received",
            "outcome": None,
            "received_at": "2026-03-03T02:15:04Z",
            "status_since": "2026-03-03T02:15:04Z",
            "delivered_at": None,
        }
        assert await nothing_came_of_it(database)

    async def test_repeated_gets_the_first_answer_and_other_content_is_refused(self, http: Desk) -> None:
        key = await http.new_source()
        first = await http.submit(key, test=True)
        again = await http.submit(key, test=True, name="Mia O'Brien")
        other = await http.submit(key, test=True, name="Another Person")
        assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
        assert (other.status_code, other.json()["lead_id"]) == (409, first.json()["id"])

    async def test_uses_up_no_submission_key(self, http: Desk, database: RolledBackDatabase) -> None:
        key = await http.new_source()
        tried = await http.submit(key, test=True)
        lead = await http.submit(key)
        tried_again = await http.submit(key, test=True)
        assert lead.json()["test"] is False
        assert tried_again.json() == tried.json() != lead.json()
        assert await count(database, "leads") == 1

    async def test_what_was_a_lead_is_answered_as_one_when_its_source_has_gone_into_test_mode(self, http: Desk) -> None:
        key = await http.new_source()
        lead = await http.submit(key)
        await set_mode(http, "test")
        again = await http.submit(key)
        assert (again.json(), again.headers["idempotent-replayed"]) == (lead.json(), "true")

    async def test_nobody_else_can_ask_what_became_of_it(self, http: Desk) -> None:
        answer = await http.submit(await http.new_source("One"), test=True)
        other = await http.new_source("Other")
        assert (await http.client.get(answer.headers["location"], headers=bearer(other))).status_code == 404

    async def test_faults_are_told_and_kept_without_what_was_sent(
        self, http: Desk, database: RolledBackDatabase
    ) -> None:
        key = await http.new_source()
        body = submission(test=True, phone="Mia 0412") | {"mia@example.test": 1}
        answer = await http.submit(key, body)
        assert faults(answer) == {"phone": "phone_invalid", "mia@example.test": "extra_forbidden"}
        await http.submit(key, test=True)
        await http.submit(key, test=True, name="Other")
        kept = await rows(database, "SELECT * FROM test_submissions ORDER BY id")
        assert [(each["status_code"], each["submission_key"]) for each in kept] == [
            (422, None),
            (202, "form-7731"),
            (409, None),
        ]
        assert kept[0]["faults"] == [
            {"field": "phone", "code": "phone_invalid"},
            {"field": "(unknown)", "code": "extra_forbidden"},
        ]
        assert "Mia" not in str(kept)
        assert "mia@" not in str(kept)
        assert await nothing_came_of_it(database)

    @pytest.mark.parametrize("raw", ["true", 1, None])
    async def test_is_asked_for_by_true_and_nothing_else(self, http: Desk, raw: Any) -> None:
        answer = await http.submit(await http.new_source(), body=submission() | {"test": raw})
        assert faults(answer) == {"test": "bool_type"}

    async def test_forgotten_after_its_days(self, http: Desk, database: RolledBackDatabase, clock: FixedClock) -> None:
        key = await http.new_source()
        await http.submit(key, test=True)
        clock.advance(timedelta(days=2))
        await http.submit(key, test=True, client_submission_key="later")
        await forget_tests(database, NOW + timedelta(days=1))
        kept = await rows(database, "SELECT submission_key FROM test_submissions")
        assert kept == [{"submission_key": "later"}]


@pytest.fixture
async def committed(fresh_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Database]:
    async with committing(fresh_database("intake")) as database:
        yield database


class TestTheNightlyJob:
    async def test_forgets_what_is_older_than_its_days_at_half_past_three(
        self, http: Desk, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        settings = Settings(database_url=NOWHERE)
        job = forget_test_submissions(database, settings)
        due_at = job.next_after(NOW + timedelta(days=30))
        assert due_at.astimezone(settings.zone).isoformat() == "2026-04-03T03:30:00+11:00"
        key = await http.new_source()
        await http.submit(key, test=True)
        await job.run(due_at - timedelta(days=1))
        assert await count(database, "test_submissions") == 1
        await job.run(due_at)
        assert await count(database, "test_submissions") == 0
        assert (await http.submit(key, test=True)).headers.get("idempotent-replayed") is None


class TestModesAtOnce:
    async def test_no_lead_is_taken_of_a_source_that_went_into_test_mode_whatever_is_remembered(
        self, committed: Database, identity: TestIdentity, clock: FixedClock
    ) -> None:
        async with answering(committed, identity, clock, lead_key_cache_seconds=3600) as desk:
            key = await desk.new_source()
            assert (await desk.submit(key)).json()["test"] is False
            await self.set_mode_elsewhere(committed, SourceMode.TEST)
            assert (await desk.submit(key, client_submission_key="second")).json()["test"] is True
            await self.set_mode_elsewhere(committed, SourceMode.LIVE)
            assert (await desk.submit(key, client_submission_key="third")).json()["test"] is False
        assert await count(committed, "leads") == 2

    async def test_no_lead_is_lost_of_a_source_that_has_gone_live_whatever_is_remembered(
        self, committed: Database, identity: TestIdentity, clock: FixedClock
    ) -> None:
        async with answering(committed, identity, clock, lead_key_cache_seconds=3600) as desk:
            key = await desk.new_source()
            await self.set_mode_elsewhere(committed, SourceMode.TEST)
            assert (await desk.submit(key)).json()["test"] is True
            await self.set_mode_elsewhere(committed, SourceMode.LIVE)
            assert (await desk.submit(key)).json()["test"] is False
        assert await count(committed, "leads") == 1

    @staticmethod
    async def set_mode_elsewhere(database: Database, mode: SourceMode) -> UUID:
        """As another process does it: this one still remembers what was before."""
        (source,) = await rows(database, "SELECT id FROM lead_sources")
        async with database.transaction() as session:
            return (await set_source_mode(session, ChangeSource(source["id"], OPERATOR), mode)).id

    async def test_a_lead_that_waited_for_the_switch_is_a_test(self, committed: Database) -> None:
        _, source = await working_source(committed)
        async with committed.transaction() as session:
            await set_source_mode(session, ChangeSource(source.source_id, OPERATOR), SourceMode.TEST)
            await session.flush()
            bare = asyncio.create_task(take_lead(committed, taking(source)))
            whole = asyncio.create_task(hand_in(committed, taking(source), asks_for_test=False))
            await eventually(lambda: two_wait(committed))
        with pytest.raises(ModeChanged):
            await bare
        assert (await whole).is_test
        assert await count(committed, "leads") == 0

    async def test_a_hundred_of_one_key_are_one_test(
        self, committed: Database, identity: TestIdentity, clock: FixedClock
    ) -> None:
        async with answering(committed, identity, clock) as desk:
            key = await desk.new_source()
            answers = await asyncio.gather(*(desk.submit(key, test=True) for _ in range(100)))
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.content for answer in answers}) == 1
        assert await count(committed, "test_submissions") == 1


async def two_wait(database: Database) -> bool:
    query = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return len(await rows(database, query)) == 2
