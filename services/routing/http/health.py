"""How dispatch goes, over HTTP: what the room of its health shows."""

from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from litestar import get
from litestar.params import QueryParameter
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.console.fields import start_of
from chassis.database import Database
from chassis.http import Given, requires
from contracts.identity import Capability
from services.routing.commands.retrying import fresh_since
from services.routing.domain.policies import QueuePolicy
from services.routing.domain.states import Channel, Trigger
from services.routing.queries import health as queries
from services.routing.queries.exceptions import open_at
from services.routing.queries.policies import in_force
from services.routing.settings import Settings

MOST_DAYS = 90
MIDNIGHTS = 14
DaysBack = Annotated[int, QueryParameter(ge=1, le=MOST_DAYS, description="how many days back")]


class FromRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class LatencyView(FromRow):
    """`hour` is of the business day; null is all of them. Milliseconds from receipt to the decision that gave it."""

    hour: int | None
    number: int
    p50: int | None
    p90: int | None
    p99: int | None


class OutcomeView(FromRow):
    trigger: Trigger
    given: int
    partly: int
    none: int


class DeliveryEnds(FromRow):
    """`reason` is null for what was delivered."""

    channel: Channel
    reason: str | None
    number: int


class QueueSize(BaseModel):
    at: datetime
    open: int


class DispatchHealth(BaseModel):
    as_of: datetime
    since: datetime
    latency: list[LatencyView]
    outcomes: list[OutcomeView]
    deliveries: list[DeliveryEnds]
    retries: int
    retries_that_gave: int
    unowned_late: int
    retries_overdue_since: datetime | None
    breakers_open: int
    queue: list[QueueSize]


@get("/admin/dispatch-health", guards=[requires(Capability.READ_OPS)])
async def show_dispatch_health(
    database: Given[Database], clock: Given[Clock], settings: Given[Settings], days: DaysBack = 7
) -> DispatchHealth:
    """Of the last days, and the queue at each of the last 14 midnights and now."""
    now = clock.now()
    async with database.reading() as session:
        return await health_of(session, now, days, settings.zone)


async def health_of(session: AsyncSession, now: datetime, days: int, zone: ZoneInfo) -> DispatchHealth:
    since = now - timedelta(days=days)
    fresh = fresh_since((await in_force(session, QueuePolicy)).policy, now)
    keeping = await queries.keeping(session, since, now, fresh)
    today = now.astimezone(zone).date()
    instants = [start_of(today - timedelta(days=back), zone) for back in reversed(range(MIDNIGHTS))]
    sizes = await open_at(session, [*instants, now])
    return DispatchHealth(
        as_of=now,
        since=since,
        latency=[LatencyView.model_validate(e) for e in await queries.latency_by_hour(session, since, now, zone)],
        outcomes=[OutcomeView.model_validate(e) for e in await queries.outcomes_by_trigger(session, since, now)],
        deliveries=[DeliveryEnds.model_validate(e) for e in await queries.deliveries_by_reason(session, since, now)],
        retries=keeping.tried,
        retries_that_gave=keeping.settled,
        unowned_late=keeping.unowned_late,
        retries_overdue_since=keeping.overdue_since,
        breakers_open=keeping.breakers_open,
        queue=[QueueSize(at=at, open=size) for at, size in zip([*instants, now], sizes, strict=True)],
    )


ROUTES = (show_dispatch_health,)
