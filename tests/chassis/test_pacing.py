"""When to look for what nobody announces."""

import pytest

from chassis import pacing
from chassis.pacing import Pace

LEAST, MOST = 0.002, 0.1


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pacing, "monotonic", clock)
    return clock


@pytest.fixture
def pace(clock: Clock) -> Pace:
    """One that has looked once, and found nothing."""
    pace = Pace(LEAST, MOST)
    _look(pace)
    return pace


def _look(pace: Pace, *, found: bool = False, left_some: bool = False) -> float:
    with pace.look() as look:
        look.found, look.left_some = found, left_some
    return pace.wait_seconds()


def test_the_first_look_is_due_at_once(clock: Clock) -> None:
    pace = Pace(LEAST, MOST)
    assert pace.is_due
    assert pace.wait_seconds() == 0


def test_the_longer_nothing_came_the_longer_the_wait(pace: Pace, clock: Clock) -> None:
    waits = []
    for seconds in (0.0, 0.5, 0.5):
        clock.now += seconds
        waits.append(_look(pace))
    assert waits == pytest.approx([LEAST, 0.05, MOST])
    assert not pace.is_due
    clock.now += MOST
    assert pace.is_due


def test_what_came_unannounced_makes_the_next_look_soon(pace: Pace, clock: Clock) -> None:
    clock.now += 10
    assert _look(pace) == pytest.approx(MOST)
    assert _look(pace, found=True) == pytest.approx(LEAST)


def test_what_was_announced_is_looked_for_at_once_and_says_nothing_of_what_is_not(pace: Pace, clock: Clock) -> None:
    clock.now += 10
    _look(pace)
    pace.announce()
    assert pace.is_due
    assert _look(pace, found=True) == pytest.approx(MOST)


def test_what_was_left_behind_is_looked_for_at_once(pace: Pace) -> None:
    assert _look(pace, found=True, left_some=True) == 0
    assert pace.is_due


def test_what_is_announced_during_a_look_is_looked_for_again(pace: Pace) -> None:
    with pace.look() as look:
        pace.announce()
        look.found = True
    assert pace.is_due


def test_a_look_that_failed_is_due_again(pace: Pace) -> None:
    assert not pace.is_due
    with pytest.raises(OSError, match="away"), pace.look():
        raise OSError("away")
    assert pace.is_due
