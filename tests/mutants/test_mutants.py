"""Every mutant is noticed, by the invariant or the test that is named for it; the code as it is passes the same."""

from collections.abc import Awaitable, Callable
from functools import cache

import pytest

from chassis.clock import FixedClock
from tests.intake import test_buckets as buckets
from tests.intake import test_erasing as erasing
from tests.intake.reception import Reception
from tests.kit.databases import RolledBackDatabase
from tests.mutants.mutant import Mutant, TargetGone, applied
from tests.mutants.of_a_service import CARRY_A_LEASE_OVER, FORGET_A_TABLE, FORGET_THE_OUTBOX, LEAVE_THE_KEY
from tests.mutants.of_the_event_path import MUTANTS
from tests.ring.histories import histories, how_to_repeat
from tests.ring.watch import Invariant
from tests.routing import test_commands_deliveries as deliveries
from tests.routing.arrangements import Floor
from tests.routing.conftest import clock, floor

__all__ = ["clock", "floor"]

SEEDS = range(1_200)


def first_seed_that_breaks(invariant: Invariant) -> int | None:
    return next((seed for seed, history in histories(SEEDS) if invariant in history.broken()), None)


@cache
def broken_as_it_is(seeds: range) -> dict[int, set[Invariant]]:
    return {seed: history.broken() for seed, history in histories(seeds) if history.violations}


class TestTheRing:
    @pytest.mark.parametrize(("mutant", "invariant"), MUTANTS.items(), ids=map(str, MUTANTS))
    def test_notices(self, mutant: Mutant, invariant: Invariant) -> None:
        with applied(mutant):
            seed = first_seed_that_breaks(invariant)
        assert seed is not None, f"{mutant.name} breaks {invariant!r} in none of {len(SEEDS)} histories"
        assert invariant not in broken_as_it_is(range(seed, seed + 1)).get(seed, set()), how_to_repeat(seed)

    def test_passes_the_code_as_it_is(self) -> None:
        assert broken_as_it_is(SEEDS) == {}


class TestTheCommandsOwnTest:
    """`TestMarkSent` of routing is the test that is named for this mutant."""

    async def test_notices_a_forgotten_outbox(self, floor: Floor) -> None:
        with applied(FORGET_THE_OUTBOX), pytest.raises(AssertionError, match="AssignmentSent"):
            await deliveries.TestMarkSent().test_makes_it_billable_at_the_instant_of_acceptance(floor)

    async def test_passes_the_code_as_it_is(self, floor: Floor) -> None:
        await deliveries.TestMarkSent().test_makes_it_billable_at_the_instant_of_acceptance(floor)


class TestErasuresOwnTests:
    """Each mutant has the test that is named for it."""

    @pytest.fixture
    async def reception(
        self, rolled_back_database: Callable[[str], Awaitable[RolledBackDatabase]], clock: FixedClock
    ) -> Reception:
        return Reception(await rolled_back_database("intake"), clock)

    async def test_notice_a_key_that_was_left(self, reception: Reception) -> None:
        with applied(LEAVE_THE_KEY), pytest.raises(AssertionError, match="lead_key"):
            await erasing.TestErasing().test_tells_that_it_is_closed_then_erased_and_that_its_key_is_gone(reception)

    async def test_notice_a_forgotten_table(self, reception: Reception) -> None:
        with applied(FORGET_A_TABLE), pytest.raises(AssertionError, match="Mia"):
            await erasing.TestErasing().test_leaves_nothing_of_the_person_in_any_table(reception)

    async def test_pass_the_code_as_it_is(self, reception: Reception) -> None:
        await erasing.TestErasing().test_leaves_nothing_of_the_person_in_any_table(reception)


class TestAMutantWhoseTextIsGone:
    def test_fails_loudly(self) -> None:
        lost = Mutant("lost", "chassis.inbox:claim", "text that is not there", "", "")
        with pytest.raises(TargetGone, match="0 times"), applied(lost):
            pytest.fail("it was applied")


class TestTheRatesOwnTest:
    def test_notices_a_lease_that_is_carried_over(self) -> None:
        with applied(CARRY_A_LEASE_OVER), pytest.raises(AssertionError):
            buckets.test_what_is_left_of_a_minute_is_not_carried_into_the_next()

    def test_passes_the_code_as_it_is(self) -> None:
        buckets.test_what_is_left_of_a_minute_is_not_carried_into_the_next()
