"""Working hours as people write and read them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.forms import Fault
from services.routing.domain.written_hours import hours_of, lines_of, normal_hours

SPANS = st.tuples(st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1440)).filter(lambda span: span[1] < span[2])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Mon-Tue 7:00-18:00", [[0, 420, 1080], [1, 420, 1080]]),
        ("monday to tuesday: 7-18", [[0, 420, 1080], [1, 420, 1080]]),
        ("Mon, Wed 7am-6pm", [[0, 420, 1080], [2, 420, 1080]]),
        ("Sat-Mon 8:30–12.15", [[0, 510, 735], [5, 510, 735], [6, 510, 735]]),  # noqa: RUF001  # as a word processor has it
        ("Fri 12am-12pm, 13:00-24:00", [[4, 0, 720], [4, 780, 1440]]),
        ("Mon 7:00-12:00\nMon 12:00-15:00", [[0, 420, 900]]),
        ("  \n", None),
    ],
)
def test_reads_what_people_write(written: str, read: list[list[int]] | None) -> None:
    assert hours_of(written) == read


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("whenever", "Line 1: not days and hours, as Mon-Fri 7:00-18:00"),
        ("Mon 7:00-18:00\nTue early-late", "Line 2: not days and hours, as Mon-Fri 7:00-18:00"),
        ("Mon 7:00-18:00, 20", "Line 1: not a span of hours, as 7:00-18:00"),
        ("Fri 22:00-2:00", "Line 1: it closes before it opens: what is after midnight is the next day's"),
        ("Mon 7:00-24:01", "Line 1: a day has 24 hours, an hour 60 minutes"),
        ("Mon 7:60-8:00", "Line 1: a day has 24 hours, an hour 60 minutes"),
        ("Mon 13pm-14:00", "Line 1: an hour with am or pm is from 1 to 12"),
    ],
)
def test_names_the_line_that_is_no_hours(written: str, said: str) -> None:
    with pytest.raises(Fault, match=said) as fault:
        hours_of(written)
    assert fault.value.code == "hours_unreadable"


def test_tells_days_that_open_alike_in_one_line() -> None:
    hours = hours_of("Mon-Fri 7:00-18:00\nSat 8-12, 13-15")
    assert lines_of(hours) == ["Mon-Fri 7:00-18:00", "Sat 8:00-12:00, 13:00-15:00"]


@given(st.lists(SPANS, min_size=1, max_size=12))
def test_reads_what_it_has_told(spans: list[tuple[int, int, int]]) -> None:
    hours = normal_hours(spans)
    assert hours_of("\n".join(lines_of(hours))) == hours
    assert all(a[0] != b[0] or a[2] < b[1] for a, b in pairwise(hours))
