"""A source's minute, given out in leases to processes that share nothing but the server's clock."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import Bucket

MINUTE = 60.0


@dataclass
class Server:
    """What the database keeps of a source: its newest minute, and what was asked for of it."""

    limit: int
    minute: float = -1.0
    asked: int = 0

    def lease(self, number: int, now: float) -> tuple[int, float]:
        minute = max(self.minute, now // MINUTE)
        before = self.asked if minute == self.minute else 0
        self.minute, self.asked = minute, before + number
        return max(0, min(number, self.limit - before)), (minute + 1) * MINUTE - now


@dataclass
class Process:
    """As one asks: the answer of a lease takes `delay_seconds` to come. Its clock is as far ahead as it likes."""

    server: Server
    bucket: Bucket
    ahead: float = 0.0

    def admit(self, now: float, delay_seconds: float = 0.0) -> tuple[float, float | None]:
        """When it was decided, by the server's clock, and the seconds to wait; None where one was let in."""
        wait = self.bucket.take(now + self.ahead)
        if wait == 0:
            leased, left = self.server.lease(self.bucket.lease, now + delay_seconds / 2)
            self.bucket.fill(leased, now + self.ahead, left)
            now += delay_seconds
            wait = self.bucket.take(now + self.ahead)
        return now, wait


@given(
    limit=st.integers(1, 300),
    steps=st.lists(st.tuples(st.integers(0, 3), st.floats(0, 20), st.floats(0, 2), st.integers(1, 60)), max_size=40),
)
def test_no_minute_lets_in_more_than_its_limit(limit: int, steps: list[tuple[int, float, float, int]]) -> None:
    server = Server(limit)
    processes = [Process(server, Bucket(limit), ahead) for ahead in (0.0, 7.5, 1_000.25, 59.0)]
    now, admitted = 0.0, dict[float, int]()
    for who, pause, delay_seconds, leads in steps:
        now += pause
        for _ in range(leads):
            now, wait = processes[who].admit(now, delay_seconds)
            if wait is None:
                admitted[now // MINUTE] = admitted.get(now // MINUTE, 0) + 1
    assert all(number <= limit for number in admitted.values())


@given(limit=st.integers(1, 1_000))
def test_one_process_alone_gets_all_of_a_minute(limit: int) -> None:
    process = Process(Server(limit), Bucket(limit))
    assert sum(process.admit(1.0)[1] is None for _ in range(limit + 10)) == limit


def test_who_is_refused_is_told_how_long_the_minute_lasts() -> None:
    process = Process(Server(1), Bucket(1))
    assert [process.admit(now)[1] for now in (12.0, 12.0, 59.0, 60.0)] == [None, 48.0, 1.0, None]


def test_what_is_left_of_a_minute_is_not_carried_into_the_next() -> None:
    bucket = Bucket(100)
    bucket.fill(2, 50.0, 5.0)
    assert bucket.take(54.0) is None
    assert bucket.take(55.0) == 0
