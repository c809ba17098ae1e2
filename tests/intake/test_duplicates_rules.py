"""Which leads may be one: how names and streets are compared, what that weighs, and what is held for it."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.commands.judging import evidence_of, keys_of
from services.intake.domain.duplicates import (
    KEPT_FROM,
    WEIGHTS,
    Compared,
    Evidence,
    MatchKind,
    PairReason,
    Scope,
    Thresholds,
    Verdict,
    match_keys,
    score,
    verdict,
)
from services.intake.likeness import names_alike, plain_name, plain_street, streets_alike

REVIEW, HOLD = 45, 80
DEFAULT = Thresholds(True, HOLD, REVIEW, None, 30, Scope.SAME_SERVICE)
likenesses = st.none() | st.floats(0, 100)
flags = st.booleans()
evidences = st.builds(Evidence, flags, flags, flags, likenesses, likenesses)
NOBODY: Any = SimpleNamespace(name="", email_match="", phone="", street="", postcode="")
words = st.text(st.sampled_from("abcdeio 'é1-"), max_size=14)
people = st.builds(
    lambda name, email, phone, street, postcode: SimpleNamespace(
        name=name, email_match=email, phone=phone, street=street, postcode=postcode
    ),
    words,
    words,
    st.sampled_from(["", "+61412345678", "+61412345687"]),
    words,
    st.sampled_from(["", "2204", "2205"]),
)
compared = st.builds(Compared, st.integers(0, 100), st.integers(0, 364), flags)


class TestTheScore:
    @given(people, people)
    def test_is_the_same_whichever_of_the_two_is_looked_at(self, one: Any, other: Any) -> None:
        assert score(evidence_of(one, other)) == score(evidence_of(other, one))

    @given(people)
    def test_of_a_lead_without_anything_is_nothing(self, one: Any) -> None:
        assert evidence_of(one, NOBODY) == Evidence()

    def test_of_two_without_anything_is_nothing(self) -> None:
        assert evidence_of(NOBODY, NOBODY) == Evidence()
        assert score(evidence_of(NOBODY, NOBODY)).number == 0
        assert keys_of(NOBODY) == {}

    @given(evidences)
    def test_never_falls_where_more_is_the_same(self, evidence: Evidence) -> None:
        number = score(evidence).number
        for name in ("same_phone", "same_email", "same_address"):
            assert score(replace(evidence, **{name: True})).number >= number
        assert score(replace(evidence, name=100.0)).number >= number
        assert score(replace(evidence, street=100.0)).number >= number

    @given(evidences)
    def test_is_the_sum_of_its_reasons_and_of_a_hundred(self, evidence: Evidence) -> None:
        found = score(evidence)
        assert found.number == max(0, min(100, sum(WEIGHTS[reason] for reason in found.reasons)))

    @given(likenesses)
    def test_of_a_name_alone_is_never_kept(self, name: float | None) -> None:
        assert score(Evidence(name=name)).number < KEPT_FROM < REVIEW

    @pytest.mark.parametrize(
        ("evidence", "number"),
        [
            (Evidence(same_phone=True, name=100.0), 85),
            (Evidence(same_phone=True, name=20.0), 45),
            (Evidence(same_phone=True, same_email=True, name=20.0), 95),
            (Evidence(same_email=True, name=80.0), 60),
            (Evidence(same_address=True, name=92.0, street=100.0), 50),
            (Evidence(name=92.0, street=90.0), 45),
            (Evidence(same_address=True, name=30.0, street=100.0), 10),
        ],
    )
    def test_says_what_an_operator_would(self, evidence: Evidence, number: int) -> None:
        assert score(evidence).number == number


class TestTheVerdict:
    @given(st.lists(compared, max_size=6))
    def test_of_one_who_looks_at_nothing_is_to_let_in(self, pairs: list[Compared]) -> None:
        assert verdict(pairs, replace(DEFAULT, is_on=False)) is Verdict.LET_IN

    @given(st.lists(compared, max_size=6), st.integers(45, 100))
    def test_a_lower_threshold_never_holds_less(self, pairs: list[Compared], hold_from: int) -> None:
        if verdict(pairs, replace(DEFAULT, hold_from=hold_from)) is Verdict.HOLD:
            assert verdict(pairs, replace(DEFAULT, hold_from=45)) is Verdict.HOLD

    @pytest.mark.parametrize(
        ("pair", "changes", "expected"),
        [
            (Compared(80, 0, True), {}, Verdict.HOLD),
            (Compared(79, 0, True), {}, Verdict.LET_IN),
            (Compared(100, 29, True), {}, Verdict.HOLD),
            (Compared(100, 30, True), {}, Verdict.LET_IN),
            (Compared(100, 0, False), {}, Verdict.LET_IN),
            (Compared(100, 0, False), {"scope": Scope.ANY}, Verdict.HOLD),
            (Compared(95, 0, True), {"reject_from": 95}, Verdict.REJECT),
            (Compared(94, 0, True), {"reject_from": 95}, Verdict.HOLD),
        ],
    )
    def test_goes_by_score_age_and_service(self, pair: Compared, changes: dict[str, Any], expected: Verdict) -> None:
        assert verdict([Compared(10, 0, True), pair], replace(DEFAULT, **changes)) is expected


class TestNames:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Mia O'Brien", "Mia OBrien"),
            ("Bob Smith", "Robert Smith"),
            ("Zoë Novák", "Zoe Novak"),
            ("Smith, Robert", "Rob Smith"),
            ("Lachlan McKenzie", "Lachlan Mckenzi"),
        ],
    )
    def test_of_one_person_are_near_whatever_way_they_are_written(self, one: str, other: str) -> None:
        assert (names_alike(one, other) or 0) >= 75

    @pytest.mark.parametrize(("one", "other"), [("Mia O'Brien", "Noah Walker"), ("Ruby Singh", "Leo Kowalski")])
    def test_of_two_people_are_not(self, one: str, other: str) -> None:
        assert (names_alike(one, other) or 0) < 50

    def test_what_is_empty_is_like_nothing(self) -> None:
        assert names_alike("", "Mia") is names_alike("", "") is names_alike("'", "Mia") is None


class TestStreets:
    @pytest.mark.parametrize(
        ("written", "plain"),
        [
            ("12 Cadogan St.", "12 cadogan street"),
            ("Unit 3, 12 Cadogan Street", "3 12 cadogan street"),
            ("3/12 Cadogan St", "3 12 cadogan street"),
            ("12 St Kilda Rd", "12 st kilda road"),
            ("", ""),
        ],
    )
    def test_have_one_way_of_writing(self, written: str, plain: str) -> None:
        assert plain_street(written) == plain

    def test_another_number_is_another_house(self) -> None:
        assert streets_alike("12 Cadogan Street", "14 Cadogan Street") == 0
        assert streets_alike("3/12 Cadogan Street", "12 Cadogan Street") == 0
        assert (streets_alike("12 Cadogan St", "12 Cadogn Street") or 0) > 80
        assert streets_alike("", "12 Cadogan Street") is None


class TestTheKeys:
    def test_are_hashes_that_name_nobody(self) -> None:
        keys = match_keys(
            phone="+61412345678",
            email_match="mia@post.example",
            plain_name=plain_name("Mia O'Brien"),
            plain_street=plain_street("12 Cadogan St"),
            postcode="2204",
        )
        assert set(keys) == set(MatchKind)
        assert {len(value) for value in keys.values()} == {16}

    def test_of_a_name_and_a_street_outlast_how_they_are_typed(self) -> None:
        one = SimpleNamespace(name="Bob Rossi", email_match="", phone="", street="5 Mill Rd", postcode="3056")
        other = SimpleNamespace(name="Robert Rosi", email_match="", phone="", street="5 Mill Road", postcode="3056")
        assert keys_of(one) == keys_of(other)

    def test_are_of_one_postcode(self) -> None:
        one = SimpleNamespace(name="Bob Rossi", email_match="", phone="", street="5 Mill Rd", postcode="3056")
        other = SimpleNamespace(**{**vars(one), "postcode": "3057"})
        assert not set(keys_of(one).values()) & set(keys_of(other).values())


def test_each_reason_has_a_weight() -> None:
    assert set(WEIGHTS) == set(PairReason)
