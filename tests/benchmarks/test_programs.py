"""Every program measures something at the smallest size. What it measures is not judged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.measuring import find, load_program, measure
from benchmarks.stage import Servers, open_servers

SCALE = 0.005
QUICK = ("commit_lead", "consume", "dispatch")
"""The others take minutes even so, or need a rival: `make bench-test` tries them."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("benchmarks")]


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """The same for all programs, as to start them takes longer than what is measured here."""
    with open_servers() as ours:
        yield ours


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.rivals) for name in find("")]
)
async def test_measures_each_side_of_each_of_its_figures(name: str, servers: Servers, tmp_path: Path) -> None:
    await measure(name, servers, runs=1, scale=SCALE, file=tmp_path / "bench.json")
    measured = results.read(tmp_path / "bench.json").values()
    assert {claim.number for figure in measured for claim in figure.claims} == set(load_program(name).NUMBERS)
    for figure in measured:
        assert all(amount > 0 for samples in figure.samples.values() for s in samples for amount in s.values())
        assert all(figure.ratio(claim) > 0 for claim in figure.claims)
