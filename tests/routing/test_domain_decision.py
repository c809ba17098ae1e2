"""Ordering and choosing: fair, bounded and the same for everyone, whatever leads and installers come."""

import json
from collections import Counter
from datetime import timedelta
from itertools import count
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.ids import new_id
from contracts.values import InstallerStatus
from services.routing.domain.decision import Decision, Request, Shortfall, decide
from services.routing.domain.eligibility import Rule, Standing, Turn
from services.routing.domain.ordering import NEVER, largest_capacity, ordering_key, tie_break
from services.routing.domain.record import record_of
from services.routing.domain.states import AssignmentStatus
from services.routing.domain.windows import Limits, WindowKind
from tests.routing.samples import COVERED, HERE, NOW, decided, request, standing

CAP = st.none() | st.integers(0, 6)
LIMITS = st.builds(Limits, day=CAP, week=CAP, month=CAP)
IDS = st.uuids()


@st.composite
def standings(draw: st.DrawFn) -> list[Standing]:
    """Up to six installers of every kind, some of them already in the middle of their cycle."""
    ids = draw(st.lists(IDS, min_size=1, max_size=6, unique=True))
    turns = st.none() | st.builds(Turn, st.just(NOW - timedelta(days=1)), st.integers(1, 9))
    return [
        standing(
            draw(LIMITS),
            id=id_,
            taken=draw(st.integers(0, 4)),
            last_turn=draw(turns),
            status=draw(st.sampled_from(InstallerStatus)),
        )
        for id_ in ids
    ]


REQUESTS = st.lists(st.tuples(IDS, st.sampled_from([1, 3])), max_size=25, unique_by=lambda pair: pair[0])


def give_out(those: list[Standing], wanted: list[tuple[UUID, int]]) -> list[Decision]:
    """A batch as dispatch runs it: each lead sees what the ones before it took."""
    places = count(1)
    decisions = []
    for lead_id, wanted_count in wanted:
        decision = decided(request(wanted_count, lead_id), *those)
        for chosen in decision.chosen:
            chosen.take(Turn(NOW, next(places)))
        decisions.append(decision)
    return decisions


class TestEveryBatch:
    @given(standings(), REQUESTS)
    @settings(max_examples=150)
    def test_never_passes_a_cap(self, those: list[Standing], wanted: list[tuple[UUID, int]]) -> None:
        before = {s.candidate.id: {kind: c.taken for kind, c in s.counts.items()} for s in those}
        give_out(those, wanted)
        for each in those:
            for kind, window in each.counts.items():
                limit = each.candidate.limits.of(kind)
                assert limit is None or window.taken <= max(limit, before[each.candidate.id][kind])

    @given(standings(), REQUESTS)
    def test_chooses_no_more_than_wanted_and_nobody_twice(
        self, those: list[Standing], wanted: list[tuple[UUID, int]]
    ) -> None:
        for decision in give_out(those, wanted):
            chosen = [each.candidate.id for each in decision.chosen]
            assert len(chosen) <= decision.request.wanted_count
            assert len(set(chosen)) == len(chosen)

    @given(standings(), REQUESTS)
    def test_leaves_nobody_out_while_a_share_is_free(
        self, those: list[Standing], wanted: list[tuple[UUID, int]]
    ) -> None:
        for decision in give_out(those, wanted):
            eligible = sum(assessment.obstacle is None for assessment in decision.assessments)
            assert len(decision.chosen) == min(decision.request.wanted_count, eligible)
            assert (decision.shortfall is None) == (len(decision.chosen) == decision.request.wanted_count)

    @given(standings(), IDS, st.sampled_from([1, 3]), st.randoms(use_true_random=False))
    def test_decides_the_same_in_whatever_order_the_candidates_come(
        self, those: list[Standing], lead_id: UUID, wanted_count: int, random: object
    ) -> None:
        shuffled = list(those)
        random.shuffle(shuffled)  # type: ignore[attr-defined]
        one, other = (
            decide(request(wanted_count, lead_id), [(each, COVERED) for each in order]) for order in (those, shuffled)
        )
        assert record_of(one) == record_of(other)

    @given(standings(), REQUESTS)
    def test_nobody_is_chosen_before_one_with_a_lower_key(
        self, those: list[Standing], wanted: list[tuple[UUID, int]]
    ) -> None:
        for decision in give_out(those, wanted):
            keys = [assessment.key for assessment in decision.assessments if assessment.key is not None]
            assert keys == sorted(keys)
            assert [a.is_chosen for a in decision.assessments] == sorted(
                (a.is_chosen for a in decision.assessments), reverse=True
            )

    @given(st.integers(1, 7), st.sampled_from([1, 2, 200]), st.sampled_from([1, 3]))
    def test_goes_round_among_equals(self, installers: int, number: int, wanted_count: int) -> None:
        those = [standing() for _ in range(installers)]
        give_out(those, [(new_id(), wanted_count) for _ in range(number)])
        shares = [each.counts[WindowKind.MONTH].taken for each in those]
        assert sum(shares) == number * min(wanted_count, installers)
        assert max(shares) - min(shares) <= 1

    @given(standings(), REQUESTS)
    def test_its_record_is_json_that_names_everyone(
        self, those: list[Standing], wanted: list[tuple[UUID, int]]
    ) -> None:
        for decision in give_out(those, wanted):
            record = json.loads(record_of(decision))
            assert {entry["installer_id"] for entry in record} == {str(each.candidate.id) for each in those}
            assert all([v["rule"] for v in entry["verdicts"]] == list(Rule) for entry in record)
            assert sum(entry["is_chosen"] for entry in record) == len(decision.chosen)


class TestOrdering:
    def test_the_least_used_share_of_the_cycle_comes_first(self) -> None:
        nearly_full = standing(Limits(month=10), taken=8)
        half = standing(Limits(month=100), taken=50)
        assert decided(request(), nearly_full, half).chosen == [half]

    def test_then_the_longest_since_the_last_lead(self) -> None:
        recent = standing(last_turn=Turn(NOW - timedelta(hours=1), 1))
        long_ago = standing(last_turn=Turn(NOW - timedelta(days=3), 9))
        never = standing()
        order = [a.standing for a in decided(request(3), recent, long_ago, never).assessments]
        assert order == [never, long_ago, recent]

    def test_of_one_instant_the_earlier_place_counts(self) -> None:
        second, first = standing(last_turn=Turn(NOW, 2)), standing(last_turn=Turn(NOW, 1))
        assert decided(request(), second, first).chosen == [first]

    def test_then_a_hash_that_favours_nobody(self) -> None:
        those = [standing() for _ in range(4)]
        first = Counter(decided(request(), *those).chosen[0].candidate.id for _ in range(400))
        assert min(first[each.candidate.id] for each in those) > 50

    def test_the_hash_is_stable(self) -> None:
        assert tie_break(UUID(int=1), UUID(int=2)) == 0xD9A284DD462C1201

    def test_measures_the_uncapped_against_the_largest_capacity(self) -> None:
        capped, uncapped = standing(Limits(month=20), taken=5), standing(taken=4)
        common = largest_capacity([capped, uncapped])
        assert common == 20
        assert ordering_key(new_id(), uncapped, common)[:2] == (200_000, NEVER)
        assert ordering_key(new_id(), capped, common)[:2] == (250_000, NEVER)

    def test_a_daily_limit_does_not_starve_its_installer(self) -> None:
        """By the fullest window alone, one lead of four a day would stand behind a quarter of a month's cap."""
        daily, monthly = standing(Limits(day=4)), standing(Limits(month=124))
        give_out([daily, monthly], [(new_id(), 1) for _ in range(8)])
        assert [each.counts[WindowKind.DAY].taken for each in (daily, monthly)] == [4, 4]


class TestDecision:
    def test_says_why_nobody_got_it(self) -> None:
        nobody = decide(request(3), [])
        assert (nobody.shortfall, nobody.summary) == (
            Shortfall.NOBODY_COVERS_THE_LOCATION,
            "no installer covers 2204 NSW",
        )
        refused = decided(request(), standing(Limits(month=0)), standing(status=InstallerStatus.PAUSED))
        assert refused.shortfall is Shortfall.NOBODY_IS_ELIGIBLE
        assert refused.summary == "given to 0 of 1; of 2 candidates not eligible: cap_month 1, status 1"

    def test_says_that_all_were_eligible(self) -> None:
        assert decided(request(), standing(), standing()).summary == "given to 1 of 1; all 2 candidates eligible"

    def test_takes_no_place_itself(self) -> None:
        one = standing(Limits(month=1))
        decided(request(), one)
        assert one.counts[WindowKind.MONTH].taken == 0

    def test_leaves_out_whom_the_lead_had_before(self) -> None:
        had_it, failed, fresh = standing(), standing(), standing()
        earlier = {
            had_it.candidate.id: [AssignmentStatus.SENT],
            failed.candidate.id: [AssignmentStatus.FAILED],
        }
        wanted = Request(new_id(), "solar-battery", HERE, 3, earlier)
        assert decided(wanted, had_it, failed, fresh).chosen == [fresh]
