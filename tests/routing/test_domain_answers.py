""" "Why not me?" says what an installer's own part holds, and nothing that depends on any other."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.domain.answers import OwnPart, answer, summary
from services.routing.domain.decision import decide
from services.routing.domain.eligibility import Rule
from services.routing.domain.inputs import Inputs
from services.routing.domain.record import record_of
from services.routing.domain.standing import Considered
from tests.routing.samples import WORLDS, considered

RIVAL = "Rival & Söhne"
RIVALS = st.lists(considered(), max_size=5, unique_by=lambda each: each.standing.candidate.id)


def own_part(world: Inputs, me: Considered) -> dict[str, Any]:
    entries = json.loads(record_of(decide(*world)))
    [own] = [entry for entry in entries if entry["installer_id"] == str(me.standing.candidate.id)]
    found: dict[str, Any] = own
    return found


def told(own: dict[str, Any] | None) -> list[str]:
    return answer([OwnPart(own, is_by_hand=False)], place="2204 NSW", wanted="solar-battery")


def named_otherwise(each: Considered) -> Considered:
    return each._replace(standing=replace(each.standing, candidate=replace(each.standing.candidate, name=RIVAL)))


class TestNobodyElse:
    @given(WORLDS, considered(), RIVALS)
    @settings(max_examples=200)
    def test_comes_into_an_answer_but_by_whose_turn_it_was(
        self, world: Inputs, me: Considered, others: list[Considered]
    ) -> None:
        """With other rivals, or none, it is the same answer, unless the lead itself goes another way."""
        mine = me.standing.candidate.id
        with_some = Inputs(world.request, [me, *(c for c in world.candidates if c.standing.candidate.id != mine)])
        with_others = Inputs(
            world.request, [me, *(named_otherwise(c) for c in others if c.standing.candidate.id != mine)]
        )
        one, other = own_part(with_some, me), own_part(with_others, me)
        if one["is_chosen"] == other["is_chosen"]:
            assert told(one) == told(other)

    @given(WORLDS, considered())
    def test_is_named_or_counted_in_it(self, world: Inputs, me: Considered) -> None:
        rivals = [named_otherwise(c) for c in world.candidates if c.standing.candidate.id != me.standing.candidate.id]
        own = own_part(Inputs(world.request, [me, *rivals]), me)
        text = " ".join(told(own))
        assert RIVAL not in text
        for rival in rivals:
            assert str(rival.standing.candidate.id) not in text
        # Its rank and its share of the lead would tell how many others there were.
        assert told(own) == told({**own, "rank": 99, "ordering_key": None})


class TestAnswer:
    def test_says_that_it_got_the_lead(self) -> None:
        assert told({"is_chosen": True}) == ["You were given this lead."]

    def test_says_that_it_was_not_its_turn(self) -> None:
        first, second = told({"is_chosen": False, "verdicts": [], "time_zone": "Australia/Sydney"})
        assert first == "You met every condition for this lead."
        assert second.startswith("Leads go in turn")

    def test_of_a_lead_elsewhere_names_the_place(self) -> None:
        assert told(None) == ["This lead was in 2204 NSW, which was outside your territory."]

    def test_of_what_operators_gave_by_hand_says_so(self) -> None:
        by_hand = [OwnPart(None, is_by_hand=True)]
        assert answer(by_hand, place="2204 NSW", wanted="roofing") == ["Our staff decided about this lead by hand."]
        assert answer([], place="2204 NSW", wanted="roofing") == ["Nobody has been given this lead yet."]

    def test_goes_by_the_last_attempt_in_which_it_was_considered(self) -> None:
        full = {"rule": "cap_day", "passed": False, "compared": {"limit": 2, "used": 1, "reserved": 1}}
        own = {"is_chosen": False, "verdicts": [full], "time_zone": "Australia/Sydney"}
        parts = [OwnPart(own, is_by_hand=False), OwnPart(None, is_by_hand=True)]
        assert answer(parts, place="2204 NSW", wanted="solar-battery") == [
            "This lead asked for solar battery in 2204 NSW.",
            "Your cap of the day was full: 2 of 2.",
        ]

    @pytest.mark.parametrize(
        ("rule", "compared", "sentence"),
        [
            ("status", {"status": "suspended"}, "Your account was suspended."),
            ("paused", {"absence": "pause", "ends_at": None}, "You were away."),
            (
                "paused",
                {"absence": "holiday", "ends_at": "2026-01-04T13:00:00+00:00"},
                "You were away until 5 January 2026.",
            ),
            ("service", {"wanted": "heat-pump", "offered": []}, "Heat pump was not one of your services."),
            ("territory", {"place": "6160 WA"}, "6160 WA was outside your territory."),
            ("duplicate_to_installer", {"live_assignments": 1}, "You had this lead already."),
            (
                "duplicate_to_installer",
                {"live_assignments": 0, "same_person_leads": 1},
                "You had been given another lead of the same person for the same service.",
            ),
            ("returned_by_installer", {}, "You had given this lead back before."),
            ("failed_before", {}, "This lead had not reached you before, or was taken back."),
            (
                "hours",
                {"is_public_holiday": False, "local_time": "2026-03-03T19:15"},
                "You were closed: it was 19:15 by your clock.",
            ),
            ("hours", {"is_public_holiday": True}, "It was a public holiday, which you keep."),
            ("credit_hold", {"is_held": True}, "There was a credit hold on your account."),
            ("delivery_health", {}, "Leads could not be delivered to you at that time."),
            ("cap_month", {"limit": 40, "used": 38, "reserved": 3}, "Your cap of the cycle was full: 41 of 40."),
            ("backlog_pace", {}, "You had just had your share of leads that had waited."),
            ("a_rule_of_old", {}, "It did not pass: a rule of old."),
        ],
    )
    def test_says_what_was_in_the_way(self, rule: str, compared: dict[str, Any], sentence: str) -> None:
        verdict = {"rule": rule, "passed": False, "compared": compared}
        own = {"is_chosen": False, "verdicts": [verdict], "time_zone": "Australia/Sydney"}
        assert told(own)[1:] == [sentence]

    def test_leaves_out_what_was_overruled(self) -> None:
        verdict = {"rule": "hours", "passed": False, "is_waived": True, "compared": {}}
        own = {"is_chosen": False, "verdicts": [verdict], "time_zone": "Australia/Sydney"}
        assert told(own)[0] == "You met every condition for this lead."


class TestSummary:
    def test_adds_up(self) -> None:
        assert summary({"chosen": 26, "eligible": 54, "cap_week": 31, "hours": 9}) == [
            "Of 120 leads in your area you met every condition for 80 and were given 26.",
            "Of the others: you were closed for 9; your cap of the week was full for 31.",
        ]

    def test_of_no_leads_says_so(self) -> None:
        assert summary({}) == ["There were no leads in your area in this time."]
        assert summary({"chosen": 1}) == ["Of 1 lead in your area you met every condition for 1 and were given 1."]

    def test_knows_every_rule(self) -> None:
        assert len(summary(dict.fromkeys(Rule, 1))[1].split(";")) == len(Rule)
