"""The table of faults: what one campaign proved stays until another one proves it again, or the fault is another."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.campaign import Outcome, Planned
from tests.faults.fault import Fault, every_fault
from tests.faults.report import BEGIN, END, NoPlace, write_report

FIRST, SECOND, *OTHERS = every_fault()


def held(*faults: type[Fault], **figures: int) -> Outcome:
    return Outcome(Planned("7", faults), figures=Counter(figures))


def broken(fault: type[Fault]) -> Outcome:
    return Outcome(Planned("7", (fault,)), failures=["I1: two events of one fact"])


@pytest.fixture
def page(tmp_path: Path) -> Path:
    page = tmp_path / "reliability.md"
    page.write_text(f"# Before\n{BEGIN}\n{END}\nAfter\n")
    return page


def write(page: Path, seed: str, outcomes: Sequence[Outcome]) -> list[str]:
    """The rows, in the order of the faults."""
    write_report(page, outcomes, seed, 60)
    text = page.read_text()
    assert text.startswith(f"# Before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nAfter\n")
    return [line for line in text.splitlines() if line.startswith("| ")][2:]


def test_each_fault_has_its_row(page: Path) -> None:
    rows = write(page, "7", [held(FIRST, kills=3), broken(SECOND)])
    assert len(rows) == len(every_fault())
    assert rows[0].endswith("| 7 | 1 | 3 kills | 0.0 s | yes |")
    assert rows[1].endswith("| 7 | 1 |  | 0.0 s | no, in 1 |")
    assert {row.rpartition(" | ")[2] for row in rows[2:]} == {"in no campaign yet |"}


def test_what_is_not_in_a_campaign_keeps_what_the_last_one_told(page: Path) -> None:
    first, *_ = write(page, "7", [held(FIRST, kills=3)])
    rows = write(page, "8", [held(SECOND, kills=1)])
    assert rows[0] == first
    assert rows[1].endswith("| 8 | 1 | 1 kills | 0.0 s | yes |")
    assert [line[:8] for line in page.read_text().splitlines() if line.startswith("Seed")] == ["Seed `8`", "Seed `7`"]


def test_a_campaign_of_which_nothing_is_left_is_no_longer_told(page: Path) -> None:
    write(page, "7", [held(FIRST)])
    write(page, "8", [held(FIRST)])
    assert "Seed `7`" not in page.read_text()


def test_a_fault_that_is_another_now_proves_nothing(page: Path) -> None:
    write(page, "7", [held(FIRST)])
    page.write_text(page.read_text().replace(FIRST.injects, "something milder"))
    assert write(page, "8", [held(SECOND)])[0].endswith("in no campaign yet |")
    assert "Seed `7`" not in page.read_text()


def test_a_page_without_a_place_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "reliability.md"
    page.write_text("# Nothing\n")
    with pytest.raises(NoPlace):
        write_report(page, [held(FIRST)], "7", 60)
