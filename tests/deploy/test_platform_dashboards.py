"""The dashboards as Grafana reads them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from deploy.dashboards import BOARDS, PLACE
from deploy.local.paths import ROOT
from tests.kit.exports import exports
from tests.kit.promql import selectors

GRAFANA = ROOT / "deploy" / "grafana"
FILES = sorted(PLACE.glob("*.json"))


def dashboard(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((PLACE / f"{name}.json").read_text())
    return read


def panels(name: str) -> list[dict[str, Any]]:
    return [panel for panel in dashboard(name)["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("name", [file.stem for file in FILES])
class TestADashboard:
    def test_asks_the_data_source_that_is_chosen(self, name: str) -> None:
        for panel in panels(name):
            sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
            assert all(source == {"type": "prometheus", "uid": "${source}"} for source in sources)
        variables = {variable["name"]: variable["type"] for variable in dashboard(name)["templating"]["list"]}
        assert variables == {"source": "datasource", "service": "query"}

    def test_has_panels_that_say_what_they_show_and_in_which_unit(self, name: str) -> None:
        for panel in panels(name):
            assert panel["description"].endswith(".")
            assert panel["fieldConfig"]["defaults"]["unit"]
            assert [target["refId"] for target in panel["targets"]] == list("ABC")[: len(panel["targets"])]

    def test_has_panels_that_lie_beside_each_other(self, name: str) -> None:
        taken: set[tuple[int, int]] = set()
        for panel in dashboard(name)["panels"]:
            cells = set(_cells(panel["gridPos"]))
            assert not cells & taken, panel["title"]
            taken |= cells
        assert max(column for column, _ in taken) < 24

    def test_numbers_its_panels(self, name: str) -> None:
        ids = [panel["id"] for panel in dashboard(name)["panels"]]
        assert ids == list(range(1, len(ids) + 1))

    def test_counts_over_the_interval_that_fits_the_scrape(self, name: str) -> None:
        for panel in panels(name):
            for target in panel["targets"]:
                if "rate(" in target["expr"]:
                    assert "[$__rate_interval]" in target["expr"]


def _cells(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    for column in range(place["x"], place["x"] + place["w"]):
        for line in range(place["y"], place["y"] + place["h"]):
            yield column, line


class TestAllTogether:
    def test_are_written_from_their_boards(self) -> None:
        assert [file.stem for file in FILES] == sorted(board.name for board in BOARDS)

    def test_show_every_metric_of_ours(self) -> None:
        shown = {
            str(selector.name)
            for file in FILES
            for panel in panels(file.stem)
            for target in panel["targets"]
            for selector in selectors(target["expr"].replace("$__rate_interval", "5m"))
        }
        ours = {name for name in exports() if name.startswith("waybill_")}
        assert {_family(name) for name in ours} - {_family(name) for name in shown} == set()

    def test_are_provisioned_and_given_to_a_cluster(self) -> None:
        kustomization = yaml.safe_load((GRAFANA / "kustomization.yaml").read_text())
        given = {file for made in kustomization["configMapGenerator"] for file in made["files"]}
        assert given == {f"dashboards/{file.name}" for file in FILES}
        (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/waybill.yaml").read_text())["providers"]
        compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
        mounted = {volume.split(":")[1] for volume in compose["services"]["grafana"]["volumes"]}
        assert provider["options"]["path"] in mounted


def _family(sample: str) -> str:
    for ending in ("_bucket", "_sum", "_count"):
        sample = sample.removesuffix(ending)
    return sample
