"""What our processes export to Prometheus, read from the collectors that they declare."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from deploy import SERVICES
from deploy.services import build


@dataclass(frozen=True, slots=True)
class Export:
    """A sample's name as it is scraped, its own labels, and who exports it: a service's name, or None for all."""

    name: str
    family: str
    labels: frozenset[str]
    service: str | None


@cache
def exports() -> dict[str, Export]:
    """By the sample's name."""
    for service in SERVICES:
        build(service)
    return {export.name: export for export in (*_declared(), *_of_the_process())}


def _declared() -> Iterator[Export]:
    for name, module in sorted(sys.modules.items()):
        if name.startswith(("chassis.", "services.")):
            service = name.split(".")[1] if name.startswith("services.") else None
            for thing in vars(module).values():
                if isinstance(thing, MetricWrapperBase):
                    yield from _samples(thing, service)


def _samples(metric: MetricWrapperBase, service: str | None) -> Iterator[Export]:
    (family,) = metric.describe()
    # The library tells the names of labels by a sample alone, and a metric with labels has none before its first.
    labels = frozenset(metric._labelnames)
    endings = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    for ending in endings[family.type]:
        yield Export(family.name + ending, family.name, labels | ({"le"} if ending == "_bucket" else set()), service)


def _of_the_process() -> Iterator[Export]:
    for family in REGISTRY.collect():
        if family.name.startswith("process_"):
            for sample in family.samples:
                yield Export(sample.name, family.name, frozenset(sample.labels), None)
