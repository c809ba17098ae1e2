"""Two workers at once over the same installers: no cap is passed, nobody waits in a circle, nothing is done twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import DBAPIError

from chassis.clock import FixedClock
from chassis.errors import Refusal
from chassis.faults import is_passing
from contracts.topics import MESSAGES
from contracts.values import SelectedPath
from deploy.local.postgres import ServiceDatabase
from services.routing.commands.assignments import CancelAssignment, cancel_assignment
from services.routing.commands.attempts import PORTION
from services.routing.commands.deliveries import Delivery, DeliveryFailure, mark_failed, mark_sent
from services.routing.commands.exceptions import AssignByHand, RetryDispatch, assign_by_hand, retry_dispatch
from services.routing.commands.installers import ParticularsChanges, change_particulars
from services.routing.domain.states import AssignmentStatus, CancelReason
from services.routing.domain.windows import Limits
from services.routing.queries import dispatches
from services.routing.queries.counters import lock_turns
from tests.kit.eventually import eventually
from tests.routing.arrangements import (
    EXCLUSIVE,
    FREMANTLE,
    MARRICKVILLE,
    ROBIN,
    SHARED,
    Floor,
    committing,
    lead,
    leads,
    postcodes,
)
from tests.routing.feed import Feed, accepted, record
from tests.routing.feed import failed as mail_failed

LOCK_NOT_AVAILABLE = "55P03"


def retries() -> float:
    """Of whole batches of messages, for a cause that passes."""
    labels = {"topic": MESSAGES.name, "reason": "database"}
    return REGISTRY.get_sample_value("waybill_consumer_retries_total", labels) or 0


@pytest.fixture
async def floor(fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock) -> AsyncIterator[Floor]:
    async with committing(fresh_database("routing"), clock) as floor:
        yield floor


class TestTwoBatches:
    @pytest.mark.parametrize("path", [EXCLUSIVE, SHARED])
    async def test_never_pass_a_cap_together(self, floor: Floor, path: SelectedPath) -> None:
        installers = await floor.installers(5, Limits(month=9))
        await asyncio.gather(*(floor.dispatch(*leads(10, path)) for _ in range(6)))
        given = await floor.given()
        assert {given[installer_id] for installer_id in installers} == {9}
        assert [await floor.counts(id_) for id_ in installers] == [{"day": (9, 0), "week": (9, 0), "month": (9, 0)}] * 5

    async def test_a_thousand_leads_over_four_workers_pass_no_cap_by_one(self, floor: Floor) -> None:
        """By the day, the week and the month; who has no cap takes what the others may not have."""
        limits = [Limits(day=37), Limits(week=61), Limits(month=113), Limits(day=200, month=89)]
        capped = [await floor.installer(each, name="Capped") for each in limits]
        open_to_all = await floor.installer(name="No cap")

        async def work() -> None:
            for _ in range(5):
                await floor.dispatch(*leads(50))

        await asyncio.gather(*(work() for _ in range(4)))
        given = await floor.given()
        assert [given[id_] for id_ in capped] == [37, 61, 113, 89]
        assert given[open_to_all] == 1_000 - 300
        assert [sum((await floor.counts(id_))["month"]) for id_ in capped] == [37, 61, 113, 89]

    async def test_go_round_together(self, floor: Floor) -> None:
        installers = await floor.installers(6)
        await asyncio.gather(*(floor.dispatch(*leads(10)) for _ in range(6)))
        given = await floor.given()
        assert {given[installer_id] for installer_id in installers} == {10}

    async def test_the_same_lead_at_once_is_dispatched_once(self, floor: Floor) -> None:
        await floor.installers(3)
        arrived = lead(SHARED)
        outcomes = await asyncio.gather(*(floor.dispatch(arrived) for _ in range(4)), return_exceptions=True)
        # Who comes second meets the primary key; the runtime tries it again and finds the work done.
        assert any(outcome is None for outcome in outcomes)
        await floor.dispatch(arrived)
        assert len(await floor.decisions(arrived.lead_id)) == 1
        assert len(await floor.assignments()) == 3


class TestDispatchAmidEverythingElse:
    async def test_deliveries_failures_operators_and_new_leads_meet_without_a_deadlock(self, floor: Floor) -> None:
        installers = await floor.installers(4, Limits(day=40, month=100))
        await floor.dispatch(*leads(20, SHARED))
        made = [assignment.id for assignment in await floor.assignments()]
        await asyncio.gather(
            floor.deliver(*made[:20]),
            floor.deliver(*reversed(made[10:30])),
            floor.refuse_mail(*made[30:50]),
            floor.dispatch(*leads(10, SHARED)),
            floor.dispatch(*leads(10, SHARED)),
            *(self.cancel(floor, id_) for id_ in made[50:55]),
            *(self.move(floor, id_, {"time_zone": "Australia/Perth"}) for id_ in installers),
            *(self.move(floor, id_, {"name": "Renamed"}) for id_ in installers),
        )
        await self.counts_tell_the_truth(floor, installers)

    async def test_two_operators_give_a_share_once(self, floor: Floor) -> None:
        await floor.dispatch(lead(location=FREMANTLE))
        item = await floor.only_exception()
        installers = await floor.installers(3)

        async def assign(installer_id: UUID) -> None:
            async with floor.database.transaction() as session:
                await assign_by_hand(session, AssignByHand(item.id, (installer_id,), ROBIN), floor.clock.now())

        outcomes = await asyncio.gather(*map(assign, installers), return_exceptions=True)
        assert sum(outcome is None for outcome in outcomes) == 1
        assert all(isinstance(outcome, Refusal) for outcome in outcomes if outcome is not None)
        await floor.only_assignment()

    async def test_a_double_click_on_retry_dispatches_once(self, floor: Floor) -> None:
        await floor.dispatch(lead())
        await floor.installers(2)
        item = await floor.only_exception()

        async def retry() -> None:
            async with floor.database.transaction() as session:
                await retry_dispatch(session, RetryDispatch(item.id, ROBIN), floor.clock.now())

        await asyncio.gather(retry(), retry())
        await floor.only_assignment()

    @staticmethod
    async def cancel(floor: Floor, assignment_id: UUID) -> None:
        command = CancelAssignment(assignment_id, CancelReason.OPERATOR_ERROR, None, ROBIN)
        async with floor.database.transaction() as session:
            await cancel_assignment(session, command, floor.clock.now())

    @staticmethod
    async def move(floor: Floor, installer_id: UUID, changes: ParticularsChanges) -> None:
        async with floor.database.transaction() as session:
            await change_particulars(session, installer_id, changes, ROBIN, floor.clock.now())

    @staticmethod
    async def counts_tell_the_truth(floor: Floor, installers: list[UUID]) -> None:
        assignments = await floor.assignments()
        for installer_id in installers:
            own = [a.status for a in assignments if a.installer_id == installer_id]
            held = (own.count(AssignmentStatus.PENDING), own.count(AssignmentStatus.SENT))
            assert await floor.counts(installer_id) == dict.fromkeys(("day", "week", "month"), held)


class TestSeveralCommandsInOneTransaction:
    """As the events of one batch, which are of several types: here a mail was accepted and another one failed."""

    async def test_ask_for_no_lock_with_counters_in_their_hands(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(*leads(2))
        sent, failed = await floor.assignments()
        now = floor.clock.now()
        async with floor.database.transaction() as operator, floor.database.transaction() as batch:
            await dispatches.locked(operator, failed.lead_id)
            await mark_sent(batch, [Delivery(sent.id, now)], now)
            with pytest.raises(DBAPIError) as refused:
                await asyncio.wait_for(mark_failed(batch, [DeliveryFailure(failed.id, "refused", now)], now), 20)
            assert is_passing(refused.value)
            await batch.rollback()

    async def test_nor_for_the_counters_of_others(self, floor: Floor) -> None:
        one, other = await floor.installers(2)
        await floor.dispatch(*leads(2))
        of = {assignment.installer_id: assignment for assignment in await floor.assignments()}
        now = floor.clock.now()
        async with floor.database.transaction() as another, floor.database.transaction() as batch:
            await lock_turns(another, [other])
            await mark_sent(batch, [Delivery(of[one].id, now)], now)
            with pytest.raises(DBAPIError) as refused:
                await asyncio.wait_for(mark_failed(batch, [DeliveryFailure(of[other].id, "refused", now)], now), 20)
            assert is_passing(refused.value)
            await batch.rollback()

    async def test_let_an_operator_finish_and_are_done_after_them(self, floor: Floor) -> None:
        """The operator has the lead and wants the counters; the batch has the counters and wants the lead."""
        await floor.installer()
        await floor.dispatch(*leads(2))
        sent, failed = await floor.assignments()
        feed = Feed(floor)
        cancellation = CancelAssignment(failed.id, CancelReason.OPERATOR_ERROR, None, ROBIN)
        async with floor.database.transaction() as operator:
            await dispatches.locked(operator, failed.lead_id)
            before = retries()
            batch = asyncio.create_task(feed.take(record(accepted(sent.id)), record(mail_failed(failed.id))))

            async def has_tried_again() -> bool:
                return retries() > before

            await eventually(has_tried_again)
            await cancel_assignment(operator, cancellation, floor.clock.now())
        await batch
        statuses = {each.id: each.status for each in await floor.assignments()}
        assert statuses == {sent.id: AssignmentStatus.SENT, failed.id: AssignmentStatus.CANCELLED}
        assert await feed.parked() == []

    async def test_wait_for_no_other_batch_that_has_what_they_want(self, floor: Floor) -> None:
        """Each has an installer's counters and wants the other's: waiting, one would be ended as a deadlock."""
        await two_places(floor)
        mine, other, my_next, its_next = await crosswise(floor)
        now = floor.clock.now()
        async with floor.database.transaction() as one, floor.database.transaction() as two:
            await mark_sent(one, [Delivery(mine, now)], now)
            await mark_sent(two, [Delivery(other, now)], now)
            refused = await asyncio.gather(
                mark_failed(one, [DeliveryFailure(my_next, "refused", now)], now),
                mark_failed(two, [DeliveryFailure(its_next, "refused", now)], now),
                return_exceptions=True,
            )
            await asyncio.gather(one.rollback(), two.rollback())
        # Where one is refused before the other asks, the other finds the way free.
        states = {getattr(fault.orig, "sqlstate", fault) for fault in refused if isinstance(fault, DBAPIError)}
        assert states == {LOCK_NOT_AVAILABLE}

    async def test_are_all_done_however_two_batches_meet(self, floor: Floor) -> None:
        await two_places(floor)
        for _ in range(5):
            mine, other, my_next, its_next = await crosswise(floor)
            one, two = Feed(floor), Feed(floor)
            await asyncio.gather(
                one.take(record(accepted(mine)), record(mail_failed(my_next))),
                two.take(record(accepted(other)), record(mail_failed(its_next))),
            )
            statuses = {each.id: each.status for each in await floor.assignments()}
            assert [statuses[id_] for id_ in (mine, other, my_next, its_next)] == [
                AssignmentStatus.SENT,
                AssignmentStatus.SENT,
                AssignmentStatus.FAILED,
                AssignmentStatus.FAILED,
            ]
        assert await Feed(floor).parked() == []


async def two_places(floor: Floor) -> None:
    """An installer in each of two places."""
    await floor.installer(territory=postcodes(MARRICKVILLE.postcode))
    await floor.installer(territory=postcodes(FREMANTLE.postcode))


async def crosswise(floor: Floor) -> list[UUID]:
    """Four assignments: the first and the last are of one installer, the others of the other."""
    arrived = [lead(location=place) for place in (MARRICKVILLE, FREMANTLE, FREMANTLE, MARRICKVILLE)]
    await floor.dispatch(*arrived)
    made = {assignment.lead_id: assignment.id for assignment in await floor.assignments()}
    return [made[each.lead_id] for each in arrived]


class TestStatements:
    async def test_a_portion_takes_as_many_as_one_lead_and_each_further_one_only_its_rows(self, floor: Floor) -> None:
        """Dispatches, contacts, decisions and assignments; who covers what and how all stand is read once."""
        await floor.installers(8)
        await floor.dispatch(lead(SHARED))
        with floor.statements() as for_one:
            await floor.dispatch(lead(SHARED))
        with floor.statements() as for_portion:
            await floor.dispatch(*leads(PORTION, SHARED))
        with floor.statements() as for_ten:
            await floor.dispatch(*leads(10 * PORTION, SHARED))
        assert len(for_portion) == len(for_one) <= 14
        assert len(for_ten) == len(for_one) + 9 * 4
        assert len(await floor.assignments()) == 3 * (2 + 11 * PORTION)

    async def test_those_that_nobody_takes_need_two_more_of_a_portion(self, floor: Floor) -> None:
        """How exceptions are cared for, and which are open."""
        with floor.statements() as sent:
            await floor.dispatch(*(lead(location=FREMANTLE) for _ in range(10 * PORTION)))
        assert len(sent) <= 14 + 9 * 6
        assert len(await floor.exceptions()) == 10 * PORTION

    async def test_500_deliveries_and_500_failures_take_a_few(self, floor: Floor) -> None:
        await floor.installers(5)
        await floor.dispatch(*leads(334, SHARED))
        made = [assignment.id for assignment in await floor.assignments()]
        with floor.statements() as for_delivered:
            await floor.deliver(*made[:500])
        with floor.statements() as for_failed:
            await floor.refuse_mail(*made[500:])
        assert len(for_delivered) <= 11
        assert len(for_failed) <= 16
