"""`python -m benchmarks [NAME] [--runs 5] [--scale 1] [--report]`: measures, keeps, and writes the page."""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.measuring import find, measure
from benchmarks.results import RESULTS
from benchmarks.stage import open_servers
from deploy.local.child import ChildFailed
from deploy.local.paths import ROOT


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    try:
        names = [] if options.report else find(options.name)
        for name in names:
            started = time.monotonic()
            with open_servers() as servers:
                asyncio.run(measure(name, servers, options.runs, options.scale, options.results))
            print(f"  {name} took {time.monotonic() - started:.0f} s", flush=True)
        report.write(options.results, options.page)
    except (LookupError, ChildFailed) as wrong:
        print(f"bench: {wrong}", file=sys.stderr)
        sys.exit(2)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("name", nargs="?", default="", help="a figure's number, a program, or how its name begins")
    parser.add_argument("--runs", type=_count, default=5, help="how often each side runs")
    parser.add_argument("--scale", type=_factor, default=1.0, help="multiplies all sizes; figures are taken with 1")
    parser.add_argument("--report", action="store_true", help="measures nothing, writes the page anew")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "performance.md")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _factor(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise ValueError
    return number


if __name__ == "__main__":
    main()
