"""How the pages say instants, spans and money."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chassis.clock import FixedClock
from chassis.console.wording import Wording, money, span, words

NOW = datetime(2026, 11, 22, 1, 5, tzinfo=UTC)


@pytest.fixture
def wording() -> Wording:
    return Wording(ZoneInfo("Australia/Sydney"), FixedClock(NOW))


def test_an_instant_is_told_in_the_business_zone(wording: Wording) -> None:
    assert wording.exact(NOW) == "22 Nov 2026, 12:05 pm"
    assert wording.exact(NOW - timedelta(hours=12)) == "22 Nov 2026, 12:05 am"
    assert wording.exact(None) == "–"  # noqa: RUF001


def test_a_relative_instant_carries_the_exact_one(wording: Wording) -> None:
    told = wording.ago(NOW - timedelta(hours=3))
    assert ">3 h ago<" in told
    assert ">in 3 h<" in wording.ago(NOW + timedelta(hours=3))
    assert 'title="22 Nov 2026, 9:05 am"' in told


@pytest.mark.parametrize(
    ("length", "told"),
    [
        (timedelta(seconds=59), "under 1 min"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(minutes=119), "1 h"),
        (timedelta(hours=23), "23 h"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=29), "29 days"),
        (timedelta(days=30), "1 month"),
        (timedelta(days=364), "12 months"),
        (timedelta(days=365), "1 year"),
    ],
)
def test_a_span_has_the_largest_unit_that_fits(length: timedelta, told: str) -> None:
    assert span(length) == told


@pytest.mark.parametrize(
    ("cents", "told"),
    [(0, "–"), (None, "–"), (5, "$0.05"), (123_456_789, "$1,234,567.89"), (-9_500, "−$95.00")],  # noqa: RUF001
)
def test_money_has_two_decimals_a_true_minus_and_a_dash_for_nothing(cents: int | None, told: str) -> None:
    assert money(cents) == told


def test_a_word_of_the_api_becomes_a_sentences() -> None:
    assert words("no_eligible_installer") == "No eligible installer"
