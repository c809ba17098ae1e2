"""What dispatch does, counted for Prometheus as it is committed: what is rolled back was not."""

from collections.abc import Callable, Sequence
from datetime import datetime

from prometheus_client import Counter, Histogram
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.states import Channel, DeliveryStep, Trigger

LATENCY_SECONDS = Histogram(
    "waybill_dispatch_latency_seconds",
    "From a lead's receipt to the decision that gave it",
    ["trigger"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400),
)
DECISIONS = Counter("waybill_dispatch_decisions_total", "Decisions, by what they came to", ["trigger", "outcome"])
DELIVERIES = Counter("waybill_deliveries_total", "Deliveries that ended, by how", ["channel", "outcome"])


def outcome_of(chosen: int, wanted: int) -> str:
    """As `given`, `partly` or `none`."""
    if chosen >= wanted:
        return "given"
    return "partly" if chosen else "none"


def count_decisions(
    session: AsyncSession, decided: Sequence[tuple[Trigger, int, int, datetime]], now: datetime
) -> None:
    """Of each its trigger, how many it chose of how many it wanted, and when its lead was received."""

    def count() -> None:
        for trigger, chosen, wanted, received_at in decided:
            DECISIONS.labels(trigger, outcome_of(chosen, wanted)).inc()
            if chosen:
                LATENCY_SECONDS.labels(trigger).observe(max(0.0, (now - received_at).total_seconds()))

    _once_committed(session, count)


def count_deliveries(session: AsyncSession, ended: Sequence[tuple[Channel, DeliveryStep]]) -> None:
    def count() -> None:
        for channel, step in ended:
            DELIVERIES.labels(channel, step).inc()

    _once_committed(session, count)


def _once_committed(session: AsyncSession, count: Callable[[], None]) -> None:
    event.listen(session.sync_session, "after_commit", lambda _session: count(), once=True)
