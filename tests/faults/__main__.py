"""`python -m tests.faults [--rounds N | --kills N] [--seed S] [--only 14] [--form campaign] [--report FILE]`."""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from secrets import randbelow
from time import monotonic

from tests.faults.campaign import Outcome, Planned, plan, play_all
from tests.faults.fault import SCALES, Fault, chance_of, every_fault
from tests.faults.fault_14_killed_anywhere import KilledAnywhere
from tests.faults.report import write_report

MOST_ROUNDS = 10_000
PAIRS_PER_FAULT = 0.5
DENSE_ROUNDS = 12

Set = tuple[type[Fault], ...]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    try:
        sets = chosen(options.only, options.seed, kills_only=options.kills is not None)
    except LookupError as wrong:
        print(f"faults: {wrong.args[0]}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    # What the libraries of the reader say of servers that are away is no news here.
    logging.disable()
    rounds = MOST_ROUNDS if options.kills is not None else options.rounds
    began = monotonic()
    planned = plan(options.seed, rounds, sets)
    outcomes = asyncio.run(_play(planned, options))
    if options.report:
        write_report(options.report, outcomes, options.seed, monotonic() - began)
    _tell(_summary(outcomes, monotonic() - began))
    sys.exit(0 if all(outcome.holds for outcome in outcomes) else 1)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--rounds", type=_positive, default=10)
    parser.add_argument("--kills", type=_positive, help="rounds of what kills, until so many processes were killed")
    parser.add_argument("--seed", default=str(randbelow(10**6)), help="every choice comes from it")
    parser.add_argument("--only", default="", help="14 or a name; 3,14 is either, 3+14 both at once")
    parser.add_argument("--form", choices=sorted(SCALES), default="campaign")
    parser.add_argument("--report", type=Path, help="a file whose table of faults is written anew")
    parser.add_argument("--logs", type=Path, help="where the programs' output goes; else a temporary directory")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than one")
    return number


def chosen(only: str, seed: str, *, kills_only: bool) -> list[Set]:
    """The sets of faults that rounds are made of; raises LookupError for a name that no fault has."""
    if only:
        return [one for word in only.split(",") for one in _named(word)]
    if kills_only:
        # Most rounds are of the one fault that kills all kinds of process at once.
        killing: list[Set] = [(fault,) for fault in every_fault() if fault.kills]
        return killing + [(KilledAnywhere,)] * DENSE_ROUNDS
    faults = every_fault()
    return [(fault,) for fault in faults] + _pairs(faults, chance_of(f"{seed}/pairs"))


def _named(word: str) -> list[Set]:
    """`3+14`: every way to take one fault of each."""
    sets: list[Set] = [()]
    for part in word.split("+"):
        found = [fault for fault in every_fault() if part.strip() in (str(fault.number), fault.__name__)]
        if not found:
            raise LookupError(f"no fault is called {part.strip()!r}")
        sets = [(*before, fault) for before in sets for fault in found]
    return sets


def _pairs(faults: Sequence[type[Fault]], chance: Random) -> list[Set]:
    """Faults that may go on at once, on the same servers."""
    free = [fault for fault in faults if not fault.is_alone and not fault.counts_repeats]
    possible = [
        (first, second)
        for place, first in enumerate(free)
        for second in free[place + 1 :]
        if first.needs_cluster is second.needs_cluster
    ]
    return [*chance.sample(possible, k=min(len(possible), int(len(free) * PAIRS_PER_FAULT)))]


async def _play(planned: Sequence[Planned], options: argparse.Namespace) -> list[Outcome]:
    with tempfile.TemporaryDirectory(prefix="waybill-faults-") as room:
        directory = options.logs or Path(room)
        directory.mkdir(parents=True, exist_ok=True)
        _tell(f"seed {options.seed}, form {options.form}; logs in {directory / 'logs'}")
        return await play_all(planned, directory, SCALES[options.form], _tell, lambda so_far: _enough(so_far, options))


def _enough(outcomes: list[Outcome], options: argparse.Namespace) -> bool:
    if options.kills is None:
        return False
    return sum(outcome.figures["kills"] for outcome in outcomes) >= int(options.kills)


def _summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    kills = sum(outcome.figures["kills"] for outcome in outcomes)
    failed = [outcome for outcome in outcomes if not outcome.holds]
    again = "".join(f"\n  {outcome.again}" for outcome in failed)
    return f"{len(outcomes)} rounds, {kills} kills, {len(failed)} do not hold, {seconds / 60:.1f} minutes{again}"


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    # A proxy of the machine's own has no business between us and 127.0.0.1.
    os.environ["NO_PROXY"] = "*"
    main()
