"""A loop rests as long as it says, and no longer than its own limit."""

import pytest

from chassis import pacing
from chassis.loops import IDLE_SECONDS, Loop, LoopRunner


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


def test_a_loop_that_says_nothing_has_the_usual_limits() -> None:
    assert Loop("example", Clock().step).idle_seconds == IDLE_SECONDS
