"""Forms are read as strictly as JSON."""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import Field

from chassis.console.fields import Dollars, Moment, instant_of, moment_of
from chassis.http.endpoints import unbounded
from chassis.http.forms import Form, MalformedForm, fields_of, read_form

ONE, OTHER = UUID(int=1), UUID(int=2)


class Sample(Form):
    note: Annotated[str, Field(max_length=10)] | None = None
    ids: Annotated[list[UUID], Field(max_length=3)] = []
    is_urgent: bool = False


def read(raw: bytes) -> Sample:
    found = read_form(Sample, fields_of(raw))
    assert isinstance(found, Sample), found
    return found


def test_fields_become_values_of_their_kinds() -> None:
    sent = read(f"note=caf%C3%A9+1&ids={ONE}&ids={OTHER}&is_urgent=true&csrf=x".encode())
    assert (sent.note, sent.ids, sent.is_urgent, sent.csrf) == ("café 1", [ONE, OTHER], True, "x")


def test_an_empty_field_counts_as_not_sent() -> None:
    assert read(b"note=&is_urgent=").note is None


class Price(Form):
    cents: Dollars
    more_cents: Annotated[Dollars, Field(gt=0)] | None = None


def test_dollars_are_held_in_cents_within_bounds_that_the_edge_sees() -> None:
    price = read_form(Price, fields_of(b"cents=%241%2C250.5&more_cents=0.01"))
    assert isinstance(price, Price)
    assert (price.cents, price.more_cents) == (125_050, 1)
    assert list(unbounded(Price.model_json_schema(), "Price")) == []


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("0.001", "amount_invalid"),
        ("NaN", "amount_invalid"),
        ("ten", "amount_invalid"),
        ("10000000000.01", "less_than_equal"),
        # One is more digits than can be held, the other more than can be written out in a minute.
        ("9e999999", "amount_invalid"),
        ("1e999000", "amount_invalid"),
    ],
)
def test_what_is_no_amount_is_named(typed: str, code: str) -> None:
    found = read_form(Price, fields_of(f"cents={typed}".encode()))
    assert isinstance(found, list)
    assert [(fault.field, fault.code) for fault in found] == [("cents", code)]


SYDNEY = ZoneInfo("Australia/Sydney")


class Call(Form):
    at: Moment


@pytest.mark.parametrize(
    ("typed", "instant"),
    [
        ("2026-03-31T14:05", "2026-03-31T03:05:00+00:00"),
        ("2026-07-01T09:00:30", "2026-06-30T23:00:30+00:00"),
        # Clocks go back at 3 on 5 April 2026: half past two comes twice, and the first is meant.
        ("2026-04-05T02:30", "2026-04-04T15:30:00+00:00"),
        # On 4 October they leap from 2 to 3: half past two is half past three.
        ("2026-10-04T02:30", "2026-10-03T16:30:00+00:00"),
    ],
)
def test_a_moment_is_read_in_the_business_zone(typed: str, instant: str) -> None:
    call = read_form(Call, fields_of(f"at={quote(typed)}".encode()))
    assert isinstance(call, Call)
    assert instant_of(call.at, SYDNEY).isoformat() == instant
    assert Call.model_validate(call.model_dump(mode="json")) == call


@pytest.mark.parametrize(
    "typed", ["2026-03-31", "1", "2026-03-31T25:00", "2026-03-31T14:05Z", "1969-12-31T23:59", "soon"]
)
def test_what_is_no_moment_is_named(typed: str) -> None:
    found = read_form(Call, fields_of(f"at={quote(typed)}".encode()))
    assert isinstance(found, list)
    assert [fault.code for fault in found] == ["moment_invalid"]


def test_a_moment_is_shown_again_as_the_zone_has_it() -> None:
    assert moment_of(datetime(2026, 3, 31, 3, 5, 59, tzinfo=UTC), SYDNEY) == "2026-03-31T14:05"
    assert moment_of(None, SYDNEY) == ""


def test_lines_end_as_they_were_typed() -> None:
    assert read(b"note=a%0D%0Ab").note == "a\nb"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"note=12345678901", "string_too_long"),
        (b"ids=none", "uuid_parsing"),
        (b"unknown=1", "extra_forbidden"),
        (b"note=%00", "string_unsayable"),
    ],
)
def test_every_fault_is_named(raw: bytes, code: str) -> None:
    found = read_form(Sample, fields_of(raw))
    assert isinstance(found, list)
    assert [fault.code for fault in found] == [code]


@pytest.mark.parametrize("raw", [b"note=%FF", "note=é".encode(), b"&".join([b"a=1"] * 3_000)])
def test_what_is_no_form_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedForm):
        fields_of(raw)
