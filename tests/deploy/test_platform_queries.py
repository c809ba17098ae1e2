"""Every query of an alert, a dashboard and a scaler asks for what our processes export, under the labels they have."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
import yaml

from deploy import SERVICES
from deploy.dashboards import PLACE
from deploy.local.paths import ROOT
from tests.deploy.alerts import PROMETHEUS, rules
from tests.kit.exports import exports
from tests.kit.promql import Meaningless, labels_of, matched_values

OF_TARGETS = frozenset({"job", "instance", "service", "shape"})
"""What a scrape adds, on the single machine as on a cluster."""
SHAPES = {"api", "worker", "all"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, where it stands, and the labels that the text around it speaks of."""

    place: str
    query: str
    spoken_of: frozenset[str]


def of_alerts() -> Iterator[Asked]:
    for rule in rules():
        text = " ".join([*rule["annotations"].values(), *rule["labels"].values()])
        yield Asked(rule["alert"], rule["expr"], frozenset(re.findall(r"\$labels\.(\w+)", text)))


def of_dashboards() -> Iterator[Asked]:
    for file in sorted(PLACE.glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", []):
                legend = frozenset(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
                query = target["expr"].replace("$__rate_interval", "5m")
                yield Asked(f"{file.stem}: {panel['title']}", query, legend)


def of_scalers() -> Iterator[Asked]:
    for file in sorted((ROOT / "deploy" / "kubernetes" / "services").glob("*/scaling.yaml")):
        for scaler in yaml.safe_load_all(file.read_text()):
            for trigger in scaler["spec"]["triggers"]:
                if trigger["type"] == "prometheus":
                    yield Asked(f"{file.parent.name}: scaler", trigger["metadata"]["query"], frozenset())


ASKED = [*of_alerts(), *of_dashboards(), *of_scalers()]


def labels_of_sample(name: str) -> frozenset[str]:
    if name == "up":
        return OF_TARGETS
    if name not in exports():
        raise LookupError(f"nobody exports {name}")
    return exports()[name].labels | OF_TARGETS


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.place)
class TestAQuery:
    def test_finds_metrics_and_labels_that_are_exported(self, asked: Asked) -> None:
        labels = labels_of(asked.query, labels_of_sample)
        assert asked.spoken_of <= labels

    def test_compares_labels_with_words_that_the_code_knows(self, asked: Asked) -> None:
        for label, value in matched_values(asked.query):
            assert is_a_word_of(label, value), f"{label}={value}"


def is_a_word_of(label: str, value: str) -> bool:
    """A regular expression over codes or routes is none; a variable of a dashboard stands for any."""
    known = {"service": {*SERVICES, "$service"}, "shape": SHAPES, "job": {"waybill"}}
    if label in known:
        return value in known[label]
    if label in {"route", "status"}:
        return re.fullmatch(r"[45]\.\.|none|/health/\.\*|/metrics", value) is not None
    return f'"{value}"' in _code()


@cache
def _code() -> str:
    return "".join(file.read_text() for folder in ("chassis", "services") for file in (ROOT / folder).rglob("*.py"))


class TestTheReader:
    """It would find what is wrong with a query."""

    @pytest.mark.parametrize(
        "query",
        [
            "waybill_outbox_depht",
            'waybill_outbox_depth{topic="intake.leads"}',
            "sum by (topic) (waybill_outbox_depth)",
            "waybill_outbox_depth / on (topic) waybill_consumer_lag",
            "sum by (service) (waybill_consumer_lag) / sum by (topic) (waybill_consumer_lag)",
            "histogram_quantile(0.9, sum by (service) (rate(waybill_relay_round_seconds_bucket[5m])))",
        ],
    )
    def test_refuses_what_could_never_be_found(self, query: str) -> None:
        with pytest.raises((Meaningless, LookupError)):
            labels_of(query, labels_of_sample)

    @pytest.mark.parametrize(
        ("query", "labels"),
        [
            ("sum by (service, topic) (waybill_consumer_lag) > 5", {"service", "topic"}),
            ("time() - max by (service) (waybill_outbox_depth)", {"service"}),
            ("max(waybill_outbox_depth)", set()),
            (
                "histogram_quantile(0.9, sum by (service, le) (rate(waybill_relay_round_seconds_bucket[5m])))",
                {"service"},
            ),
        ],
    )
    def test_knows_the_labels_of_a_result(self, query: str, labels: set[str]) -> None:
        assert labels_of(query, labels_of_sample) == labels


class TestOurMetrics:
    def test_have_no_label_that_a_scrape_would_rename(self) -> None:
        """Prometheus gives its own name to the target's label and calls ours `exported_…`."""
        reserved = OF_TARGETS | {"namespace", "pod"}
        assert {name: sorted(e.labels & reserved) for name, e in exports().items() if e.labels & reserved} == {}

    def test_of_a_name_are_declared_once(self) -> None:
        assert all(name.startswith(("waybill_", "process_")) for name in exports())


class TestTheScrape:
    def test_of_the_single_machine_reaches_every_service_under_the_labels_that_rules_use(self) -> None:
        (job,) = _configuration("prometheus.yml")["scrape_configs"]
        labelled = {target["targets"][0]: target["labels"] for target in job["static_configs"]}
        assert labelled == {f"{name}:8000": {"service": name, "shape": "all"} for name in SERVICES}

    def test_of_a_cluster_makes_the_same_labels(self) -> None:
        (job,) = _configuration("kubernetes.yml")["scrape_configs"]
        made = {rule["target_label"] for rule in job["relabel_configs"] if "target_label" in rule}
        assert OF_TARGETS - {"job", "instance"} <= made
        assert job["job_name"] == "waybill"


def _configuration(name: str) -> dict[str, Any]:
    configuration: dict[str, Any] = yaml.safe_load((PROMETHEUS / name).read_text())
    return configuration
