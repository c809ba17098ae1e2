"""`docs/performance.md` and its chart, made from what was measured and from the remarks of people.

What was not measured again stands as the page has it: the samples are this machine's, the page is everybody's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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

TAKEN = "## How they were taken"
MANY = 6
"""A claim about so many things is told by the one that is nearest to missing; all stand in a table of their own."""
_LINE = re.compile(
    r"\| (?P<number>\w+) \| (?P<title>.+?) \| (?P<ours>.+?) \| (?P<against>.+?) \| "
    r"\*\*(?P<ratio>[\d.,]+)\*\* \((?P<low>[\d.,]+) to (?P<high>[\d.,]+)\) \| (?P<target>.+?) \| (?P<verdict>.+?) \|"
)


@dataclass(frozen=True)
class Line:
    """One claim as the page tells it: both sides are their name, a colon and their median with its unit."""

    number: str
    title: str
    ours: str
    against: str
    ratio: float
    low: float
    high: float
    target: str
    verdict: str

    @property
    def subject(self) -> tuple[str, ...]:
        """What it is about, whatever was measured."""
        sides = (side.partition(":")[0] for side in (self.ours, self.against))
        return self.number, self.title, *sides, self.target, self.metric

    @property
    def metric(self) -> str:
        return self.ours.partition(": ")[2].partition(" ")[2]

    @property
    def bound(self) -> float | None:
        """Of its target; None where nothing is claimed."""
        found = re.search(r"[\d.]+", self.target)
        return float(found[0]) if found else None

    @property
    def is_floor(self) -> bool:
        return self.target.startswith("at least")

    def __str__(self) -> str:
        ratio = f"**{self.ratio:.2f}** ({self.low:.2f} to {self.high:.2f})"
        cells = [self.number, self.title, self.ours, self.against, ratio, self.target, self.verdict]
        return f"| {' | '.join(cells)} |"


def write(file: Path, page: Path) -> None:
    figures = list(results.read(file).values())
    before = page.read_text() if page.exists() else ""
    measured = [line(figure, claim) for figure in figures for claim in figure.claims]
    lines = sorted({each.subject: each for each in _with_kept(measured, before)}.values(), key=_order)
    told = list(_told_first(lines))
    page.parent.mkdir(parents=True, exist_ok=True)
    chart = page.with_suffix(".svg")
    write_chart([each for each in told if each.bound is not None], chart)
    taken = {**_taken_before(before), **{figure.title: _taken_with(figure) for figure in figures}}
    parts = [
        INTRODUCTION,
        "\n".join([HEADER, *map(str, told)]) + "\n",
        f"![Each ratio as a share of its target]({chart.name})\n",
        *_remarks_on(dict.fromkeys(each.number for each in lines), REMARKS.read_text()),
        *_tables_of_many(lines, told),
        f"{TAKEN}\n",
        *(f"- {taken[title]}" for title in dict.fromkeys(each.title for each in lines) if title in taken),
        "",
    ]
    page.write_text("\n".join(parts))


def _told_first(lines: Sequence[Line]) -> Iterator[Line]:
    """Every claim once."""
    claims: dict[tuple[str, ...], list[Line]] = {}
    for each in lines:
        claims.setdefault((each.number, each.metric, each.target), []).append(each)
    for each in lines:
        alike = claims[each.number, each.metric, each.target]
        if len(alike) < MANY or (each.bound is not None and each is max(alike, key=_share_used)):
            yield each


def _share_used(each: Line) -> float:
    """Of its target: more than one is a miss."""
    bound = each.bound or 1.0
    return bound / each.ratio if each.is_floor else each.ratio / bound


def _tables_of_many(lines: Sequence[Line], told: Sequence[Line]) -> Iterator[str]:
    rest = dict.fromkeys(each.number for each in lines if each not in told)
    for number in rest:
        yield f"## {number}, one by one\n"
        rows = sorted((each for each in lines if each.number == number), key=lambda each: each.title)
        yield "\n".join([HEADER, *map(str, rows)]) + "\n"


def _with_kept(measured: list[Line], page: str) -> Iterator[Line]:
    """Those of the page in their order, each in its newest measurement, and then what is new.

    The page tells some twice: of many that are alike, the one that is nearest to missing stands in their table too.
    """
    new = {each.subject: each for each in measured}
    told: set[tuple[str, ...]] = set()
    for found in _LINE.finditer(page):
        ratio, low, high = (float(found[name].replace(",", "")) for name in ("ratio", "low", "high"))
        number, title, ours, against = (found[name] for name in ("number", "title", "ours", "against"))
        old = Line(number, title, ours, against, ratio, low, high, found["target"], found["verdict"])
        told.add(old.subject)
        yield new.get(old.subject, old)
    yield from (each for subject, each in new.items() if subject not in told)


def _taken_before(page: str) -> Mapping[str, str]:
    """By the figure's title."""
    told = page.partition(TAKEN)[2].splitlines()
    return {re.split(r": \d+ runs of each side", each[2:])[0]: each[2:] for each in told if each.startswith("- ")}


def _order(each: Line) -> tuple[bool, int]:
    """The figures that have a target in the design, then those of growth."""
    return not each.number.startswith("P"), int(re.sub(r"\D", "", each.number) or 0)


def line(figure: FigureResult, claim: ClaimResult) -> Line:
    low, high = figure.spread(claim)
    return Line(
        number=claim.number,
        title=figure.title,
        ours=f"{claim.ours}: {_value(figure, claim.ours, claim.metric)}",
        against=f"{claim.against}: {_value(figure, claim.against, claim.metric)}",
        ratio=figure.ratio(claim),
        low=low,
        high=high,
        target=target(claim),
        verdict=_verdict(figure, claim),
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
