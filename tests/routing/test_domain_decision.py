"""Choosing: bounded, complete and the same for everyone, whatever leads and installers come."""

import json
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.values import InstallerStatus
from services.routing.domain.candidate import Coverage, History, TerritoryKind, Turn
from services.routing.domain.decision import Request, Shortfall, decide
from services.routing.domain.eligibility import Rule
from services.routing.domain.inputs import Inputs
from services.routing.domain.record import record_of
from services.routing.domain.standing import Considered, Standing
from services.routing.domain.states import Trigger
from services.routing.domain.windows import Limits, WindowKind
from tests.routing.samples import (
    COVERED,
    LIMITS,
    NOW,
    SERVICE,
    TURNS,
    WORLDS,
    decided,
    give_out,
    request,
    standing,
)


@st.composite
def standings(draw: st.DrawFn) -> list[Standing]:
    """Up to six installers of every kind, some of them already in the middle of their cycle."""
    ids = draw(st.lists(st.uuids(), min_size=1, max_size=6, unique=True))
    return [
        standing(
            draw(LIMITS),
            id=id_,
            taken=draw(st.integers(0, 4)),
            last_turn=draw(TURNS),
            balance_ppm=draw(st.integers(-3_000_000, 3_000_000)),
            status=draw(st.sampled_from(InstallerStatus)),
        )
        for id_ in ids
    ]


REQUESTS = st.lists(st.builds(request, st.sampled_from([1, 3]), st.uuids()), max_size=25)


class TestEveryBatch:
    @given(standings(), REQUESTS)
    @settings(max_examples=150)
    def test_never_passes_a_cap(self, those: list[Standing], wanted: list[Request]) -> None:
        before = {s.candidate.id: {kind: c.taken for kind, c in s.counts.items()} for s in those}
        give_out(those, wanted)
        for each in those:
            for kind, window in each.counts.items():
                limit = each.candidate.limits.of(kind)
                assert limit is None or window.taken <= max(limit, before[each.candidate.id][kind])

    @given(standings(), REQUESTS)
    def test_chooses_no_more_than_wanted_and_nobody_twice(self, those: list[Standing], wanted: list[Request]) -> None:
        for decision in give_out(those, wanted):
            chosen = [each.candidate.id for each in decision.chosen]
            assert len(chosen) <= decision.request.wanted_count
            assert len(set(chosen)) == len(chosen)

    @given(standings(), REQUESTS)
    def test_leaves_nobody_out_while_a_share_is_free(self, those: list[Standing], wanted: list[Request]) -> None:
        for decision in give_out(those, wanted):
            eligible = sum(assessment.obstacle is None for assessment in decision.assessments)
            assert len(decision.chosen) == min(decision.request.wanted_count, eligible)
            assert (decision.shortfall is None) == (len(decision.chosen) == decision.request.wanted_count)

    @given(standings(), REQUESTS)
    def test_owes_in_sum_what_it_gives(self, those: list[Standing], wanted: list[Request]) -> None:
        for decision in give_out(those, wanted):
            assert sum(assessment.entitled_ppm for assessment in decision.assessments) == 1_000_000 * len(
                decision.chosen
            )

    @given(WORLDS, st.randoms(use_true_random=False))
    def test_decides_the_same_in_whatever_order_the_candidates_come(self, world: Inputs, random: object) -> None:
        shuffled = list(world.candidates)
        random.shuffle(shuffled)  # type: ignore[attr-defined]
        assert record_of(decide(*world)) == record_of(decide(world.request, shuffled))

    @given(standings(), REQUESTS)
    def test_nobody_is_chosen_before_one_with_a_lower_key(self, those: list[Standing], wanted: list[Request]) -> None:
        for decision in give_out(those, wanted):
            keys = [assessment.key for assessment in decision.assessments if assessment.key is not None]
            assert keys == sorted(keys)
            assert [a.is_chosen for a in decision.assessments] == sorted(
                (a.is_chosen for a in decision.assessments), reverse=True
            )

    @given(st.integers(1, 7), st.sampled_from([1, 2, 200]), st.sampled_from([1, 3]))
    def test_goes_round_among_equals(self, installers: int, number: int, wanted_count: int) -> None:
        those = [standing() for _ in range(installers)]
        give_out(those, [request(wanted_count) for _ in range(number)])
        shares = [each.counts[WindowKind.MONTH].taken for each in those]
        assert sum(shares) == number * min(wanted_count, installers)
        assert max(shares) - min(shares) <= 1

    @given(WORLDS)
    def test_its_record_is_json_that_names_everyone(self, world: Inputs) -> None:
        decision = decide(*world)
        record = json.loads(record_of(decision))
        assert {entry["installer_id"] for entry in record} == {str(c.standing.candidate.id) for c in world.candidates}
        assert all([v["rule"] for v in entry["verdicts"]] == list(Rule) for entry in record)
        assert sum(entry["is_chosen"] for entry in record) == len(decision.chosen)


class TestOrder:
    def test_who_is_owed_the_most_comes_first(self) -> None:
        ahead, even, owed = (standing(balance_ppm=ppm) for ppm in (-400_000, 0, 400_000))
        order = [a.standing for a in decided(request(3), ahead, even, owed).assessments]
        assert order == [owed, even, ahead]

    def test_the_share_of_the_lead_itself_counts(self) -> None:
        """Of 1.0 lead the large is due 0.9 and the small 0.1: owed 0.7 before, the small one is behind all the same."""
        large, small = standing(Limits(month=90)), standing(Limits(month=10), balance_ppm=700_000)
        assert decided(request(), large, small).chosen == [large]

    def test_then_the_longest_since_the_last_lead(self) -> None:
        recent = standing(last_turn=Turn(NOW - timedelta(hours=1), 1))
        long_ago = standing(last_turn=Turn(NOW - timedelta(days=3), 9))
        never = standing()
        order = [a.standing for a in decided(request(), recent, long_ago, never).assessments]
        assert order == [never, long_ago, recent]

    def test_of_one_instant_the_earlier_place_counts(self) -> None:
        second, first = standing(last_turn=Turn(NOW, 2)), standing(last_turn=Turn(NOW, 1))
        assert decided(request(), second, first).chosen == [first]

    def test_then_the_lowest_id(self) -> None:
        those = [standing() for _ in range(4)]
        assert decided(request(), *those).chosen == [min(those, key=lambda each: each.candidate.id)]

    def test_a_daily_limit_does_not_starve_its_installer(self) -> None:
        """It weighs as much as the same limit of a month."""
        daily, monthly = standing(Limits(day=4)), standing(Limits(month=124))
        give_out([daily, monthly], [request() for _ in range(8)])
        assert [each.counts[WindowKind.DAY].taken for each in (daily, monthly)] == [4, 4]

    def test_leads_follow_the_caps(self) -> None:
        large, small = standing(Limits(month=900)), standing(Limits(month=300))
        give_out([large, small], [request() for _ in range(100)])
        assert [each.counts[WindowKind.MONTH].taken for each in (large, small)] == [75, 25]


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

    def test_moves_nothing_itself(self) -> None:
        one = standing(Limits(month=1))
        decided(request(), one)
        assert (one.counts[WindowKind.MONTH].taken, one.balance_ppm, one.last_turn) == (0, 0, None)

    def test_leaves_out_whom_the_lead_had_before(self) -> None:
        histories = (History(live=1), History(ended=1), History(returned=1), History(same_person=1), History())
        candidates = [Considered(standing(), COVERED, history) for history in histories]
        decision = decide(request(3), candidates)
        assert decision.chosen == [candidates[-1].standing]
        assert sorted(a.outcome for a in decision.assessments) == sorted(
            ["chosen", "duplicate_to_installer", "duplicate_to_installer", "failed_before", "returned_by_installer"]
        )

    def test_what_has_waited_is_given_on_slowly(self) -> None:
        busy, idle = standing(balance_ppm=900_000), standing()
        busy.backlog = 5
        assert decided(request(trigger=Trigger.SCHEDULED), busy, idle).chosen == [idle]
        assert decided(request(), busy, idle).chosen == [busy]

    def test_what_is_given_of_the_backlog_counts_within_the_batch(self) -> None:
        one = standing()
        given_ = [d.chosen for d in give_out([one], [request(trigger=Trigger.SCHEDULED) for _ in range(7)])]
        assert [len(chosen) for chosen in given_] == [1, 1, 1, 1, 1, 0, 0]

    def test_the_coverage_is_told_where_there_is_one(self) -> None:
        matched = Coverage(TerritoryKind.RANGE, "2000-2234")
        [assessment] = decide(request(), [Considered(standing(), matched)]).assessments
        assert assessment.judged[1].verdicts[0].compared["matched"] == "2000-2234"
        assert request().service == SERVICE
