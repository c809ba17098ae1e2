"""The pure rules."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain import (
    AttemptLimit,
    KeyTerm,
    address_bucket,
    is_email,
    is_fresh_step,
    normalised_email,
    password_faults,
    published_kids,
    signing_kid,
    upcoming_kid,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIFE = timedelta(minutes=11)
MINUTE = timedelta(minutes=1)


class TestEmails:
    def test_case_width_and_surrounding_space_make_no_other_operator(self) -> None:
        assert normalised_email(" Robin@WAYBILL.Example ") == "robin@waybill.example"
        assert normalised_email("\uff52obin@waybill.example") == "robin@waybill.example"

    @pytest.mark.parametrize("text", ["robin@waybill.example", "r.f+ops@ops.waybill.test"])
    def test_takes_addresses(self, text: str) -> None:
        assert is_email(text)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "robin",
            "@waybill.example",
            "robin@",
            "robin@host",
            "a b@waybill.example",
            "a@b@c.example",
            "a@b.\n",
            "é@b.c",
        ],
    )
    def test_refuses_what_is_none(self, text: str) -> None:
        assert not is_email(text)


class TestPasswords:
    def test_takes_a_long_one_of_any_composition(self) -> None:
        assert password_faults("seven brown kettles", email="robin@waybill.example", name="Robin Field") == []

    def test_names_every_fault_at_once(self) -> None:
        assert password_faults("aaaaaaa", email="robin@waybill.example", name="Robin Field") == [
            "too_short",
            "too_uniform",
        ]

    def test_refuses_one_that_holds_the_name(self) -> None:
        assert password_faults("robin field 2026", email="r@waybill.example", name="Robin Field") == ["contains_name"]

    def test_refuses_one_without_end(self) -> None:
        assert password_faults("abcdefg" * 20, email="r@waybill.example", name="Robin Field") == ["too_long"]


class TestSteps:
    def test_a_first_step_is_fresh(self) -> None:
        assert is_fresh_step(5, None)

    def test_no_match_is_not_fresh(self) -> None:
        assert not is_fresh_step(None, None)

    @pytest.mark.parametrize(("step", "fresh"), [(4, False), (5, False), (6, True)])
    def test_only_later_steps_are_fresh(self, step: int, fresh: bool) -> None:
        assert is_fresh_step(step, 5) is fresh


class TestAddresses:
    @pytest.mark.parametrize(
        ("address", "bucket"),
        [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::"),
            ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::"),
            ("not an address", "not an address"),
        ],
    )
    def test_one_subscriber_is_one_address(self, address: str, bucket: str) -> None:
        assert address_bucket(address) == bucket


class TestAttemptLimit:
    limit = AttemptLimit(attempts=3, window_seconds=60)

    def test_tells_the_seconds_until_the_window_ends(self) -> None:
        assert self.limit.retry_after(NOON, NOON + timedelta(seconds=17)) == 43

    def test_rounds_up_so_that_coming_back_then_is_not_too_early(self) -> None:
        assert self.limit.retry_after(NOON, NOON + timedelta(seconds=17.2)) == 43

    def test_is_never_nothing(self) -> None:
        assert self.limit.retry_after(NOON, NOON + timedelta(seconds=61)) == 1


class TestKeysInTime:
    first = KeyTerm("first", NOON)
    second = KeyTerm("second", NOON + 30 * MINUTE)

    def test_the_next_key_is_published_and_does_not_sign_yet(self) -> None:
        at = NOON + 20 * MINUTE
        assert published_kids([self.first, self.second], at, LIFE) == ["first", "second"]
        assert signing_kid([self.first, self.second], at) == "first"
        assert upcoming_kid([self.first, self.second], at) == "second"

    def test_it_signs_from_its_instant_on(self) -> None:
        assert signing_kid([self.first, self.second], NOON + 30 * MINUTE) == "second"
        assert upcoming_kid([self.first, self.second], NOON + 30 * MINUTE) is None

    def test_a_retired_key_stays_until_its_last_token_has_expired(self) -> None:
        keys = [self.first, self.second]
        assert published_kids(keys, NOON + 30 * MINUTE + LIFE - timedelta(seconds=1), LIFE) == ["first", "second"]
        assert published_kids(keys, NOON + 30 * MINUTE + LIFE, LIFE) == ["second"]

    def test_a_withdrawn_key_neither_signs_nor_is_published(self) -> None:
        withdrawn = KeyTerm("first", NOON, withdrawn_at=NOON + MINUTE)
        assert signing_kid([withdrawn], NOON + 2 * MINUTE) is None
        assert published_kids([withdrawn], NOON + 2 * MINUTE, LIFE) == []

    def test_no_keys_no_signature(self) -> None:
        assert signing_kid([], NOON) is None
        assert upcoming_kid([], NOON) is None

    @given(
        st.lists(st.integers(0, 500), min_size=1, max_size=6, unique=True),
        st.integers(0, 600),
        st.integers(0, 10),
    )
    def test_whatever_was_signed_can_be_verified_while_it_lives(
        self, starts: list[int], signed_at: int, age: int
    ) -> None:
        keys = [KeyTerm(str(start), NOON + start * MINUTE) for start in starts]
        kid = signing_kid(keys, NOON + signed_at * MINUTE)
        if kid is not None:
            assert kid in published_kids(keys, NOON + (signed_at + age) * MINUTE, LIFE)
