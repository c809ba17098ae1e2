"""The event path through thousands of histories with faults in them: nothing is lost, doubled, reordered or stuck."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ring.histories import how_to_repeat, story, tally
from tests.ring.plan import Command, Fault, FaultKind, Flavour, Plan, drawn

ROOT = Path(__file__).resolve().parents[2]
SEEDS_EACH = 500


@pytest.mark.parametrize("first", range(0, 3_000, SEEDS_EACH))
def test_every_history_keeps_every_promise(first: int) -> None:
    failed = tally(range(first, first + SEEDS_EACH)).failed
    assert not failed, "\n".join(f"{how_to_repeat(seed)}: {sorted(broken)}" for seed, broken in failed.items())


def test_a_seed_has_one_history_whatever_the_process() -> None:
    """Hashes of strings differ between processes: a set that is walked would show."""
    told = {
        subprocess.run(
            [sys.executable, "-m", "tests.ring", "--seed", "9"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(told) == 1
    assert "nothing broken" in told.pop()


def test_the_story_of_a_plan_names_its_commands_faults_and_verdict() -> None:
    plan = Plan(
        writers=((Command(((0, Flavour.PLAIN),)),),), faults=(Fault(FaultKind.COMMIT, 2, 1),), partitions=1, members=1
    )
    told = story(plan)
    for line in ("writer 0: k0 plain", "fault: the 2. chance of commit, variant 1", "0/0 is k0 v1", "nothing broken"):
        assert line in told


@pytest.mark.parametrize("arguments", [["--seeds", "0"], ["--jobs", "none"]])
def test_bad_arguments_are_refused(arguments: list[str]) -> None:
    asked = subprocess.run([sys.executable, "-m", "tests.ring", *arguments], cwd=ROOT, capture_output=True, check=False)
    assert asked.returncode == 2


def test_seeds_differ_in_all_that_they_choose() -> None:
    plans = [drawn(seed) for seed in range(200)]
    assert {fault.kind for plan in plans for fault in plan.faults} == set(FaultKind)
    assert {flavour for plan in plans for writer in plan.writers for c in writer for _, flavour in c.steps} == set(
        Flavour
    )
