"""Applications that tests lend each other: each has its own while it has one."""

from dataclasses import dataclass
from typing import Any

from litestar import Litestar
from litestar.datastructures import State

from tests.kit.lent import Lent


@dataclass
class Clock:
    hour: int


def build(*, clock: Clock | None, **settings: Any) -> Litestar:
    return Litestar([], openapi_config=None, state=State({"clock": clock, **settings}, deep_copy=False))


def hour_of(app: Litestar) -> int:
    hour: int = app.state.clock.hour
    return hour


def test_the_next_one_gets_the_same_with_what_is_its_own() -> None:
    applications = Lent(build)
    with applications.lend({"clock": Clock(9)}) as first:
        assert hour_of(first) == 9
    with applications.lend({"clock": Clock(10)}) as second:
        assert (second is first, hour_of(second)) == (True, 10)


def test_two_at_once_have_one_each() -> None:
    applications = Lent(build)
    with applications.lend({"clock": Clock(9)}) as first, applications.lend({"clock": Clock(10)}) as second:
        assert (hour_of(first), hour_of(second)) == (9, 10)


def test_other_settings_are_another_application() -> None:
    applications = Lent(build)
    with applications.lend({"clock": Clock(9)}, key=None) as first:
        pass
    with applications.lend({"clock": Clock(9)}, key="sk") as second, applications.lend({"clock": None}) as third:
        assert second is not first
        assert (second.state.key, third.state.clock) == ("sk", None)
