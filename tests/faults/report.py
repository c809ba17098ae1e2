"""The table of docs/reliability.md, written by the campaign that proves it."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from tests.faults.campaign import Outcome
from tests.faults.fault import Fault, every_fault

BEGIN, END = "<!-- campaign: begin -->", "<!-- campaign: end -->"


class NoPlace(Exception):
    """The file has no two marks between which the table would go."""


def write_report(file: Path, outcomes: Sequence[Outcome], seed: str, seconds: float) -> None:
    text = file.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise NoPlace(f"{file} has no {BEGIN} … {END}")
    file.write_text(f"{before}{BEGIN}\n{report_of(outcomes, seed, seconds)}\n{END}{after}")


def report_of(outcomes: Sequence[Outcome], seed: str, seconds: float) -> str:
    by_fault: dict[type[Fault], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        for fault in outcome.planned.faults:
            by_fault[fault].append(outcome)
    kills = sum(outcome.figures["kills"] for outcome in outcomes)
    last = outcomes[-1].seen if outcomes else Counter[str]()
    lines = [
        f"Seed `{seed}`: {len(outcomes)} rounds in {seconds / 60:.0f} minutes, {kills:,} processes killed, "
        f"{sum(not outcome.holds for outcome in outcomes)} rounds in which something did not hold. At the end of "
        f"the last rig: {last['committed']:,} events committed, {last['published again']:,} of them published again, "
        f"{last['applied']:,} applications, each once.",
        "",
        "| fault | injected | must hold | rounds | done | longest to settle | held |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*lines, *(_line(fault, by_fault[fault]) for fault in every_fault())])


def _line(fault: type[Fault], outcomes: Sequence[Outcome]) -> str:
    done: Counter[str] = Counter()
    for outcome in outcomes:
        done += outcome.figures
    figures = ", ".join(f"{count:,} {what}" for what, count in sorted(done.items()))
    settled = max((outcome.settled_after_seconds for outcome in outcomes), default=0.0)
    failed = sum(not outcome.holds for outcome in outcomes)
    held = "not in this run" if not outcomes else "yes" if not failed else f"no, in {failed}"
    cells = (str(fault.number), fault.injects, fault.holds, str(len(outcomes)), figures, f"{settled:.1f} s", held)
    return f"| {' | '.join(cells)} |"
