"""How each ratio stands to its target, as bars: right of the line is reached."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.report import Line

REACHED, MISSED, INK = "#2a7f62", "#b5483a", "#57606a"
BAR_INCHES = 0.34


def write_chart(lines: "Sequence[Line]", file: Path) -> None:
    """The same bytes for the same figures: the page is committed, and a change of it should mean something."""
    import matplotlib as mpl  # noqa: PLC0415  # only who draws needs it

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "waybill", "svg.fonttype": "none", "font.size": 9, "text.color": INK})
    from matplotlib.figure import Figure as Canvas  # noqa: PLC0415  # after the backend was chosen

    canvas = Canvas(figsize=(9, 1 + BAR_INCHES * max(1, len(lines))), layout="constrained")
    axes = canvas.subplots()
    shares = [_shares(line) for line in lines]
    places = range(len(lines))
    middle = [share for share, _, _ in shares]
    errors = [
        [max(0.0, share - low) for share, low, _ in shares],
        [max(0.0, high - share) for share, _, high in shares],
    ]
    colours = [REACHED if share >= 1 else MISSED for share in middle]
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:g}")
    # From the target outwards: twice as good is as long as half as good.
    axes.barh(places, [share - 1 for share in middle], left=1, color=colours, height=0.6)
    axes.errorbar(middle, places, xerr=errors, fmt="none", ecolor=INK, capsize=2, linewidth=1)
    axes.axvline(1, color=INK, linewidth=1)
    axes.set_yticks(places, [_label(line) for line in lines])
    axes.invert_yaxis()
    axes.set_xlabel("share of the target: right of the line is better", color=INK)
    axes.tick_params(colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    canvas.savefig(file, format="svg", transparent=True, metadata={"Date": None})


def _shares(line: "Line") -> tuple[float, float, float]:
    """Of the ratio, its lowest and its highest pair; more than 1 is better, whether the target is a floor or a roof."""
    bound = line.bound or 1.0
    if line.is_floor:
        return line.ratio / bound, line.low / bound, line.high / bound
    return bound / line.ratio, bound / line.high, bound / line.low


def _label(line: "Line") -> str:
    sign = "≥" if line.is_floor else "≤"
    against = line.against.partition(":")[0]
    return f"{line.number}  {line.title}\n{line.metric} / {against}: {line.ratio:.2f} ({sign} {line.bound:g})"
