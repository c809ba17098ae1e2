"""Follow-ups: planned once, put off, given away, done with an outcome, and told."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.database import Database
from chassis.ids import new_id
from services.intake import queries
from services.intake.commands.follow_ups import (
    Cancel,
    Complete,
    Plan,
    Reassign,
    Snooze,
    cancel_follow_up,
    complete_follow_up,
    reassign_follow_up,
    schedule_follow_up,
    snooze_follow_up,
)
from services.intake.domain import Channel, CloseReason, FollowUpOutcome, FollowUpState
from services.intake.errors import DueTimeOver, FollowUpIdTaken, FollowUpOver, LeadOver, OperatorNotActive
from services.intake.models import FollowUp
from tests.intake.reception import Reception
from tests.intake.samples import NOW, OPERATOR, rows
from tests.kit.databases import RolledBackDatabase

HOUR = timedelta(hours=1)


@pytest.fixture
def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    return Reception(database, clock)


async def new_lead(reception: Reception, **content: Any) -> UUID:
    _, quotes = await reception.source(f"Source {new_id().hex}")
    return await reception.lead(quotes, **content)


async def told(database: Database) -> list[dict[str, Any]]:
    found = await rows(database, "SELECT body FROM outbox WHERE topic = 'intake.lead_deeds' ORDER BY id")
    return [json.loads(row["body"]) for row in found]


async def do(database: Database, command: Callable[..., Any], *given: Any) -> FollowUp:
    async with database.transaction() as session:
        found: FollowUp = await command(session, *given)
        return found


def plan(**changes: Any) -> Plan:
    given = {"id": new_id(), "owner_id": None, "channel": Channel.SMS, "due_at": NOW + HOUR, "note": "Ask for a bill"}
    return Plan(**{**given, **changes})


def reached(follow_up: FollowUp, at: datetime) -> Complete:
    return Complete(follow_up.id, FollowUpOutcome.REACHED, None, None, OPERATOR, at)


class TestSchedule:
    async def test_keeps_tells_and_audits_what_is_to_be_done(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        lead, kim = await new_lead(reception), await reception.operator("Kim Reed")
        made = await reception.follow_up(lead, kim)
        assert (made.owner_name, made.state, made.created_by) == ("Kim Reed", FollowUpState.OPEN, "Robin Field")
        (event,) = await told(database)
        assert (event["follow_up_id"], event["state"], event["owner_id"]) == (str(made.id), "open", str(kim.id))
        (entry,) = await rows(database, "SELECT * FROM audit_entries WHERE subject_kind = 'follow_up'")
        assert (entry["action"], entry["reason_text"]) == ("schedule_follow_up", None)
        assert "Ring about the roof" not in str(entry)

    async def test_sent_twice_is_planned_once(self, database: RolledBackDatabase, reception: Reception) -> None:
        lead, twice = await new_lead(reception), plan()
        for _ in range(2):
            await do(database, schedule_follow_up, lead, twice, OPERATOR, NOW)
        assert len(await told(database)) == 1

    async def test_refuses_an_id_of_another_leads(self, database: RolledBackDatabase, reception: Reception) -> None:
        one, other, twice = await new_lead(reception), await new_lead(reception), plan()
        await do(database, schedule_follow_up, one, twice, OPERATOR, NOW)
        with pytest.raises(FollowUpIdTaken):
            await do(database, schedule_follow_up, other, twice, OPERATOR, NOW)

    async def test_refuses_what_is_over(self, database: RolledBackDatabase, reception: Reception) -> None:
        lead = await new_lead(reception)
        with pytest.raises(DueTimeOver):
            await do(database, schedule_follow_up, lead, plan(due_at=NOW), OPERATOR, NOW)
        await reception.close(lead, CloseReason.WITHDRAWN)
        with pytest.raises(LeadOver):
            await do(database, schedule_follow_up, lead, plan(), OPERATOR, NOW)

    async def test_gives_nothing_to_who_is_not_active(self, reception: Reception) -> None:
        lead, gone = await new_lead(reception), await reception.operator("Kim Reed", is_active=False)
        with pytest.raises(OperatorNotActive):
            await reception.follow_up(lead, gone)


class TestComplete:
    async def test_tells_what_came_of_it_and_when_the_person_was_first_tried(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        lead = await new_lead(reception)
        first, second = await reception.follow_up(lead), await reception.follow_up(lead)
        for follow_up, later in ((first, HOUR), (second, 2 * HOUR)):
            command = Complete(follow_up.id, FollowUpOutcome.NO_ANSWER, "Rang out", None, OPERATOR, NOW + later)
            done = await do(database, complete_follow_up, command)
            assert (done.state, done.outcome, done.outcome_note) == ("done", "no_answer", "Rang out")
        (row,) = await rows(database, "SELECT first_contact_at, deeds_version FROM leads")
        assert row == {"first_contact_at": NOW + HOUR, "deeds_version": 4}
        assert [event.get("outcome") for event in await told(database)] == [None, None, "no_answer", "no_answer"]

    async def test_plans_the_next_in_the_same_deed(self, database: RolledBackDatabase, reception: Reception) -> None:
        lead, following = await new_lead(reception), plan()
        first = await reception.follow_up(lead)
        command = Complete(first.id, FollowUpOutcome.LEFT_MESSAGE, None, following, OPERATOR, NOW)
        for _ in range(2):
            await do(database, complete_follow_up, command)
        async with database.reading() as session:
            both = await queries.follow_ups_of(session, [lead])
        assert [(each.id, each.state) for each in both] == [(following.id, "open"), (first.id, "done")]

    async def test_with_a_next_one_that_cannot_be_does_neither(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        lead = await new_lead(reception)
        first = await reception.follow_up(lead)
        command = Complete(first.id, FollowUpOutcome.REACHED, None, plan(due_at=NOW - HOUR), OPERATOR, NOW)
        with pytest.raises(DueTimeOver):
            await do(database, complete_follow_up, command)
        (row,) = await rows(database, "SELECT state FROM follow_ups")
        assert row["state"] == "open"

    async def test_of_what_was_cancelled_is_refused(self, database: RolledBackDatabase, reception: Reception) -> None:
        first = await reception.follow_up(await new_lead(reception))
        for _ in range(2):
            await do(database, cancel_follow_up, Cancel(first.id, "No need", OPERATOR, NOW))
        with pytest.raises(FollowUpOver):
            await do(database, complete_follow_up, reached(first, NOW))
        assert [event["state"] for event in await told(database)] == ["open", "cancelled"]
        (entry,) = await rows(database, "SELECT before, after FROM audit_entries WHERE action = 'cancel_follow_up'")
        assert (entry["before"], entry["after"]["state"]) == ({"state": "open"}, "cancelled")

    async def test_can_still_be_told_once_the_lead_is_closed(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        lead = await new_lead(reception)
        first = await reception.follow_up(lead)
        await reception.close(lead, CloseReason.WITHDRAWN)
        command = Complete(first.id, FollowUpOutcome.NOT_INTERESTED, None, None, OPERATOR, NOW)
        assert (await do(database, complete_follow_up, command)).state is FollowUpState.DONE


class TestSnoozeAndReassign:
    async def test_put_off_it_falls_due_anew(self, database: RolledBackDatabase, reception: Reception) -> None:
        first = await reception.follow_up(await new_lead(reception))
        command = Snooze(first.id, NOW + 3 * HOUR, "In a meeting", OPERATOR, NOW)
        for _ in range(2):
            snoozed = await do(database, snooze_follow_up, command)
        assert (snoozed.due_at, snoozed.snoozes) == (NOW + 3 * HOUR, 1)
        with pytest.raises(DueTimeOver):
            await do(database, snooze_follow_up, Snooze(first.id, NOW - HOUR, None, OPERATOR, NOW))

    async def test_given_away_it_stands_with_another_or_with_nobody(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        kim = await reception.operator("Kim Reed")
        first = await reception.follow_up(await new_lead(reception))
        given = await do(database, reassign_follow_up, Reassign(first.id, kim.id, None, OPERATOR, NOW))
        assert given.owner_name == "Kim Reed"
        free = await do(database, reassign_follow_up, Reassign(first.id, None, None, OPERATOR, NOW))
        assert free.owner_name is None
        assert [event.get("owner_id") for event in await told(database)] == [None, str(kim.id), None]


class TestFigures:
    async def test_what_is_overdue_is_counted_and_what_nobody_has(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        lead, kim = await new_lead(reception), await reception.operator("Kim Reed")
        await reception.follow_up(lead, kim, ahead=HOUR, planned_ago=3 * HOUR)
        await reception.follow_up(lead, ahead=HOUR, planned_ago=2 * HOUR)
        await reception.follow_up(lead)
        async with database.reading() as session:
            assert await queries.overdue_follow_ups(session, NOW) == (2, NOW - 2 * HOUR)
            assert await queries.overdue_follow_ups(session, NOW, is_unowned=True) == (1, NOW - HOUR)

    async def test_the_first_contact_attempt_is_the_median_of_those_who_were_tried(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        _, quotes = await reception.source()
        for hours in (1, 2, 9):
            lead = await reception.lead(quotes, ago=10 * HOUR)
            first = await reception.follow_up(lead, ahead=20 * HOUR, planned_ago=10 * HOUR)
            at = NOW - 10 * HOUR + hours * HOUR
            await do(database, complete_follow_up, reached(first, at))
        await reception.lead(quotes, ago=HOUR)
        async with database.reading() as session:
            assert await queries.median_first_contact(session, NOW - 24 * HOUR, NOW) == (2 * HOUR, 3, 4)
