"""How each ratio stands to its target, as bars: right of the line is reached."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.results import ClaimResult, FigureResult

REACHED, MISSED, INK = "#2a7f62", "#b5483a", "#57606a"
BAR_INCHES = 0.34


def write_chart(rows: Sequence[tuple[FigureResult, ClaimResult]], file: Path) -> None:
    """The same bytes for the same figures: the page is committed, and a change of it should mean something."""
    import matplotlib as mpl  # noqa: PLC0415  # only who draws needs it

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "waybill", "svg.fonttype": "none", "font.size": 9, "text.color": INK})
    from matplotlib.figure import Figure as Canvas  # noqa: PLC0415  # after the backend was chosen

    canvas = Canvas(figsize=(9, 1 + BAR_INCHES * max(1, len(rows))), layout="constrained")
    axes = canvas.subplots()
    shares = [_shares(*row) for row in rows]
    places = range(len(rows))
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
    axes.set_yticks(places, [_label(*row) for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("share of the target: right of the line is better", color=INK)
    axes.tick_params(colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    canvas.savefig(file, format="svg", transparent=True, metadata={"Date": None})


def _shares(figure: FigureResult, claim: ClaimResult) -> tuple[float, float, float]:
    """Of the ratio, its lowest and its highest pair; more than 1 is better, whether the target is a floor or a roof."""
    ratio, (low, high) = figure.ratio(claim), figure.spread(claim)
    if claim.at_least is not None:
        return ratio / claim.at_least, low / claim.at_least, high / claim.at_least
    bound = claim.at_most or 1.0
    return bound / ratio, bound / high, bound / low


def _label(figure: FigureResult, claim: ClaimResult) -> str:
    bound = f"≥ {claim.at_least:g}" if claim.at_least is not None else f"≤ {claim.at_most:g}"
    return f"{claim.number}  {figure.title}\n{claim.metric} / {claim.against}: {figure.ratio(claim):.2f} ({bound})"
