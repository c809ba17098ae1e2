"""A decision is a function of what was recorded: made again it is the same, to the last sign."""

import json
import sys
import zoneinfo
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.domain.candidate import Candidate
from services.routing.domain.decision import Request, carry_out, decide
from services.routing.domain.inputs import Inputs, ProfileMissing, Profiles, versions_in
from services.routing.domain.record import record_of
from services.routing.domain.replaying import NoSuchRuleSet, difference, proved, replay
from services.routing.domain.standing import Considered
from services.routing.domain.states import BreakerState
from services.routing.domain.windows import WallClock
from tests.routing.samples import COVERED, NOW, REQUESTS, WORLDS, candidate, considered, request, standing, standing_of

PEOPLE = st.lists(considered(), max_size=5, unique_by=lambda each: each.standing.candidate.id)


def profiles_of(world: Inputs) -> Profiles:
    return {
        (each.standing.candidate.id, each.standing.candidate.version): each.standing.candidate
        for each in world.candidates
    }


BY_RULE_SET_3 = Path(__file__).with_name("decided_by_rule_set_3.json")
"""A decision as it was kept: over the night in which the clocks go back, in a zone that is lost, over Easter."""


class LookedUp(Exception):
    """Of what a decision is made from, the time zone database is no part."""


def _looked_up(*_: object) -> None:
    raise LookedUp


@contextmanager
def without_time_zones() -> Iterator[None]:
    """Wherever a rule would look one up."""
    rules = [module for name, module in sys.modules.items() if name.startswith("services.routing.domain.")]
    with ExitStack() as patches:
        for module in (zoneinfo, *rules):
            if hasattr(module, "ZoneInfo"):
                patches.enter_context(patch.object(module, "ZoneInfo", _looked_up))
        yield


class TestEveryDecision:
    @given(WORLDS)
    @settings(max_examples=200)
    def test_made_again_from_its_inputs_is_the_same_to_the_last_sign(self, world: Inputs) -> None:
        text, profiles, record = world.to_text(), profiles_of(world), record_of(decide(*world))
        with without_time_zones():
            assert replay(text, profiles) == record

    def test_would_be_seen_to_ask_the_time_zones(self) -> None:
        with without_time_zones(), pytest.raises(LookedUp):
            WallClock.of("Australia/Sydney")

    @given(PEOPLE, st.lists(REQUESTS, max_size=6))
    @settings(max_examples=100)
    def test_of_a_batch_is_made_again_whatever_the_ones_before_it_took(
        self, those: list[Considered], wanted: list[Request]
    ) -> None:
        for each in wanted:
            world = Inputs(each, those)
            text, decision = world.to_text(), decide(each, those)
            record = record_of(decision)
            carry_out(decision, range(1, 9))
            assert replay(text, profiles_of(world)) == record

    @given(WORLDS)
    def test_reads_its_inputs_as_they_were_written(self, world: Inputs) -> None:
        text = world.to_text()
        assert Inputs.from_text(text, profiles_of(world)).to_text() == text
        assert versions_in(text) == set(profiles_of(world))


class TestInputs:
    def test_name_nobody_but_by_id_and_version(self) -> None:
        one = standing(name="Harbour Heat Pumps", version=7)
        text = Inputs(request(), [Considered(one, COVERED)]).to_text()
        assert "Harbour" not in text
        assert "@" not in text
        assert json.loads(text)["candidates"] == [
            [str(one.candidate.id), 7, ["state", "NSW"], [0, 0, 0, 0, 0, 0], 0, 0, 0, 0, 0, 0]
        ]

    def test_say_by_which_policy_and_which_rules(self) -> None:
        kept = json.loads(Inputs(request(policy_version=4), []).to_text())
        assert (kept["format"], kept["rule_set"]) == (2, "4")
        assert kept["policy"] == [4, {"most_owed_leads": 3, "backlog_per_hour": 5, "same_person_days": 90}]

    def test_say_how_far_the_clocks_are_ahead_and_when_they_leap(self) -> None:
        before_winter = NOW + timedelta(days=25)
        one = standing_of(candidate(), now=before_winter)
        kept = json.loads(Inputs(request(decided_at=before_winter), [Considered(one, COVERED)]).to_text())
        assert kept["clocks"]["Australia/Sydney"][2] == [39_600, ["2026-04-05T03:00:00", 36_000]]

    def test_need_the_profile_of_their_version(self) -> None:
        text = Inputs(request(), [Considered(standing(version=7), COVERED)]).to_text()
        with pytest.raises(ProfileMissing, match="version 7"):
            replay(text, {})


class TestRuleSet3:
    def test_is_made_again_as_it_was_kept(self) -> None:
        inputs, profiles, record = self._kept()
        assert proved(inputs, profiles, record) == ("3", None)

    def test_asks_the_time_zones_of_today(self) -> None:
        """That is how it was made: another law makes another record, which is told."""
        inputs, profiles, record = self._kept()
        with patch.object(WallClock, "of", return_value=WallClock(ZoneInfo("Australia/Perth"))):
            found = proved(inputs, profiles, record).first_difference
        assert found is not None
        assert '"until":"2026-04-0' in found

    def _kept(self) -> tuple[str, Profiles, str]:
        kept = json.loads(BY_RULE_SET_3.read_text())
        those = [Candidate.of_profile(UUID(id_), version, profile) for id_, version, profile in kept["profiles"]]
        return kept["inputs"], {(who.id, who.version): who for who in those}, kept["record"]


class TestProof:
    def test_shows_where_the_texts_part(self) -> None:
        one = standing()
        world = Inputs(request(), [Considered(one, COVERED)])
        record = record_of(decide(*world))
        assert proved(world.to_text(), profiles_of(world), record).is_identical
        found = proved(world.to_text(), profiles_of(world), record.replace('"rank":1', '"rank":2'))
        assert not found.is_identical
        assert found.first_difference is not None
        assert '"rank":2' in found.first_difference
        assert '"rank":1' in found.first_difference

    def test_shows_which_of_the_two_is_longer(self) -> None:
        assert difference("[1]", "[1") == 'at 2: kept "[1]", made "[1"'
        assert difference("[1]", "[1]") is None

    def test_refuses_rules_that_are_kept_nowhere(self) -> None:
        text = Inputs(request(), []).to_text().replace('"rule_set":"4"', '"rule_set":"2"')
        with pytest.raises(NoSuchRuleSet, match="2"):
            replay(text, {})

    def test_keeps_what_a_breaker_compared(self) -> None:
        one = standing()
        one.delivery = one.delivery._replace(breaker=BreakerState.OPEN, probe_at=NOW + timedelta(minutes=5), pending=2)
        world = Inputs(request(), [Considered(one, COVERED)])
        assert json.loads(replay(world.to_text(), profiles_of(world)))[0]["obstacle"] == "delivery_health"
