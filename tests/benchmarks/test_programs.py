"""Every program measures something at the smallest size, on servers of its own. What it measures is not judged."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.measuring import find, load_program, measure

SCALE = 0.005

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("benchmarks")]


@pytest.mark.parametrize("name", find(""))
async def test_measures_each_side_of_each_of_its_figures(name: str, tmp_path: Path) -> None:
    _require(load_program(name).LIBRARIES)
    await measure(name, runs=1, scale=SCALE, file=tmp_path / "bench.json")
    measured = results.read(tmp_path / "bench.json").values()
    assert {claim.number for figure in measured for claim in figure.claims} == set(load_program(name).NUMBERS)
    for figure in measured:
        assert all(amount > 0 for samples in figure.samples.values() for s in samples for amount in s.values())
        assert all(figure.ratio(claim) > 0 for claim in figure.claims)


def _require(libraries: Sequence[str]) -> None:
    for library in libraries:
        try:
            version(library)
        except PackageNotFoundError:
            pytest.skip(f"{library} is not installed: it comes with `make bench`")
