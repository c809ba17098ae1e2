"""What each service process takes at rest, and what it tells of itself."""

from collections.abc import Iterator

import prometheus_client
import psutil  # type: ignore[import-untyped]
import pytest
from prometheus_client.metrics import MetricWrapperBase

from chassis import event_metrics
from deploy import SERVICES
from tests.flows.running import Running
from tests.kit.exports import exports

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system")]

LARGEST_BYTES = 168 * 1024 * 1024
"""Seven eighths of the 192 Mi that the manifests ask for each process: what it rests at leaves room to work in."""


def _names_of_event_metrics() -> Iterator[str]:
    for metric in vars(event_metrics).values():
        if isinstance(metric, MetricWrapperBase):
            yield from (family.name for family in metric.describe())


@pytest.mark.parametrize("service", SERVICES)
class TestEachProcess:
    async def test_rests_small(self, running: Running, service: str) -> None:
        resident_bytes = psutil.Process(running.child(service).pid).memory_info().rss
        assert resident_bytes < LARGEST_BYTES

    @pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
    async def test_is_well(self, running: Running, service: str, path: str) -> None:
        async def well() -> bool:
            """Not at every instant: a group that changes has no partitions for a moment, on a busy machine longer."""
            answer = await running.client.get(running.url(service, path))
            return (answer.status_code, answer.json()["status"]) == (200, "ok")

        await running.until(well)

    async def test_tells_how_its_events_fare(self, running: Running, service: str) -> None:
        answer = await running.client.get(running.url(service, "/metrics"))
        assert answer.headers["content-type"].startswith("text/plain")
        families = {f.name: f for f in prometheus_client.parser.text_string_to_metric_families(answer.text)}
        assert set(_names_of_event_metrics()) - families.keys() == set()
        assert all(family.documentation for family in families.values())

    async def test_exports_what_alerts_and_dashboards_are_held_against(self, running: Running, service: str) -> None:
        answer = await running.client.get(running.url(service, "/metrics"))
        families = {f.name: f for f in prometheus_client.parser.text_string_to_metric_families(answer.text)}
        known = exports()
        assert {e.family for e in known.values() if e.service in {None, service}} - families.keys() == set()
        samples = [sample for family in families.values() for sample in family.samples if sample.name in known]
        assert {s.name for s in samples if frozenset(s.labels) != known[s.name].labels} == set()
