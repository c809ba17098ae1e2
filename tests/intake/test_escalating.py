"""What is due is done once, in whole portions, told and visible beforehand."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.database import Database
from chassis.ids import new_id
from chassis.outbox import unpack_headers
from deploy.local.postgres import ServiceDatabase
from services.intake import queries, work
from services.intake.commands import escalating
from services.intake.commands.attention import SnoozeLead, lift_critical, snooze_lead
from services.intake.commands.escalating import escalate
from services.intake.commands.policies import PolicyDraft, change_policy, create_policy, turn_policy
from services.intake.domain import CloseReason, LeadStatus
from services.intake.domain.escalation import Notify, Ownership, Policy, Step, StepAction, SubjectKind
from services.intake.errors import DueTimeOver, LeadOver, NotCritical, PolicyNameTaken, StepsInvalid
from tests.intake.merges import LATER, merge, unmerge
from tests.intake.reception import Reception
from tests.intake.samples import NOW, OPERATOR, Person, committing, rows
from tests.kit.databases import RolledBackDatabase

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LADDER = (
    Step(30, StepAction.NUDGE, Notify.OWNER),
    Step(60, StepAction.CRITICAL),
    Step(90, StepAction.SNOOZE, snooze_minutes=120),
)


@pytest.fixture
def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    return Reception(database, clock)


async def policy(
    database: Database, *steps: Step, name: str = "Leads that wait", on_since: Any = NOW, **rules: Any
) -> UUID:
    """Made, and turned on where `on_since` says when."""
    draft = PolicyDraft(name, Policy(**{"subject": SubjectKind.LEAD, "steps": steps or LADDER, **rules}))
    async with database.transaction() as session:
        made = await create_policy(session, new_id(), draft, OPERATOR, NOW)
        if on_since:
            await turn_policy(session, made.id, is_on=True, reason=None, by=OPERATOR, now=on_since)
        return made.id


async def leads(reception: Reception, number: int = 1, owner: Person | None = None) -> list[UUID]:
    _, quotes = await reception.source(f"Source {new_id().hex}")
    made = [await reception.lead(quotes) for _ in range(number)]
    for lead in made if owner else ():
        await reception.give(lead, owner or OPERATOR)
    return made


async def marks(database: Database) -> list[dict[str, Any]]:
    """What was told of marks that operators changed."""
    return [each for each in await told(database) if each["type"] == b"lead.attention_changed"]


async def told(database: Database) -> list[dict[str, Any]]:
    found = await rows(database, "SELECT headers, body FROM outbox WHERE topic = 'intake.lead_deeds' ORDER BY id")
    return [
        {
            **json.loads(row["body"]),
            "type": dict(unpack_headers(row["headers"]))["ce_type"],
            "version": int(dict(unpack_headers(row["headers"]))["ce_aggregateversion"] or 0),
        }
        for row in found
    ]


async def escalated(database: Database) -> list[dict[str, Any]]:
    return [event for event in await told(database) if event["type"] == b"lead.escalated"]


async def critical_ones(database: Database) -> list[UUID]:
    return [row["id"] for row in await rows(database, "SELECT id FROM leads WHERE critical_since IS NOT NULL")]


def told_at(hours: float) -> str:
    """As the audit has the instant so long after NOW."""
    return (NOW + hours * HOUR).isoformat().replace("+00:00", "Z")


class TestEscalate:
    async def test_each_step_is_done_once_when_it_is_due(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        kim = await reception.operator("Kim Reed")
        (lead,) = await leads(reception, owner=kim)
        await policy(database)
        assert [await escalate(database, NOW + minutes * MINUTE) for minutes in (29, 30, 31, 60, 61)] == [0, 1, 0, 1, 0]
        nudge, critical = await escalated(database)
        assert (nudge["action"], nudge["recipient_ids"], nudge["reaches_team"]) == ("nudge", [str(kim.id)], False)
        assert (critical["action"], critical["recipient_ids"], critical["reaches_team"]) == ("critical", [], False)
        assert [nudge["version"], critical["version"]] == [2, 3]
        (row,) = await rows(database, "SELECT critical_since, snoozed_until, deeds_version FROM leads")
        assert row == {"critical_since": NOW + HOUR, "snoozed_until": None, "deeds_version": 3}
        assert "Mia" not in json.dumps([nudge, critical], default=str)
        assert lead == UUID(nudge["lead_id"])

    async def test_what_is_marked_is_on_record_with_the_policy_as_its_reason(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        lead, other = await leads(reception, 2)
        again = Step(75, StepAction.CRITICAL)
        await policy(database, *LADDER[:2], again, LADDER[2])
        async with database.transaction() as session:
            await snooze_lead(session, SnoozeLead(other, NOW + 9 * HOUR, "Away", OPERATOR, NOW))
        assert [await escalate(database, NOW + minutes * MINUTE) for minutes in (30, 60, 75, 90)] == [1, 1, 1, 1]
        found = await rows(
            database, "SELECT * FROM audit_entries WHERE action = 'escalate_lead' ORDER BY occurred_at, id"
        )
        assert {(each["subject_kind"], each["subject_id"]) for each in found} == {("lead", str(lead))}
        assert {(each["actor_id"], each["actor_name"]) for each in found} == {(None, "system")}
        assert {each["reason_text"] for each in found} == {"Leads that wait"}
        critical, snoozed = ((each["before"], each["after"]) for each in found)
        assert critical == ({"critical_since_at": None}, {"critical_since_at": told_at(1), "at": told_at(1)})
        assert snoozed == ({"snoozed_until_at": None}, {"snoozed_until_at": told_at(3.5), "at": told_at(1.5)})

    async def test_a_snooze_silences_it_and_its_clock_starts_anew(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        await leads(reception)
        await policy(database)
        assert await escalate(database, NOW + 90 * MINUTE) == 3
        until = NOW + 210 * MINUTE
        (row,) = await rows(database, "SELECT snoozed_until FROM leads")
        assert row["snoozed_until"] == until
        assert [await escalate(database, at) for at in (until, until + 29 * MINUTE, until + 30 * MINUTE)] == [0, 0, 1]

    async def test_a_new_state_is_a_new_episode(self, database: RolledBackDatabase, reception: Reception) -> None:
        (lead,) = await leads(reception)
        await policy(database, LADDER[0], LADDER[1])
        assert await escalate(database, NOW + HOUR) == 2
        moved_at = reception.clock.instant = NOW + HOUR + MINUTE
        await reception.move(lead, LeadStatus.EXCEPTION)
        async with database.reading() as session:
            assert not (await queries.lead(session, lead)).is_critical
        assert [await escalate(database, moved_at + minutes * MINUTE) for minutes in (29, 30)] == [0, 1]

    async def test_what_nobody_has_reaches_the_team(self, database: RolledBackDatabase, reception: Reception) -> None:
        await leads(reception)
        await policy(database, LADDER[0])
        await escalate(database, NOW + HOUR)
        (nudge,) = await escalated(database)
        assert (nudge["recipient_ids"], nudge["reaches_team"]) == ([], True)

    async def test_what_is_over_is_left_alone(self, database: RolledBackDatabase, reception: Reception) -> None:
        (lead,) = await leads(reception)
        await policy(database)
        await reception.close(lead, CloseReason.WITHDRAWN)
        assert await escalate(database, NOW + 5 * HOUR) == 0

    async def test_a_follow_up_counts_from_when_it_was_due(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        (lead,) = await leads(reception)
        planned = await reception.follow_up(lead, OPERATOR, ahead=HOUR)
        rules = {"subject": SubjectKind.FOLLOW_UP, "ownership": Ownership.OWNED}
        ash = await reception.operator("Ash Moran")
        await policy(database, Step(30, StepAction.NUDGE, Notify.OPERATOR, ash.id), **rules)
        assert [await escalate(database, NOW + minutes * MINUTE) for minutes in (89, 90, 91)] == [0, 1, 0]
        (nudge,) = await escalated(database)
        assert (nudge["follow_up_id"], nudge["recipient_ids"]) == (str(planned.id), [str(ash.id)])

    async def test_what_fell_due_while_it_was_merged_is_not_made_up_for_when_it_is_taken_apart(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        (survivor,), (loser,) = await leads(reception), await leads(reception, owner=OPERATOR)
        await policy(database, ownership=Ownership.OWNED)
        await merge(database, survivor, loser)
        await unmerge(database, loser)
        assert [await escalate(database, LATER + minutes * MINUTE) for minutes in (0, 29, 30, 60)] == [0, 0, 1, 1]

    async def test_a_follow_up_of_a_merged_lead_escalates_on_the_one_that_goes_on(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        first, between, last = await leads(reception, 3)
        planned = await reception.follow_up(first, OPERATOR, ahead=HOUR)
        await merge(database, between, first)
        await merge(database, last, between)
        await policy(database, LADDER[0], LADDER[1], subject=SubjectKind.FOLLOW_UP)
        async with database.reading() as session:
            for step in (
                await queries.next_of_lead(session, last),
                await queries.next_of_follow_up(session, planned.id),
            ):
                assert step is not None
                assert (step.subject_id, step.lead_id, step.due_at) == (planned.id, last, NOW + 90 * MINUTE)
            assert await queries.next_of_lead(session, first) is None
        assert [await escalate(database, NOW + minutes * MINUTE) for minutes in (90, 91)] == [1, 0]
        (nudge,) = await escalated(database)
        assert (nudge["lead_id"], nudge["follow_up_id"]) == (str(last), str(planned.id))
        await unmerge(database, between)
        await unmerge(database, first)
        assert await escalate(database, NOW + 2 * HOUR) == 1
        assert await critical_ones(database) == [first]

    async def test_who_planned_something_for_a_lead_that_is_closed_is_nudged_to_end_it(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        (lead,) = await leads(reception)
        planned = await reception.follow_up(lead, OPERATOR, ahead=HOUR)
        await policy(database, LADDER[0], LADDER[1], subject=SubjectKind.FOLLOW_UP)
        await reception.close(lead, CloseReason.WITHDRAWN)
        assert await escalate(database, NOW + 5 * HOUR) == 1
        (nudge,) = await escalated(database)
        assert (nudge["action"], nudge["follow_up_id"]) == ("nudge", str(planned.id))
        assert await critical_ones(database) == []

    async def test_goes_on_over_portions(
        self, database: RolledBackDatabase, reception: Reception, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(escalating, "LEADS_AT_ONCE", 2)
        await leads(reception, 5)
        await policy(database, LADDER[0])
        assert await escalate(database, NOW + HOUR) == 5
        assert len(await escalated(database)) == 5

    async def test_two_runs_at_once_do_each_step_once(
        self, fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock
    ) -> None:
        async with committing(fresh_database("intake")) as database:
            await leads(Reception(database, clock), 6)
            await policy(database, LADDER[0], LADDER[1])
            done = await asyncio.gather(*(escalate(database, NOW + HOUR) for _ in range(2)))
            assert sum(done) == 12
            versions = sorted((event["lead_id"], event["version"]) for event in await escalated(database))
            assert [version for _, version in versions] == [1, 2] * 6

    def test_the_job_runs_on_each_minute(self) -> None:
        assert work.each_minute(NOW) == NOW.replace(second=0) + MINUTE
        assert work.each_minute(NOW.replace(second=0)) == NOW.replace(second=0) + MINUTE


class TestPolicies:
    async def test_one_is_off_until_it_is_turned_on_and_then_counts_from_there(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        await leads(reception)
        made = await policy(database, on_since=None)
        assert await escalate(database, NOW + 5 * HOUR) == 0
        async with database.transaction() as session:
            await turn_policy(session, made, is_on=True, reason="A try", by=OPERATOR, now=NOW + 45 * MINUTE)
        assert await escalate(database, NOW + HOUR) == 1
        async with database.transaction() as session:
            await turn_policy(session, made, is_on=False, reason="Enough", by=OPERATOR, now=NOW + HOUR)
        assert await escalate(database, NOW + 5 * HOUR) == 0

    async def test_what_is_changed_counts_from_then(self, database: RolledBackDatabase, reception: Reception) -> None:
        await leads(reception)
        made = await policy(database, LADDER[0])
        draft = PolicyDraft("Sooner", Policy(SubjectKind.LEAD, (Step(5, StepAction.CRITICAL), LADDER[1])))
        async with database.transaction() as session:
            changed = await change_policy(session, made, draft, "Too late", OPERATOR, NOW + 20 * MINUTE)
            assert (changed.on_since, len(changed.steps)) == (NOW + 20 * MINUTE, 2)
        assert await escalate(database, NOW + 45 * MINUTE) == 0
        assert await escalate(database, NOW + HOUR) == 1
        (entry,) = await rows(database, "SELECT * FROM audit_entries WHERE action = 'change_escalation_policy'")
        assert (entry["before"]["steps"], entry["reason_text"]) == (["after 30 min nudge owner"], "Too late")

    async def test_refuses_a_name_that_is_taken_and_steps_that_cannot_be(self, database: RolledBackDatabase) -> None:
        await policy(database)
        with pytest.raises(PolicyNameTaken):
            await policy(database, name="LEADS that wait")
        with pytest.raises(StepsInvalid, match="later than"):
            await policy(database, LADDER[1], LADDER[0], name="Other")


class TestByHand:
    async def test_snoozed_it_is_silent_until_then(self, database: RolledBackDatabase, reception: Reception) -> None:
        (lead,) = await leads(reception)
        await policy(database, LADDER[0])
        async with database.transaction() as session:
            await snooze_lead(session, SnoozeLead(lead, NOW + 2 * HOUR, "Away until then", OPERATOR, NOW))
        (marked,) = await marks(database)
        assert ("critical_since" in marked, marked["snoozed_until"]) == (False, "2026-03-03T04:15:04Z")
        async with database.reading() as session:
            due = await queries.next_of_lead(session, lead)
            assert due is not None
            assert (due.due_at, due.policy_name) == (NOW + 150 * MINUTE, "Leads that wait")
        assert [await escalate(database, NOW + hours * HOUR) for hours in (1, 2, 3)] == [0, 0, 1]
        with pytest.raises(DueTimeOver):
            async with database.transaction() as session:
                await snooze_lead(session, SnoozeLead(lead, NOW, "Away", OPERATOR, NOW))

    async def test_what_is_critical_is_lifted_and_only_that(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        (lead,) = await leads(reception)
        await policy(database)
        await escalate(database, NOW + HOUR)
        async with database.transaction() as session:
            await lift_critical(session, lead, "Rang them", OPERATOR, NOW + HOUR)
        (marked,) = await marks(database)
        assert not {"critical_since", "snoozed_until"} & marked.keys()
        with pytest.raises(NotCritical):
            async with database.transaction() as session:
                await lift_critical(session, lead, "Again", OPERATOR, NOW + HOUR)

    async def test_what_is_over_is_not_snoozed(self, database: RolledBackDatabase, reception: Reception) -> None:
        (lead,) = await leads(reception)
        await reception.close(lead, CloseReason.WITHDRAWN)
        with pytest.raises(LeadOver):
            async with database.transaction() as session:
                await snooze_lead(session, SnoozeLead(lead, NOW + HOUR, "Away", OPERATOR, NOW))
