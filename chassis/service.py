"""A service as its composition root describes it: what it serves, consumes and runs. The chassis does the rest."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from litestar.types import ControllerRouterHandler
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock, ShiftedClock, SystemClock
from chassis.consumer import Consumer
from chassis.database import Database, StatementPool, create_engine, server_settings
from chassis.loops import Loop
from chassis.schedule import Job
from chassis.settings import ServiceSettings

Measure = Callable[[AsyncSession], Awaitable[None]]
"""Sets gauges of the service's own from its tables. Every worker asks every few seconds: few, indexed queries."""


def clock_of(settings: ServiceSettings) -> Clock:
    return ShiftedClock(settings.clock_file) if settings.clock_file is not None else SystemClock()


def database_of(name: str, settings: ServiceSettings) -> Database:
    timeout, size = settings.statement_timeout_seconds, settings.database_pool_size
    engine = create_engine(
        settings.database_url.get_secret_value(),
        pool_size=size,
        statement_timeout_seconds=timeout,
        name=f"waybill-{name}",
    )
    statements = StatementPool(engine.url, server_settings(f"waybill-{name}", timeout), size)
    return Database(engine, f"/waybill/{name}", max_event_bytes=settings.max_event_bytes, statements=statements)


@dataclass
class Service:
    """`dependencies` are given to the handlers by name, beside `database`, `clock` and `settings`.

    `on_stop` closes what the composition root opened (gateways, clients), last of all.
    """

    name: str
    settings: ServiceSettings
    clock: Clock
    database: Database
    routes: Sequence[ControllerRouterHandler] = ()
    consumers: Sequence[Consumer] = ()
    jobs: Sequence[Job] = ()
    loops: Sequence[Loop] = ()
    measures: Sequence[Measure] = ()
    dependencies: Mapping[str, Any] = field(default_factory=dict)
    on_stop: Sequence[Callable[[], Awaitable[None]]] = ()
    wake_loops: Callable[[], None] = lambda: None

    def consumer_name(self, consumer: Consumer) -> str:
        """The Kafka group, and the name under which the inbox remembers."""
        return f"waybill.{self.name}.{consumer.topic.name}"
