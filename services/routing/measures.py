"""What waits for an operator of routing, for Prometheus."""

from prometheus_client import Gauge
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.service import Measure
from services.routing.commands.retrying import fresh_since
from services.routing.domain.policies import QueuePolicy
from services.routing.domain.states import Channel, ExceptionReason
from services.routing.domain.waiting import WaitKind, kind_of
from services.routing.queries.exceptions import is_late, open_by_reason
from services.routing.queries.health import breakers_open, first_due
from services.routing.queries.policies import in_force
from services.routing.queries.returns import overdue

EXCEPTIONS_OPEN = Gauge(
    "waybill_dispatch_exceptions_open", "Leads that wait for an operator and are awake", ["reason", "kind"]
)
EXCEPTIONS_AGE_SECONDS = Gauge(
    "waybill_dispatch_exceptions_oldest_age_seconds",
    "How long the first of them has waited, 0 when none does",
    ["kind"],
)
UNOWNED_LATE = Gauge("waybill_dispatch_exceptions_unowned_late", "Leads that are nobody's for longer than they may")
RETRIES_OVERDUE_SECONDS = Gauge(
    "waybill_dispatch_retries_overdue_seconds", "How long the first try that is due has been, 0 when none is"
)
RETURNS_OVERDUE = Gauge("waybill_returns_overdue", "Returns that wait past the day by which they were to be decided")
BREAKERS_OPEN = Gauge("waybill_delivery_breakers_open", "Channels of installers that hold leads back", ["channel"])


def measure_waiting(clock: Clock) -> Measure:
    async def measure(session: AsyncSession) -> None:
        now = clock.now()
        found = {waiting.reason: waiting for waiting in await open_by_reason(session, now)}
        for reason in ExceptionReason:
            count = found[reason].count if reason in found else 0
            EXCEPTIONS_OPEN.labels(reason, kind_of(reason)).set(count)
        for kind in WaitKind:
            of_kind = [waiting for reason, waiting in found.items() if kind_of(reason) is kind]
            ages = [(now - waiting.since).total_seconds() for waiting in of_kind]
            EXCEPTIONS_AGE_SECONDS.labels(kind).set(max(ages, default=0))
        UNOWNED_LATE.set(await session.scalar(select(func.count()).where(is_late(now))) or 0)
        await _measure_retries(session, clock)
        RETURNS_OVERDUE.set(await overdue(session, now))
        held_back = await breakers_open(session)
        for channel in Channel:
            BREAKERS_OPEN.labels(channel).set(held_back.get(channel, 0))

    return measure


async def _measure_retries(session: AsyncSession, clock: Clock) -> None:
    now = clock.now()
    first = await first_due(session, now, fresh_since((await in_force(session, QueuePolicy)).policy, now))
    RETRIES_OVERDUE_SECONDS.set((now - first).total_seconds() if first is not None else 0)
