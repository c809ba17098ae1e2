"""`docs/performance.md` and its chart, made from what was measured and from the remarks of people."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks import results
from benchmarks.chart import write_chart
from benchmarks.measuring import shown, target
from benchmarks.results import ClaimResult, FigureResult

REMARKS = Path(__file__).with_name("remarks.md")
INTRODUCTION = """\
# Performance

Made by `make bench` from what was measured and from `benchmarks/remarks.md`; edit the remarks, not this page.

Only the ratios travel to other machines: every figure has floors and rivals measured beside ours in the same run, in
turn. A ratio is that of the medians; behind it are the lowest and the highest ratio of two runs that stood next to
each other. Floors and rivals are programs of `benchmarks/`; `make bench` measures all again, `make bench NAME=P5` one.
"""
HEADER = "| figure | what | ours | against | ratio | target | reached |\n| --- | --- | --- | --- | --- | --- | --- |"

Row = tuple[FigureResult, ClaimResult]


def write(file: Path, page: Path) -> None:
    figures = list(results.read(file).values())
    rows = sorted(((figure, claim) for figure in figures for claim in figure.claims), key=_order)
    page.parent.mkdir(parents=True, exist_ok=True)
    chart = page.with_suffix(".svg")
    write_chart([row for row in rows if target(row[1]) != "no target"], chart)
    parts = [
        INTRODUCTION,
        "\n".join([HEADER, *(row(*each) for each in rows)]) + "\n",
        f"![Each ratio as a share of its target]({chart.name})\n",
        *_remarks_on(dict.fromkeys(claim.number for _, claim in rows), REMARKS.read_text()),
        "## How they were taken\n",
        *(f"- {_taken_with(figure)}" for figure in {figure.name: figure for figure, _ in rows}.values()),
        "",
    ]
    page.write_text("\n".join(parts))


def _order(row: Row) -> tuple[bool, int, str]:
    """The figures that have a target in the design, then those of growth."""
    number = re.sub(r"\D", "", row[1].number)
    return not row[1].number.startswith("P"), int(number or 0), row[0].measured_at


def row(figure: FigureResult, claim: ClaimResult) -> str:
    low, high = figure.spread(claim)
    return " | ".join(
        [
            f"| {claim.number}",
            figure.title,
            f"{claim.ours}: {_value(figure, claim.ours, claim.metric)}",
            f"{claim.against}: {_value(figure, claim.against, claim.metric)}",
            f"**{figure.ratio(claim):.2f}** ({low:.2f} to {high:.2f})",
            target(claim),
            f"{_verdict(figure, claim)} |",
        ]
    )


def _value(figure: FigureResult, side: str, metric: str) -> str:
    return f"{shown(figure.median(side, metric))} {metric}"


def _verdict(figure: FigureResult, claim: ClaimResult) -> str:
    verdict = {True: "yes", False: "**no**", None: "shown"}[figure.is_reached(claim)]
    return verdict if figure.scale == 1 else f"{verdict}, at {figure.scale:g} of its size"


def _taken_with(figure: FigureResult) -> str:
    sizes = ", ".join(f"{name} {shown(amount).removesuffix('.00')}" for name, amount in figure.sizes.items())
    runs = len(next(iter(figure.samples.values())))
    libraries = ", ".join(f"{name} {version}" for name, version in {**figure.servers, **figure.versions}.items())
    return (
        f"{figure.title}: {runs} runs of each side, {sizes}; {figure.measured_at}, commit {figure.commit},"
        f" `benchmarks/programs/{figure.program}.py` on {figure.machine} (load before it {figure.load_before:.2f});"
        f" {libraries}."
    )


def _remarks_on(numbers: Iterable[str], text: str) -> Iterator[str]:
    """Sections by their headings; what stands before the first is for the reader of the remarks alone."""
    _, *sections = re.split(r"^## +", text, flags=re.MULTILINE)
    remarks = {title.strip(): body.strip() for title, _, body in (section.partition("\n") for section in sections)}
    for number in numbers:
        if remarks.get(number):
            yield f"## {number}\n\n{remarks[number]}\n"
