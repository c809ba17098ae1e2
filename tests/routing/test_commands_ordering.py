"""Whom dispatch gives leads to over real tables: what each is owed, and what keeps whom from a lead."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.ids import new_id
from contracts.values import AustralianState, CapReleaseReason
from services.routing.commands.assignments import CancelAssignment, ReleaseCap, cancel_assignment, release_cap
from services.routing.commands.attempts import Attempt, decide_all
from services.routing.commands.conclusions import publish, write
from services.routing.commands.dispatch import DispatchLead
from services.routing.commands.exceptions import AssignByHand, RetryDispatch, assign_by_hand, retry_dispatch
from services.routing.domain.person import Person
from services.routing.domain.policies import OrderingPolicy
from services.routing.domain.states import AbsenceKind, AssignmentStatus, CancelReason, Trigger
from services.routing.domain.windows import Limits
from services.routing.models import Assignment, Dispatch
from tests.routing.arrangements import MIA, NOW, ROBIN, SERVICE, SHARED, Floor, lead, leads
from tests.routing.given_back import link

HALF = 500_000
_SWITCH_OFF = text("UPDATE auto_dispatch SET is_enabled = false")


async def balances(floor: Floor) -> dict[UUID, int]:
    return {row["installer_id"]: row["balance_ppm"] for row in await floor.rows("SELECT * FROM turns_taken")}


async def obstacles(floor: Floor, arrived: DispatchLead) -> dict[UUID, str]:
    """The last attempt's, of each candidate: chosen, eligible, or the rule in its way."""
    last = (await floor.decisions(arrived.lead_id))[-1]
    return dict(zip(last.candidate_ids or (), last.outcomes or (), strict=True))


async def retry_by_schedule(floor: Floor, *lead_ids: UUID) -> None:
    """As the queue does it once its retry is due."""
    async with floor.database.transaction() as session:
        attempts = [
            Attempt(await session.get_one(Dispatch, id_), Person(MIA, None), Trigger.SCHEDULED, earlier=[])
            for id_ in lead_ids
        ]
        decided = await decide_all(session, attempts, floor.clock.now())
        publish(session, decided.outcomes, floor.clock.now())
        await write(session, decided, floor.clock.now())


class TestWhatIsOwed:
    async def test_is_written_down_for_all_that_may_have_the_lead(self, floor: Floor) -> None:
        first, second = sorted(await floor.installers(2))
        await floor.installer(Limits(month=0), name="Full")
        await floor.dispatch(lead())
        assert await floor.given() == {first: 1}
        owed = await balances(floor)
        assert (owed[first], owed[second]) == (-HALF, HALF)
        assert sum(owed.values()) == 0

    async def test_goes_on_from_one_batch_to_the_next(self, floor: Floor) -> None:
        large = await floor.installer(Limits(month=300), name="Large")
        small = await floor.installer(Limits(month=100), name="Small")
        for _ in range(4):
            await floor.dispatch(*leads(5))
        assert await floor.given() == {large: 15, small: 5}
        assert set((await balances(floor)).values()) == {0}

    async def test_a_lead_that_is_taken_back_is_owed_again(self, floor: Floor) -> None:
        chosen, other = sorted(await floor.installers(2))
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        async with floor.database.transaction() as session:
            command = CancelAssignment(made.id, CancelReason.WRONG_INSTALLER, None, ROBIN)
            await cancel_assignment(session, command, floor.clock.now())
        assert await balances(floor) == {chosen: HALF, other: HALF}

    async def test_so_is_one_whose_place_is_released(self, floor: Floor) -> None:
        chosen, other = sorted(await floor.installers(2))
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        await floor.deliver(made.id)
        async with floor.database.transaction() as session:
            command = ReleaseCap(made.id, CapReleaseReason.INVALID_LEAD, "wrong number", by=ROBIN)
            await release_cap(session, command, floor.clock.now())
        assert await balances(floor) == {chosen: HALF, other: HALF}

    async def test_one_that_could_not_be_delivered_is_not(self, floor: Floor) -> None:
        """A dead mailbox would draw every lead otherwise."""
        chosen, other = sorted(await floor.installers(2))
        await floor.dispatch(lead())
        await floor.refuse_mail((await floor.only_assignment()).id)
        assert await balances(floor) == {chosen: -HALF, other: HALF}

    async def test_is_bounded_by_the_policy(self, floor: Floor) -> None:
        await floor.policy(OrderingPolicy(most_owed_leads=2))
        only = await floor.installer()
        arrived = leads(5)
        await floor.dispatch(*arrived)
        made = await floor.assignments()
        async with floor.database.transaction() as session:
            for each in made:
                command = CancelAssignment(each.id, CancelReason.OPERATOR_ERROR, None, ROBIN)
                await cancel_assignment(session, command, floor.clock.now())
        assert await balances(floor) == {only: 2_000_000}

    async def test_a_lead_given_by_hand_is_a_gift_and_so_is_its_going(self, floor: Floor) -> None:
        one, other = sorted(await floor.installers(2))
        async with floor.database.transaction() as session:
            await session.execute(_SWITCH_OFF)
        await floor.dispatch(arrived := lead())
        item = await floor.only_exception()
        async with floor.database.transaction() as session:
            await assign_by_hand(session, AssignByHand(item.id, (other,), ROBIN), floor.clock.now())
        assert await balances(floor) == {one: 0, other: 0}
        async with floor.database.transaction() as session:
            [made] = await floor.assignments(arrived.lead_id)
            command = CancelAssignment(made.id, CancelReason.OPERATOR_ERROR, None, ROBIN)
            await cancel_assignment(session, command, floor.clock.now())
        assert await balances(floor) == {one: 0, other: 0}

    async def test_who_was_closed_by_its_cap_comes_back_to_its_share_alone(self, floor: Floor) -> None:
        full, other = await floor.installer(Limits(day=1), name="Full"), await floor.installer(name="Other")
        await floor.dispatch(*leads(30))
        assert (await floor.given())[full] == 1
        await floor.changed(full, day_limit=None)
        await floor.dispatch(*(back := leads(10)))
        given = [made.installer_id for made in await floor.assignments(*[each.lead_id for each in back])]
        assert abs(given.count(full) - given.count(other)) <= 1

    async def test_is_kept_with_the_decision(self, floor: Floor) -> None:
        large = await floor.installer(Limits(month=300), name="Large")
        small = await floor.installer(Limits(month=100), name="Small")
        full = await floor.installer(Limits(month=0), name="Full")
        await floor.dispatch(arrived := lead())
        [decision] = await floor.decisions(arrived.lead_id)
        assert decision.candidate_ids == [large, small, full]
        assert decision.outcomes == ["chosen", "eligible", "cap_month"]
        assert decision.entitled_ppm == [750_000, 250_000, 0]


class TestWhatKeepsAnInstallerFromALead:
    async def test_a_holiday_until_its_end(self, floor: Floor) -> None:
        away, there = await floor.installers(2)
        await floor.absence(away, NOW, NOW + timedelta(days=7), AbsenceKind.HOLIDAY)
        await floor.dispatch(arrived := lead())
        assert await obstacles(floor, arrived) == {there: "chosen", away: "paused"}
        floor.clock.advance(timedelta(days=8))
        await floor.dispatch(arrived := lead())
        assert (await obstacles(floor, arrived))[away] in ("chosen", "eligible")

    async def test_its_hours(self, floor: Floor) -> None:
        """It is Tuesday, 13:15 in Sydney."""
        closed, opened = await floor.installers(2)
        await floor.changed(closed, hours=[[1, 840, 900]])
        await floor.changed(opened, hours=[[1, 780, 900]])
        await floor.dispatch(arrived := lead())
        assert await obstacles(floor, arrived) == {opened: "chosen", closed: "hours"}

    async def test_a_public_holiday_of_its_state_where_it_keeps_them(self, floor: Floor) -> None:
        floor.clock.advance(datetime(2026, 4, 25, 2, tzinfo=UTC) - NOW)
        keeps, works = await floor.installers(2)
        await floor.changed(keeps, home_state=AustralianState.NSW, keeps_public_holidays=True)
        await floor.changed(works, home_state=AustralianState.NSW)
        await floor.dispatch(arrived := lead())
        assert await obstacles(floor, arrived) == {works: "chosen", keeps: "hours"}

    async def test_a_credit_hold(self, floor: Floor) -> None:
        held, good = await floor.installers(2)
        await floor.account(held, credit_hold=True, credit_hold_reason="overdue")
        await floor.account(good)
        await floor.dispatch(arrived := lead())
        assert await obstacles(floor, arrived) == {good: "chosen", held: "credit_hold"}

    async def test_an_open_breaker_of_the_channel_in_use(self, floor: Floor) -> None:
        broken, works = await floor.installers(2)
        probe_at = NOW + timedelta(minutes=5)
        state: dict[str, Any] = {"breaker": "open", "opened_at": NOW, "probe_at": probe_at}
        await floor.endpoint(broken, **state)
        await floor.changed(broken, channel="webhook")
        # This one's webhook is broken as well, and it is mailed.
        await floor.endpoint(works, **state)
        await floor.dispatch(arrived := lead())
        assert await obstacles(floor, arrived) == {works: "chosen", broken: "delivery_health"}

    async def test_a_half_open_breaker_but_for_one_lead(self, floor: Floor) -> None:
        probed = await floor.installer()
        await floor.endpoint(probed, breaker="half_open")
        await floor.changed(probed, channel="webhook")
        await floor.dispatch(*(both := leads(2)))
        assert [(await obstacles(floor, each))[probed] for each in both] == ["chosen", "delivery_health"]
        await floor.dispatch(arrived := lead())
        assert (await obstacles(floor, arrived))[probed] == "delivery_health"

    async def test_that_it_returned_the_lead(self, floor: Floor) -> None:
        returner, other = sorted(await floor.installers(2))
        await floor.dispatch(arrived := lead())
        made = await floor.only_assignment()
        await floor.deliver(made.id)
        await floor.send_back(made.id)
        async with floor.database.transaction() as session:
            earlier: Sequence[Assignment] = await floor.assignments(arrived.lead_id)
            dispatch = await session.get_one(Dispatch, arrived.lead_id)
            attempt = Attempt(dispatch, Person(MIA, None), Trigger.RETURN, earlier=earlier)
            [outcome] = (await decide_all(session, [attempt], floor.clock.now())).outcomes
        assert dict(zip(outcome.candidate_ids, outcome.outcomes, strict=True)) == {
            other: "chosen",
            returner: "returned_by_installer",
        }

    async def test_that_it_had_its_share_of_what_waited(self, floor: Floor) -> None:
        await floor.policy(OrderingPolicy(backlog_per_hour=2))
        async with floor.database.transaction() as session:
            await session.execute(_SWITCH_OFF)
        only = await floor.installer()
        waiting = leads(4)
        await floor.dispatch(*waiting)
        await retry_by_schedule(floor, *[each.lead_id for each in waiting[:3]])
        assert [(await obstacles(floor, each))[only] for each in waiting[:3]] == ["chosen", "chosen", "backlog_pace"]
        floor.clock.advance(timedelta(minutes=59))
        await retry_by_schedule(floor, waiting[3].lead_id)
        assert (await obstacles(floor, waiting[3]))[only] == "backlog_pace"
        floor.clock.advance(timedelta(minutes=2))
        await retry_by_schedule(floor, waiting[3].lead_id)
        assert (await obstacles(floor, waiting[3]))[only] == "chosen"


class TestAPersonsOtherLeads:
    async def test_do_not_go_to_who_had_the_first(self, floor: Floor) -> None:
        one, other = sorted(await floor.installers(2))
        await floor.dispatch(first := lead())
        await floor.dispatch(second := lead(same_person_lead_ids=(first.lead_id,)))
        assert await obstacles(floor, second) == {other: "chosen", one: "duplicate_to_installer"}

    async def test_are_known_within_a_batch_and_either_way_round(self, floor: Floor) -> None:
        only = await floor.installer()
        first = lead()
        await floor.dispatch(first, second := lead(same_person_lead_ids=(first.lead_id,)))
        assert [(await obstacles(floor, each))[only] for each in (first, second)] == [
            "chosen",
            "duplicate_to_installer",
        ]

    async def test_are_known_through_all_that_they_were_merged_into(self, floor: Floor) -> None:
        """The first went into a second, and that into the one which is tried now; a third was like the first."""
        had, had_like, free = sorted(await floor.installers(3))
        into, last, like = new_id(), lead(), new_id()
        await floor.dispatch(first := lead())
        await floor.dispatch(lead(lead_id=like, same_person_lead_ids=(first.lead_id,)))
        assert await floor.given() == {had: 1, had_like: 1}
        await link(floor, first.lead_id, into)
        await link(floor, into, last.lead_id)
        await floor.dispatch(last)
        assert await obstacles(floor, last) == {
            free: "chosen",
            had: "duplicate_to_installer",
            had_like: "duplicate_to_installer",
        }

    async def test_are_not_what_is_like_a_lead_that_is_like_both(self, floor: Floor) -> None:
        """One has the phone of the lead between them, the other its e-mail."""
        had, between_had = sorted(await floor.installers(2))
        await floor.dispatch(first := lead())
        await floor.dispatch(between := lead(same_person_lead_ids=(first.lead_id,)))
        await floor.dispatch(last := lead(same_person_lead_ids=(between.lead_id,)))
        assert await obstacles(floor, last) == {had: "chosen", between_had: "duplicate_to_installer"}

    async def test_of_another_service_do(self, floor: Floor) -> None:
        only = await floor.installer(services=(SERVICE, "heat-pump"))
        await floor.dispatch(first := lead())
        await floor.dispatch(second := lead(service="heat-pump", same_person_lead_ids=(first.lead_id,)))
        assert await obstacles(floor, second) == {only: "chosen"}

    async def test_do_once_the_policys_days_have_passed(self, floor: Floor) -> None:
        only = await floor.installer()
        await floor.dispatch(first := lead())
        floor.clock.advance(timedelta(days=91))
        await floor.dispatch(second := lead(same_person_lead_ids=(first.lead_id,)))
        assert await obstacles(floor, second) == {only: "chosen"}

    async def test_do_where_the_policy_lets_them(self, floor: Floor) -> None:
        await floor.policy(OrderingPolicy(same_person_days=0))
        only = await floor.installer()
        await floor.dispatch(first := lead())
        await floor.dispatch(second := lead(same_person_lead_ids=(first.lead_id,)))
        assert await obstacles(floor, second) == {only: "chosen"}

    async def test_do_where_the_first_never_reached_it(self, floor: Floor) -> None:
        only = await floor.installer()
        await floor.dispatch(first := lead())
        await floor.refuse_mail((await floor.only_assignment()).id)
        await floor.dispatch(second := lead(same_person_lead_ids=(first.lead_id, new_id())))
        assert await obstacles(floor, second) == {only: "chosen"}

    async def test_count_for_a_lead_that_waited_as_well(self, floor: Floor) -> None:
        """The first had nobody to go to, then the second came and was given; now the first is tried again."""
        first = lead()
        await floor.dispatch(first)
        only = await floor.installer()
        await floor.dispatch(lead(same_person_lead_ids=(first.lead_id,)))
        async with floor.database.transaction() as session:
            item = await floor.only_exception()
            await retry_dispatch(session, RetryDispatch(item.id, ROBIN), floor.clock.now())
        assert await obstacles(floor, first) == {only: "duplicate_to_installer"}


async def test_an_installer_without_a_live_assignment_of_the_lead_is_told_from_one_that_failed(floor: Floor) -> None:
    failed, other, third = sorted(await floor.installers(3))
    await floor.dispatch(arrived := lead(SHARED))
    made = {each.installer_id: each.id for each in await floor.assignments()}
    await floor.refuse_mail(made[failed])
    async with floor.database.transaction() as session:
        item = await floor.only_exception()
        await retry_dispatch(session, RetryDispatch(item.id, ROBIN), floor.clock.now())
    assert await obstacles(floor, arrived) == {
        failed: "failed_before",
        other: "duplicate_to_installer",
        third: "duplicate_to_installer",
    }
    statuses = {each.installer_id: each.status for each in await floor.assignments()}
    assert statuses[failed] is AssignmentStatus.FAILED
