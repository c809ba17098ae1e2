"""Fairness as a number: shares that sum exactly, balances that forget nothing, and nobody flooded."""

from collections import Counter
from itertools import groupby, pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.domain.candidate import Turn
from services.routing.domain.decision import carry_out
from services.routing.domain.ordering import LEAD_PPM, bounded, entitled, jains_index, settled, weights
from services.routing.domain.policies import OrderingPolicy
from services.routing.domain.states import Trigger
from services.routing.domain.windows import Limits
from tests.routing.samples import NOW, decided, give_out, request, standing

WEIGHTS = st.lists(st.integers(1, 100_000), min_size=1, max_size=12)
MOST = OrderingPolicy().most_owed_leads


class TestEntitled:
    @given(WEIGHTS, st.integers(1, 4))
    @settings(max_examples=300)
    def test_sums_exactly_to_what_can_be_given_and_nobody_is_due_more_than_a_lead(
        self, those: list[int], wanted_count: int
    ) -> None:
        shares = entitled(those, wanted_count)
        assert sum(shares) == min(wanted_count, len(those)) * LEAD_PPM
        assert all(0 <= share <= LEAD_PPM for share in shares)

    @given(WEIGHTS, st.integers(1, 4))
    def test_who_weighs_more_is_never_due_less(self, those: list[int], wanted_count: int) -> None:
        shares = entitled(those, wanted_count)
        ranked = sorted(zip(those, shares, strict=True))
        assert all(lighter[1] <= heavier[1] + 1 for lighter, heavier in pairwise(ranked))

    @pytest.mark.parametrize(
        ("those", "wanted_count", "shares"),
        [
            ([1, 1], 1, [500_000, 500_000]),
            ([30, 10], 1, [750_000, 250_000]),
            ([1, 1, 1], 1, [333_334, 333_333, 333_333]),
            ([1, 1], 3, [1_000_000, 1_000_000]),
            # The first is worth more than a whole lead of three; what it cannot take goes to the others.
            ([80, 10, 10], 2, [1_000_000, 500_000, 500_000]),
            ([100, 50, 1, 1], 3, [1_000_000, 1_000_000, 500_000, 500_000]),
            ([], 1, []),
        ],
    )
    def test_fills_up_by_weight(self, those: list[int], wanted_count: int, shares: list[int]) -> None:
        assert entitled(those, wanted_count) == shares

    def test_weighs_by_the_weight_given_then_by_capacity_then_as_the_largest(self) -> None:
        assert weights([(7, 90), (None, 30), (None, None)]) == [7, 30, 90]
        assert weights([(None, None), (5, None)]) == [1, 5]


class TestBalances:
    @given(st.lists(st.tuples(st.sets(st.integers(0, 5), min_size=1), st.sampled_from([1, 3])), max_size=60))
    def test_are_conserved_in_sum_where_nothing_is_bounded(self, leads: list[tuple[set[int], int]]) -> None:
        those = [standing(share_weight=weight) for weight in (1, 2, 3, 5, 8, 13)]
        unbounded = OrderingPolicy(most_owed_leads=1_000)
        for present, wanted_count in leads:
            decision = decided(request(wanted_count, policy=unbounded), *(those[place] for place in present))
            carry_out(decision, range(1, 4))
            assert sum(each.balance_ppm for each in those) == 0

    @given(st.integers(-9 * LEAD_PPM, 9 * LEAD_PPM), st.integers(0, LEAD_PPM), st.booleans())
    def test_are_bounded_both_ways(self, balance_ppm: int, entitled_ppm: int, is_chosen: bool) -> None:
        after = settled(balance_ppm, entitled_ppm, is_chosen=is_chosen, most_owed_leads=3)
        assert -3 * LEAD_PPM <= after <= 3 * LEAD_PPM
        assert after == bounded(balance_ppm + entitled_ppm - is_chosen * LEAD_PPM, 3)

    def test_move_by_the_share_and_by_the_lead(self) -> None:
        one, other = standing(share_weight=3), standing(share_weight=1)
        give_out([one, other], [request()])
        assert (one.balance_ppm, other.balance_ppm) == (-250_000, 250_000)

    def test_who_may_not_have_a_lead_is_owed_nothing_of_it(self) -> None:
        there, full = standing(), standing(Limits(day=1), taken=1)
        give_out([there, full], [request() for _ in range(50)])
        assert (there.balance_ppm, full.balance_ppm) == (0, 0)

    def test_a_gift_by_hand_is_owed_to_nobody(self) -> None:
        one, other = standing(balance_ppm=5), standing(balance_ppm=7)
        give_out([one, other], [request(trigger=Trigger.BY_HAND)])
        assert (one.balance_ppm, other.balance_ppm) == (5, 7)
        assert one.last_turn or other.last_turn


def runs(chosen: list[UUID], of: UUID) -> list[int]:
    return [len(list(run)) for who, run in groupby(chosen) if who == of]


class TestFairness:
    @given(st.lists(st.integers(1, 9), min_size=2, max_size=6))
    @settings(max_examples=30)
    def test_leads_follow_the_weights_to_within_one(self, those: list[int]) -> None:
        given_to = [standing(share_weight=weight) for weight in those]
        got = Counter(d.chosen[0].candidate.id for d in give_out(given_to, [request() for _ in range(200)]))
        for weight, each in zip(those, given_to, strict=True):
            assert abs(got[each.candidate.id] - 200 * weight / sum(those)) <= len(those)

    @given(st.integers(2, 6), st.integers(0, 40), st.integers(0, 20), st.integers(1, 60))
    @settings(max_examples=60)
    def test_who_was_away_gets_no_run_of_leads_when_it_is_back(
        self, number: int, together: int, taken_back: int, apart: int
    ) -> None:
        """However many it was owed when it left, because it gave leads back, and however long it was away."""
        those = [standing() for _ in range(number)]
        back = those[0]
        give_out(those, [request() for _ in range(together)])
        back.balance_ppm = bounded(back.balance_ppm + taken_back * LEAD_PPM, MOST)
        give_out(those[1:], [request() for _ in range(apart)])
        chosen = [d.chosen[0].candidate.id for d in give_out(those, [request() for _ in range(60)])]
        assert max(runs(chosen, back.candidate.id), default=0) <= MOST + 1

    @given(st.integers(2, 6), st.integers(1, 200))
    @settings(max_examples=30)
    def test_a_new_installer_begins_with_its_share_and_no_more(self, number: int, before: int) -> None:
        those = [standing() for _ in range(number)]
        give_out(those, [request() for _ in range(before)])
        new = standing()
        decisions = give_out([*those, new], [request() for _ in range(10 * (number + 1))])
        got = sum(decision.chosen[0] is new for decision in decisions)
        assert abs(got - 10) <= 1

    def test_what_is_owed_comes_before_how_long_one_has_waited(self) -> None:
        owed = standing(balance_ppm=1, last_turn=Turn(NOW, 9))
        waited = standing()
        assert decided(request(), owed, waited).chosen == [owed]

    def test_what_was_given_back_is_made_up_for_by_and_by(self) -> None:
        """Of 20 leads two are due 10 each; of the 3 that one is owed besides, half would have been its own."""
        one, other = standing(balance_ppm=3 * LEAD_PPM), standing()
        got = [d.chosen[0] for d in give_out([one, other], [request() for _ in range(20)])]
        assert got.count(one) in (11, 12)


class TestJainsIndex:
    def test_is_one_where_each_gets_the_same_part_of_its_own(self) -> None:
        assert jains_index([30, 10], [15, 5]) == pytest.approx(1)

    def test_is_one_over_their_number_where_one_gets_all(self) -> None:
        assert jains_index([8, 0, 0, 0], [2, 2, 2, 2]) == pytest.approx(0.25)

    def test_leaves_out_who_was_due_nothing(self) -> None:
        assert jains_index([1, 5], [1, 0]) == pytest.approx(1)
        assert jains_index([], []) == 1
