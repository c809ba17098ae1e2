"""`python -m tests.ring`: many histories over all cores, or one with its trace."""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.ring.histories import Tally, history_of, how_to_repeat, story, tally
from tests.ring.plan import drawn

CHUNK = 1_000
SHOWN = 10


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.ring")
    parser.add_argument("--seeds", type=_positive, default=10_000, help="how many histories")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first of them")
    parser.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--seed", type=int, help="tell the history of this one instead")
    options = parser.parse_args()
    if options.seed is not None:
        _say(story(drawn(options.seed)))
        return 1 if history_of(drawn(options.seed)).violations else 0
    return _run_all(options.first, options.seeds, options.jobs)


def _run_all(first: int, seeds: int, jobs: int) -> int:
    started = time.monotonic()
    total = Tally()
    with ProcessPoolExecutor(jobs) as pool:
        for part in pool.map(tally, _chunks(first, seeds)):
            total.add(part)
    for seed, broken in sorted(total.failed.items())[:SHOWN]:
        _say(f"seed {seed}: {'; '.join(sorted(broken))}\n  {how_to_repeat(seed)}")
    _say(
        f"{total.seeds} histories of {total.steps // total.seeds} steps: {len(total.failed)} failed; "
        f"{total.seeds_a_minute:,.0f} a minute on one core, {time.monotonic() - started:.0f} s with {jobs} processes"
    )
    return 1 if total.failed else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _chunks(first: int, seeds: int) -> Iterator[range]:
    for start in range(first, first + seeds, CHUNK):
        yield range(start, min(start + CHUNK, first + seeds))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
