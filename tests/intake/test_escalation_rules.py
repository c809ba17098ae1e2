"""Escalation's rules: a step once for an episode, nothing from before, and the same in Python as in SQL."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from chassis.clock import FixedClock
from chassis.ids import new_id
from contracts.values import AustralianState, SelectedPath
from services.intake import queries
from services.intake.commands.policies import PolicyDraft, create_policy, turn_policy
from services.intake.domain import CloseReason, FollowUpState, LeadStatus
from services.intake.domain.escalation import (
    WAITING,
    Due,
    Episode,
    Notify,
    Ownership,
    Policy,
    Standing,
    Step,
    StepAction,
    StepFault,
    SubjectKind,
    due_steps,
    fault_of,
    matches,
    next_step,
    replay,
    since_of,
    steps_ahead,
)
from services.intake.models import FollowUp, Lead
from tests.intake.merges import merge
from tests.intake.reception import Reception
from tests.intake.samples import NOW, OPERATOR
from tests.kit.databases import RolledBackDatabase

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SOURCE = new_id()


def nudge(after: int, notify: Notify = Notify.OWNER) -> Step:
    return Step(after, StepAction.NUDGE, notify)


def critical(after: int) -> Step:
    return Step(after, StepAction.CRITICAL)


def snooze(after: int, minutes: int = 60) -> Step:
    return Step(after, StepAction.SNOOZE, snooze_minutes=minutes)


def standing(**changes: Any) -> Standing:
    found = {
        "status": LeadStatus.EXCEPTION,
        "path": SelectedPath.COMPARE_QUOTES,
        "service": "solar",
        "state": AustralianState.NSW,
        "source_id": SOURCE,
        "is_owned": False,
        "waits_since": NOW,
    }
    return Standing(**{**found, **changes})


def policy(*steps: Step, **changes: Any) -> Policy:
    return Policy(**{"subject": SubjectKind.LEAD, "steps": steps, "on_since": NOW - HOUR, **changes})


def numbers(dues: Iterable[Due]) -> list[int]:
    return [due.step_no for due in dues]


class TestMatches:
    @pytest.mark.parametrize(
        ("wanted", "found", "holds"),
        [
            ({}, {}, True),
            ({"statuses": frozenset({LeadStatus.EXCEPTION})}, {}, True),
            ({"statuses": frozenset({LeadStatus.DELIVERED})}, {}, False),
            ({"paths": frozenset({SelectedPath.RECOMMENDED_INSTALLER})}, {}, False),
            ({"services": frozenset({"solar", "battery"})}, {}, True),
            ({"states": frozenset({AustralianState.WA})}, {}, False),
            ({"source_ids": frozenset({new_id()})}, {}, False),
            ({"ownership": Ownership.OWNED}, {}, False),
            ({"ownership": Ownership.UNOWNED}, {}, True),
            ({"ownership": Ownership.OWNED}, {"is_owned": True}, True),
        ],
    )
    def test_an_empty_set_is_no_filter(self, wanted: dict[str, Any], found: dict[str, Any], holds: bool) -> None:
        assert matches(policy(nudge(5), **wanted), standing(**found)) is holds

    @pytest.mark.parametrize("status", [LeadStatus.CLOSED, LeadStatus.REJECTED, LeadStatus.RECEIVED])
    def test_what_is_over_or_only_taken_in_is_never_escalated(self, status: LeadStatus) -> None:
        assert not matches(policy(nudge(5), statuses=frozenset({status})), standing(status=status))

    @pytest.mark.parametrize("status", [LeadStatus.CLOSED, LeadStatus.REJECTED])
    def test_what_was_planned_for_what_is_over_is_nudged_about_and_nothing_else_is_done(
        self, status: LeadStatus
    ) -> None:
        rules = policy(nudge(30), critical(60), nudge(90), subject=SubjectKind.FOLLOW_UP)
        assert numbers(steps_ahead(rules, standing(status=status))) == [1, 3]
        assert numbers(steps_ahead(rules, standing())) == [1, 2, 3]
        narrowed = policy(nudge(30), subject=SubjectKind.FOLLOW_UP, statuses=frozenset({LeadStatus.EXCEPTION}))
        assert steps_ahead(narrowed, standing(status=status)) == ()


class TestStepsAhead:
    def test_a_step_is_due_once_for_an_episode(self) -> None:
        rules, stands = policy(nudge(30), critical(60)), standing()
        assert numbers(due_steps(rules, stands, (), NOW + 29 * MINUTE)) == []
        assert numbers(due_steps(rules, stands, (), NOW + 30 * MINUTE)) == [1]
        assert numbers(due_steps(rules, stands, {(1, NOW)}, NOW + HOUR)) == [2]
        assert numbers(due_steps(rules, standing(waits_since=NOW + HOUR), {(1, NOW)}, NOW + 2 * HOUR)) == [1, 2]

    def test_who_turns_a_policy_on_is_not_flooded(self) -> None:
        rules = policy(nudge(30), critical(120), on_since=NOW + HOUR)
        assert numbers(steps_ahead(rules, standing())) == [2]

    def test_one_that_is_off_does_nothing(self) -> None:
        assert steps_ahead(policy(nudge(30), on_since=None), standing()) == ()

    def test_what_is_snoozed_is_silent_and_then_counts_anew(self) -> None:
        rules, stands = policy(nudge(30)), standing(snoozed_until=NOW + 5 * HOUR)
        assert due_steps(rules, stands, (), NOW + 5 * HOUR) == ()
        assert numbers(due_steps(rules, stands, {(1, NOW)}, NOW + 5 * HOUR + 30 * MINUTE)) == [1]

    def test_the_next_is_the_earliest_of_all_policies(self) -> None:
        due = next_step([policy(nudge(90)), policy(critical(45), nudge(50))], standing())
        assert due is not None
        assert (due.step.action, due.at) == (StepAction.CRITICAL, NOW + 45 * MINUTE)
        assert next_step([], standing()) is None


class TestFaultOf:
    @pytest.mark.parametrize(
        ("steps", "fault"),
        [
            ((), StepFault.NONE),
            (tuple(nudge(minute) for minute in range(1, 7)), StepFault.TOO_MANY),
            ((nudge(30), critical(30)), StepFault.NOT_ASCENDING),
            ((snooze(30), nudge(60)), StepFault.AFTER_SNOOZE),
            ((Step(30, StepAction.NUDGE),), StepFault.NOBODY_NAMED),
            ((nudge(30, Notify.OPERATOR),), StepFault.NO_OPERATOR),
            ((Step(30, StepAction.SNOOZE),), StepFault.NO_LENGTH),
            ((nudge(30), critical(60), snooze(90)), None),
        ],
    )
    def test_says_what_is_wrong_with_the_steps(self, steps: tuple[Step, ...], fault: StepFault | None) -> None:
        assert fault_of(steps) is fault


@st.composite
def ladders(draw: Callable[..., Any]) -> tuple[Step, ...]:
    """Steps as a policy may have them; a snooze only at the end."""
    afters = sorted(draw(st.sets(st.integers(1, 120), min_size=1, max_size=4)))
    steps = [draw(st.sampled_from([nudge(after), critical(after)])) for after in afters]
    if draw(st.booleans()):
        steps[-1] = snooze(afters[-1], draw(st.integers(15, 90)))
    return tuple(steps)


class TestReplay:
    @given(ladders(), st.integers(-240, 240), st.integers(1, 600), st.booleans())
    def test_tells_what_a_run_each_minute_would_have_done(
        self, steps: tuple[Step, ...], begun: int, length: int, is_ended: bool
    ) -> None:
        first, now = NOW, NOW + 300 * MINUTE
        waits_since = NOW + begun * MINUTE
        ended_at = waits_since + length * MINUTE if is_ended else None
        episode = Episode(standing(waits_since=waits_since), ended_at)
        told = [(due.step_no, due.at) for _, due in replay(policy(*steps), [episode], first, now)]
        assert told == list(self.simulated(policy(*steps, on_since=first), episode, now))

    def simulated(self, rules: Policy, episode: Episode, now: Any) -> Iterable[tuple[int, Any]]:
        fired: set[tuple[int, datetime]] = set()
        stands, at = episode.standing, rules.on_since
        assert at is not None
        while at <= now and (episode.ended_at is None or at < episode.ended_at):
            for due in due_steps(rules, stands, fired, at) if at >= stands.waits_since else ():
                fired.add((due.step_no, due.since))
                yield due.step_no, at
                if due.step.action is StepAction.SNOOZE:
                    until = at + timedelta(minutes=due.step.snooze_minutes or 0)
                    stands = standing(waits_since=stands.waits_since, snoozed_until=until)
            at += MINUTE

    @given(st.lists(ladders(), min_size=1, max_size=3), st.integers(0, 400))
    def test_no_step_is_told_twice_for_one_episode(self, many: list[tuple[Step, ...]], length: int) -> None:
        episode = Episode(standing(), NOW + length * MINUTE)
        for steps in many:
            told = [
                (due.step_no, due.since) for _, due in replay(policy(*steps), [episode], NOW - HOUR, NOW + 9 * HOUR)
            ]
            assert len(told) == len(set(told))


class TestTheSameInSql:
    """Random policies over random leads: what the database says is ahead is what the rules say."""

    @pytest.mark.parametrize("seed", range(4))
    async def test_what_is_ahead(self, database: RolledBackDatabase, clock: FixedClock, seed: int) -> None:
        dice = Random(seed)  # noqa: S311  # a die, not a secret
        reception = Reception(database, clock)
        keys = [(await reception.source(f"Source {number}"))[1] for number in range(2)]
        open_leads = []
        for _ in range(16):
            ago = dice.randrange(0, 300) * MINUTE
            lead = await reception.lead(
                dice.choice(keys),
                ago=ago,
                service=dice.choice(["solar", "battery"]),
                selected_path=dice.choice(list(SelectedPath)),
                **dice.choice([{}, {"state": AustralianState.WA, "postcode": "6160"}]),
            )
            if status := dice.choice([None, *WAITING[2:]]):
                await reception.move(lead, status, ago=ago / 2)
            await self.changed(database, dice, lead)
            if dice.random() < 0.7:
                owner = dice.choice([None, OPERATOR])
                await reception.follow_up(lead, owner, ahead=10 * MINUTE, planned_ago=ago)
            if dice.random() < 0.15:
                await reception.close(lead, CloseReason.WITHDRAWN)
            else:
                open_leads.append(lead)
        last, between, first = dice.sample(open_leads, 3)
        await merge(database, between, first)
        await merge(database, last, between)
        drafts = [self.drawn(dice, [key.source_id for key in keys]) for _ in range(8)]
        async with database.transaction() as session:
            policies = []
            for draft in drafts:
                made = await create_policy(session, new_id(), draft, OPERATOR, NOW)
                on_since = NOW - dice.randrange(0, 200) * MINUTE
                policies.append(await turn_policy(session, made.id, is_on=True, reason=None, by=OPERATOR, now=on_since))
            await session.flush()
            leads = {lead.id: lead for lead in await session.scalars(select(Lead))}
            follow_ups = {each.id: each for each in await session.scalars(select(FollowUp))}
            for kind in SubjectKind:
                found = await session.execute(queries.escalations.steps_ahead(kind))
                in_sql = sorted((row.policy_id, row.subject_id, row.step_no, row.since, row.due_at) for row in found)
                subjects = (
                    {id_: (lead, lead.owner_id, lead.status_since) for id_, lead in leads.items()}
                    if kind is SubjectKind.LEAD
                    else {
                        id_: (self.who_goes_on(leads, f.lead_id), f.owner_id, f.due_at)
                        for id_, f in follow_ups.items()
                        if f.state is FollowUpState.OPEN
                    }
                )
                in_python = sorted(
                    (each.id, id_, due.step_no, since_of(stands), due.at)
                    for each in policies
                    if each.subject is kind
                    for id_, (lead, owner_id, since) in subjects.items()
                    for stands in [self.standing_of(lead, owner_id, since)]
                    for due in steps_ahead(each.rules, stands)
                )
                assert in_sql == in_python

    def who_goes_on(self, leads: dict[UUID, Lead], lead_id: UUID) -> Lead:
        lead = leads[lead_id]
        return self.who_goes_on(leads, lead.merged_into) if lead.merged_into else lead

    async def changed(self, database: RolledBackDatabase, dice: Random, lead_id: Any) -> None:
        """Some have an owner, and some are snoozed."""
        async with database.transaction() as session:
            lead = await session.get_one(Lead, lead_id, populate_existing=True)
            if dice.random() < 0.4:
                lead.owner_id, lead.owner_name, lead.owner_since = OPERATOR.id, OPERATOR.name, NOW
            if dice.random() < 0.3:
                lead.snoozed_until = NOW + dice.randrange(-200, 200) * MINUTE

    def standing_of(self, lead: Lead, owner_id: Any, since: Any) -> Standing:
        return Standing(
            lead.status,
            lead.selected_path,
            lead.service,
            lead.state,
            lead.source_id,
            owner_id is not None,
            since,
            lead.snoozed_until,
        )

    def drawn(self, dice: Random, sources: list[Any]) -> PolicyDraft:
        def some(of: Iterable[Any]) -> frozenset[Any]:
            return frozenset(each for each in of if dice.random() < 0.5) if dice.random() < 0.3 else frozenset()

        steps = (nudge(dice.randrange(1, 60)), critical(dice.randrange(60, 240)))
        rules = Policy(
            subject=dice.choice(list(SubjectKind)),
            steps=steps,
            statuses=some(WAITING),
            paths=some(SelectedPath),
            services=some(["solar", "battery"]),
            states=some([AustralianState.NSW, AustralianState.WA]),
            source_ids=some(sources),
            ownership=dice.choice(list(Ownership)),
        )
        return PolicyDraft(f"Policy {new_id().hex}", rules)
