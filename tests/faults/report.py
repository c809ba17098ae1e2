"""The table of docs/reliability.md, written by the campaigns that prove it."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.campaign import Outcome
from tests.faults.fault import Fault, every_fault

BEGIN, END = "<!-- campaign: begin -->", "<!-- campaign: end -->"
HEAD = (
    "| fault | injected | must hold | seed | rounds | done | longest to settle | held |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)
_RUN = re.compile(r"^Seed `(?P<seed>[^`]+)`: .+$", re.MULTILINE)


class NoPlace(Exception):
    """The file has no two marks between which the table would go."""


def write_report(file: Path, outcomes: Sequence[Outcome], seed: str, seconds: float) -> None:
    """A fault that was not in this campaign keeps the row of the last one that it was in, unless it is another now."""
    text = file.read_text()
    before, begin, rest = text.partition(BEGIN)
    told, end, after = rest.partition(END)
    if not (begin and end):
        raise NoPlace(f"{file} has no {BEGIN} … {END}")
    report = report_of(outcomes, seed, seconds, Told.read(told))
    file.write_text(f"{before}{BEGIN}\n{report}\n{END}{after}")


@dataclass(frozen=True, slots=True)
class Told:
    """What earlier campaigns told: each one's line by its seed, and each fault's row by its first three cells."""

    runs: dict[str, str]
    rows: dict[tuple[str, ...], str]

    @classmethod
    def read(cls, told: str) -> "Told":
        rows = [line for line in told.splitlines() if line.startswith("| ") and line not in HEAD]
        return cls(
            {found["seed"]: found[0] for found in _RUN.finditer(told)},
            {_cells(row)[:3]: row for row in rows if _seed_of(row)},
        )


def report_of(outcomes: Sequence[Outcome], seed: str, seconds: float, before: Told) -> str:
    by_fault: dict[type[Fault], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        for fault in outcome.planned.faults:
            by_fault[fault].append(outcome)
    rows = [
        _row(fault, by_fault[fault], seed) if by_fault[fault] else before.rows.get(_named(fault)) or _row(fault, [], "")
        for fault in every_fault()
    ]
    seeds = {_seed_of(row) for row in rows} - {"", seed}
    runs = [_run(outcomes, seed, seconds), *(told for each, told in before.runs.items() if each in seeds)]
    return "\n".join(["\n\n".join(runs), "", *HEAD, *rows])


def _run(outcomes: Sequence[Outcome], seed: str, seconds: float) -> str:
    kills = sum(outcome.figures["kills"] for outcome in outcomes)
    last = outcomes[-1].seen if outcomes else Counter[str]()
    return (
        f"Seed `{seed}`: {len(outcomes)} rounds in {seconds / 60:.0f} minutes, {kills:,} processes killed, "
        f"{sum(not outcome.holds for outcome in outcomes)} rounds in which something did not hold. At the end of "
        f"the last rig: {last['committed']:,} events committed, {last['published again']:,} of them published again, "
        f"{last['applied']:,} applications, each once."
    )


def _row(fault: type[Fault], outcomes: Sequence[Outcome], seed: str) -> str:
    done: Counter[str] = Counter()
    for outcome in outcomes:
        done += outcome.figures
    figures = ", ".join(f"{count:,} {what}" for what, count in sorted(done.items()))
    settled = max((outcome.settled_after_seconds for outcome in outcomes), default=0.0)
    failed = sum(not outcome.holds for outcome in outcomes)
    held = "in no campaign yet" if not outcomes else "yes" if not failed else f"no, in {failed}"
    cells = (*_named(fault), seed, str(len(outcomes)), figures, f"{settled:.1f} s", held)
    return f"| {' | '.join(cells)} |"


def _named(fault: type[Fault]) -> tuple[str, ...]:
    return str(fault.number), fault.injects, fault.holds


def _cells(row: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in row.strip("|").split("|"))


def _seed_of(row: str) -> str:
    return _cells(row)[3]
