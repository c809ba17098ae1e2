"""A loop rests as long as it says, no longer than its own limit, and is woken by what it hears of."""

from collections import Counter
from datetime import UTC, datetime
from functools import partial

import pytest

from chassis import loops, pacing
from chassis.clock import FixedClock
from chassis.loops import IDLE_SECONDS, Loop, LoopRunner
from chassis.process import runtimes_of
from chassis.service import Service
from chassis.worker import Worker
from deploy.local.postgres import ServiceDatabase
from tests.chassis import probe
from tests.kit.eventually import eventually


class Clock:
    """Ten seconds later at every look."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now

    async def step(self) -> bool:
        self.now += 10
        return False


async def rests_of(loop: Loop, monkeypatch: pytest.MonkeyPatch, looks: int = 3) -> list[float]:
    """How long it rests after each of its first looks."""
    runner, rests = LoopRunner(loop), list[float]()

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) == looks:
            runner.stop()

    monkeypatch.setattr(runner, "_rest", rest)
    await runner.run()
    return rests


@pytest.mark.parametrize("limits", [IDLE_SECONDS, (0.05, 0.25)])
async def test_a_loop_without_work_rests_within_its_limits(
    limits: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(pacing, "monotonic", clock)
    loop = Loop("example", clock.step, idle_seconds=limits)
    assert await rests_of(loop, monkeypatch) == pytest.approx([limits[1]] * 3)


@pytest.mark.parametrize("rest_seconds", [0.5, 60.0])
async def test_a_loop_that_rests_is_not_stuck_and_one_that_rests_no_more_is(
    rest_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, told = Clock(), list[bool]()
    monkeypatch.setattr(pacing, "monotonic", clock)
    monkeypatch.setattr(loops, "monotonic", clock)
    runner = LoopRunner(Loop("example", clock.step, (rest_seconds, rest_seconds)))

    async def rest(seconds: float) -> None:
        runner.stop()
        for later in (seconds, 29.0, 2.0):
            clock.now += later
            told.append(runner.is_stuck(30))

    monkeypatch.setattr(runner, "_rest", rest)
    await runner.run()
    assert told == [False, False, True]


async def test_a_loop_whose_step_fails_is_stuck_however_long_it_waits_to_try_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, told = Clock(), list[bool]()
    monkeypatch.setattr(loops, "monotonic", clock)

    async def step() -> bool:
        clock.now += 16
        raise ConnectionRefusedError

    runner = LoopRunner(Loop("example", step, (60.0, 60.0)))

    async def rest(_seconds: float) -> None:
        told.append(runner.is_stuck(30))
        if len(told) == 2:
            runner.stop()

    monkeypatch.setattr(runner, "_rest", rest)
    await runner.run()
    assert told == [False, True]


def test_a_loop_that_says_nothing_has_the_usual_limits() -> None:
    assert Loop("example", Clock().step).idle_seconds == IDLE_SECONDS


async def test_a_commit_wakes_the_loops_alone_that_hear_of_them(chassis_database: ServiceDatabase) -> None:
    looks = Counter[str]()

    def loop(name: str, *, hears_commits: bool) -> Loop:
        async def step() -> bool:
            looks[name] += 1
            return False

        return Loop(name, step, (3600, 3600), hears_commits)

    async def looked(**wanted: int) -> bool:
        return looks == wanted

    settings = probe.settings(chassis_database.url, "127.0.0.1:9")
    database = probe.database(chassis_database.url)
    # Were the deaf one woken, it would look first.
    both = (loop("deaf", hears_commits=False), loop("hearing", hears_commits=True))
    service = Service("probe", settings, FixedClock(datetime(2026, 3, 3, 1, tzinfo=UTC)), database, loops=both)
    async with Worker(service, runtimes_of(service)).running():
        await eventually(partial(looked, deaf=1, hearing=1))
        database.on_commit()
        await eventually(partial(looked, deaf=1, hearing=2))
        service.wake_loops()
        await eventually(partial(looked, deaf=2, hearing=3))
    await database.close()
