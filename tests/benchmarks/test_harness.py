"""The harness: what it finds, keeps and says. Its own numbers are made up; programs are tried in test_programs.py."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import report, results
from benchmarks.figure import Claim, Figure, Sample, Side, percentile
from benchmarks.measuring import alternate, find
from benchmarks.results import ClaimResult, FigureResult

CLAIM = ClaimResult("P3", "events/s", "relay", "floor", at_least=0.75, at_most=None)
RESULT = FigureResult(
    name="drain",
    title="A burst is drained",
    program="relay_drain",
    sizes={"events": 100_000},
    scale=1,
    samples={
        "relay": [{"events/s": 80.0}, {"events/s": 60.0}, {"events/s": 90.0}],
        "floor": [{"events/s": 100.0}, {"events/s": 100.0}, {"events/s": 90.0}],
    },
    claims=[CLAIM],
    measured_at="2026-11-21T10:00:00+00:00",
    commit="abc",
    machine="a machine",
    load_before=0.1,
    servers={"Kafka": "4.3.0"},
    versions={"Python": "3.11"},
)


def side(name: str, log: list[str]) -> Side:
    async def run() -> Sample:
        log.append(name)
        return {"events/s": float(len(log))}

    return Side(name, run)


class TestRunning:
    async def test_the_sides_take_turns(self) -> None:
        log: list[str] = []
        figure = Figure("f", "F", [side("A", log), side("B", log)], [], {})
        samples = await alternate(figure, 3)
        assert log == ["A", "B"] * 3
        assert [sample["events/s"] for sample in samples["B"]] == [2, 4, 6]

    def test_a_claim_of_a_side_that_is_not_measured_is_refused(self) -> None:
        with pytest.raises(ValueError, match="missing"):
            Figure("f", "F", [side("A", [])], [Claim("P1", "events/s", "A", "missing")], {})

    @pytest.mark.parametrize(("percent", "expected"), [(50, 3), (99, 5), (0, 1), (20, 1), (21, 2)])
    def test_a_percentile_is_one_of_the_latencies(self, percent: float, expected: float) -> None:
        assert percentile([5, 3, 1, 4, 2], percent) == expected

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [("relay_wake_up", ["relay_wake_up"]), ("p5", ["relay_wake_up"]), ("P14", ["consumer_restart"])],
    )
    def test_finds_a_program_by_its_name_and_by_a_figure(self, wanted: str, found: list[str]) -> None:
        assert find(wanted) == found

    def test_finds_all_that_begin_so_and_all_there_are(self) -> None:
        assert {name.partition("_")[0] for name in find("relay")} == {"relay"}
        assert set(find("relay")) < set(find(""))

    @pytest.mark.parametrize("wanted", ["nothing_of_this_name", "P999"])
    def test_says_what_there_is_where_nothing_is_called_so(self, wanted: str) -> None:
        with pytest.raises(LookupError, match="there are"):
            find(wanted)


class TestResults:
    def test_the_ratio_is_that_of_the_medians_and_the_spread_that_of_neighbours(self) -> None:
        assert RESULT.ratio(CLAIM) == 0.8
        assert RESULT.spread(CLAIM) == (0.6, 1.0)

    @pytest.mark.parametrize(
        ("at_least", "at_most", "reached"),
        [(0.8, None, True), (0.81, None, False), (None, 0.8, True), (None, 0.79, False), (None, None, None)],
    )
    def test_a_target_is_a_floor_or_a_roof(
        self, at_least: float | None, at_most: float | None, reached: bool | None
    ) -> None:
        assert RESULT.is_reached(replace(CLAIM, at_least=at_least, at_most=at_most)) is reached

    def test_a_figure_measured_again_takes_its_own_place_and_no_other(self, tmp_path: Path) -> None:
        file = tmp_path / "var" / "bench.json"
        results.merge(RESULT, file)
        results.merge(replace(RESULT, name="other", machine="another machine"), file)
        results.merge(replace(RESULT, commit="def"), file)
        kept = results.read(file)
        assert {name: (figure.commit, figure.machine) for name, figure in kept.items()} == {
            "drain": ("def", "a machine"),
            "other": ("abc", "another machine"),
        }
        assert json.loads(file.read_text())["figures"]["drain"]["samples"]["floor"][2] == {"events/s": 90.0}


class TestPage:
    def test_says_ours_against_ratio_spread_target_and_whether_it_is_reached(self) -> None:
        row = str(report.line(RESULT, CLAIM))
        said = [cell.strip() for cell in row.strip("|").split("|")]
        assert said == [
            "P3",
            "A burst is drained",
            "relay: 80.00 events/s",
            "floor: 100 events/s",
            "**0.80** (0.60 to 1.00)",
            "at least 0.75",
            "yes",
        ]

    @pytest.mark.parametrize(
        ("scale", "bound", "verdict"),
        [(1, 0.75, "yes"), (1, 0.9, "**no**"), (0.01, 0.75, "yes, at 0.01 of its size")],
    )
    def test_does_not_pass_a_small_run_off_as_a_figure(self, scale: float, bound: float, verdict: str) -> None:
        assert str(report.line(replace(RESULT, scale=scale), replace(CLAIM, at_least=bound))).endswith(f"| {verdict} |")

    @pytest.mark.rivals
    def test_holds_the_remarks_of_the_figures_it_shows(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        remarks = tmp_path / "remarks.md"
        remarks.write_text("# For the writer\n\n## P3\n\nA remark.\n\n## P4\n\nAnother.\n")
        monkeypatch.setattr(report, "REMARKS", remarks)
        pages = [self.written(tmp_path / name) for name in ("once", "again")]
        assert "## P3\n\nA remark.\n" in pages[0][0]
        assert "Another" not in pages[0][0]
        assert pages[0] == pages[1], "the same results make the same page and the same chart"

    @pytest.mark.rivals
    def test_keeps_what_was_not_measured_again(self, tmp_path: Path) -> None:
        page = tmp_path / "performance.md"
        other = replace(RESULT, name="other", title="Another burst")
        for name, result in (
            ("first.json", other),
            ("second.json", RESULT),
            ("third.json", replace(other, commit="def")),
        ):
            results.merge(result, tmp_path / name)
            report.write(tmp_path / name, page)
        lines = [each for each in page.read_text().splitlines() if each.startswith("| P3")]
        assert [each.split(" | ")[1] for each in lines] == ["Another burst", "A burst is drained"]
        taken = page.read_text().partition(report.TAKEN)[2]
        assert ("commit def" in taken, "commit abc" in taken) == (True, True)

    @pytest.mark.rivals
    def test_tells_a_claim_about_many_things_by_the_one_nearest_to_missing(self, tmp_path: Path) -> None:
        page = tmp_path / "performance.md"
        for number in range(report.MANY):
            slower = {"relay": [{"events/s": 80.0 - number}] * 3, "floor": [{"events/s": 100.0}] * 3}
            result = replace(RESULT, name=f"room {number}", title=f"Room {number}", samples=slower)
            results.merge(result, tmp_path / "bench.json")
        for _ in range(2):
            report.write(tmp_path / "bench.json", page)
            first, _, rest = page.read_text().partition("## P3, one by one")
            assert [each.split(" | ")[1] for each in first.splitlines() if each.startswith("| P3")] == ["Room 5"]
            assert [each.split(" | ")[1] for each in rest.splitlines() if each.startswith("| P3")] == [
                f"Room {number}" for number in range(report.MANY)
            ]

    @pytest.mark.rivals
    def test_tells_what_is_told_twice_anew_in_both_places(self, tmp_path: Path) -> None:
        page = tmp_path / "performance.md"
        for slow in (40.0, 50.0):
            for number in range(report.MANY):
                ours = slow if number == 0 else 80.0
                samples = {"relay": [{"events/s": ours}] * 3, "floor": [{"events/s": 100.0}] * 3}
                result = replace(RESULT, name=f"room {number}", title=f"Room {number}", samples=samples)
                results.merge(result, tmp_path / "bench.json")
            report.write(tmp_path / "bench.json", page)
        assert [
            each.split("**")[1] for each in page.read_text().splitlines() if each.startswith("| P3 | Room 0 |")
        ] == [
            "0.50",
            "0.50",
        ]

    def written(self, directory: Path) -> Sequence[str]:
        results.merge(RESULT, directory / "bench.json")
        report.write(directory / "bench.json", directory / "performance.md")
        return [(directory / name).read_text() for name in ("performance.md", "performance.svg")]
