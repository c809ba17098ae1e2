"""Returns decided by several at once: one of them does it, the others find it done; nobody waits in a circle."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from chassis.clock import FixedClock
from chassis.errors import Refusal
from chassis.ids import new_id
from contracts.values import CapReleaseReason
from deploy.local.postgres import ServiceDatabase
from services.routing.commands.assignments import ReleaseCap, release_cap, release_caps_for_credits
from services.routing.domain.returns import ReturnCode, ReturnState
from services.routing.domain.states import AssignmentStatus
from services.routing.domain.windows import Limits
from services.routing.errors import CapReleasedOtherwise, ReturnExists, ReturnIsDecided
from services.routing.models import Return
from tests.routing.arrangements import ROBIN, SHARED, Floor, Person, committing, lead, leads

KIM = Person(new_id(), "Kim Tran")


@pytest.fixture
async def floor(fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock) -> AsyncIterator[Floor]:
    async with committing(fresh_database("routing"), clock) as floor:
        yield floor


async def asked(floor: Floor, code: ReturnCode = ReturnCode.OUTSIDE_CRITERIA) -> Return:
    """Of a lead that was sent, with two others who could have it."""
    await floor.installers(3)
    await floor.dispatch(lead())
    made = await floor.only_assignment()
    await floor.deliver(made.id)
    return await floor.ask_back(made.id, code)


class TestTwoOperators:
    async def test_accept_it_once(self, floor: Floor) -> None:
        one = await asked(floor)
        await asyncio.gather(*(floor.take_back(one.id, by=by) for by in (ROBIN, KIM) * 3))
        assert len(await floor.events("assignment.returned")) == 1
        assert len(await floor.assignments()) == 2
        assert (await floor.audited()).count("accept_return") == 1

    async def test_that_want_different_things_get_one_of_them(self, floor: Floor) -> None:
        one = await asked(floor)
        outcomes = await asyncio.gather(
            floor.take_back(one.id), floor.turn_down(one.id, by=KIM), floor.withdraw(one.id), return_exceptions=True
        )
        assert sum(isinstance(outcome, ReturnIsDecided) for outcome in outcomes) == 2
        [stands] = await floor.returns()
        events = await floor.events("assignment.returned", "assignment.return_denied", "assignment.return_withdrawn")
        assert len(events) == 1
        is_returned = (await floor.assignments())[0].status is AssignmentStatus.RETURNED
        assert is_returned is (stands.state is ReturnState.ACCEPTED)

    async def test_ask_for_one_return_of_one_delivery(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        await floor.deliver(made.id)
        outcomes = await asyncio.gather(*(floor.ask_back(made.id) for _ in range(4)), return_exceptions=True)
        assert sum(isinstance(outcome, ReturnExists) for outcome in outcomes) == 3


class TestTheCap:
    async def test_is_released_once_by_operator_credit_and_return_at_once(self, floor: Floor) -> None:
        one = await asked(floor, ReturnCode.CONTACT_INVALID)

        async def by_operator() -> None:
            async with floor.database.transaction() as session:
                command = ReleaseCap(one.assignment_id, CapReleaseReason.DELIVERY_FAULT, None, ROBIN)
                await release_cap(session, command, floor.clock.now())

        async def by_credit() -> None:
            async with floor.database.transaction() as session:
                command = ReleaseCap(one.assignment_id, CapReleaseReason.CREDIT_LINKED)
                await release_caps_for_credits(session, [command], floor.clock.now())

        outcomes = await asyncio.gather(by_operator(), by_credit(), floor.take_back(one.id), return_exceptions=True)
        # An operator who comes later is told for which other reason it was released.
        assert {type(each) for each in outcomes if isinstance(each, BaseException)} <= {CapReleasedOtherwise}
        assert len(await floor.events("assignment.cap_released")) == 1
        assert (await floor.audited()).count("release_cap") == 1
        assert await floor.counts(one.installer_id) == {}


class TestAmidEverythingElse:
    async def test_returns_deliveries_and_new_leads_meet_without_a_deadlock(self, floor: Floor) -> None:
        await floor.installers(5, Limits(day=60, month=120))
        await floor.dispatch(*leads(12, SHARED))
        made = [each.id for each in await floor.assignments()]
        await floor.deliver(*made)
        returns = [await floor.ask_back(id_, ReturnCode.OUTSIDE_CRITERIA) for id_ in made[:8]]
        outcomes = await asyncio.gather(
            *(floor.take_back(each.id) for each in returns),
            *(floor.dispatch(*leads(5, SHARED)) for _ in range(4)),
            floor.deliver(*made),
            floor.deliver(*reversed(made)),
            return_exceptions=True,
        )
        assert [each for each in outcomes if isinstance(each, BaseException) and not isinstance(each, Refusal)] == []
        assert {each.state for each in await floor.returns()} == {ReturnState.ACCEPTED}
        after = await floor.assignments()
        used = [(await floor.counts(id_))["day"][1] for id_ in {each.installer_id for each in after}]
        assert sum(used) == sum(each.status is AssignmentStatus.SENT for each in after)
