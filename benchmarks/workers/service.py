"""The smallest service that the product can run: composed, configured and started as the six of it are."""

from collections.abc import Sequence

from chassis.runtime import Consumer
from chassis.service import Service, clock_of, database_of
from chassis.settings import ServiceSettings
from chassis.telemetry import start_telemetry


def compose(
    url: str, kafka: str, consumers: Sequence[Consumer] = (), *, name: str = "bench", **settings: object
) -> Service:
    """Every setting is the product's default unless given."""
    given = ServiceSettings.model_validate({"database_url": url, "kafka_bootstrap_servers": kafka, **settings})
    start_telemetry(name, given)
    return Service(
        name=name,
        settings=given,
        clock=clock_of(given),
        database=database_of(name, given),
        consumers=consumers,
    )
