"""Instants as callers write them: with an offset, within the calendar, and in UTC afterwards."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from chassis.http import AwareInstant

ADAPTER: TypeAdapter[datetime] = TypeAdapter(AwareInstant)


def test_what_comes_out_is_in_utc() -> None:
    assert ADAPTER.validate_python("2026-03-03T13:15:04+11:00") == datetime(2026, 3, 3, 2, 15, 4, tzinfo=UTC)
    assert ADAPTER.validate_json('"2026-03-03T13:15:04+11:00"').tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-03-03T02:15:04", "timezone_aware"),
        ("1772504104", "datetime_parsing"),
        ("tomorrow", "datetime_parsing"),
        ("1969-12-31T23:59:59Z", "instant_out_of_range"),
        ("2200-01-01T00:00:00Z", "instant_out_of_range"),
        # Neither has an instant in UTC that the calendar holds.
        ("0001-01-01T00:00:00+14:00", "instant_out_of_range"),
        ("9999-12-31T23:59:59-12:00", "instant_out_of_range"),
    ],
)
def test_what_is_no_instant_of_ours_is_told(text: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ADAPTER.validate_python(text)
    assert [fault["type"] for fault in refused.value.errors()] == [code]


def test_the_first_and_the_last_are_within() -> None:
    for text in ("1970-01-01T00:00:00Z", "2199-12-31T23:59:59Z"):
        assert ADAPTER.validate_python(text) == datetime.fromisoformat(text)
