"""What became of deliveries over HTTP: the log and the tries of an assignment, and the channels of all installers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import get
from litestar.params import FromPath, FromQuery
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row

from chassis.database import Database
from chassis.http import Given, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.routing.domain.states import BreakerState, Channel, DeliveryStep
from services.routing.domain.webhooks import DeliveryState, Verdict
from services.routing.models import WebhookDelivery
from services.routing.queries import assignments, channels, sending
from services.routing.queries.channels import ChannelFilter


class StepView(BaseModel):
    """`status` is the server's number, SMTP's or HTTP's, `enhanced_status` RFC 3463's, of a mail that came back. What
    the server said is not kept, as it could name people.
    """

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    channel: Channel
    what: DeliveryStep
    reason_code: str | None
    status: int | None
    enhanced_status: str | None


class TryView(BaseModel):
    """`outcome` is null while it is under way."""

    model_config = ConfigDict(from_attributes=True)

    attempt_no: int
    started_at: datetime
    finished_at: datetime | None
    outcome: Verdict | None
    http_status: int | None
    reason_code: str | None
    duration_ms: int | None


class DeliveriesView(BaseModel):
    """`state`, `tries` and `next_try_at` are a webhook's; the last is null where none is to come."""

    assignment_id: UUID
    channel: Channel
    state: DeliveryState | None
    next_try_at: datetime | None
    log: list[StepView] = Field(description="in the order in which it happened")
    tries: list[TryView] = Field(description="the first one first")


class ChannelView(BaseModel):
    """`host` is all that is told of an address; `probe_at` is when one delivery is let through an open breaker."""

    model_config = ConfigDict(from_attributes=True)

    installer_id: UUID
    installer_name: str = ""
    channel: Channel
    host: str | None = None
    is_used: bool = Field(default=False, description="whether the installer gets its leads by it now")
    breaker: BreakerState
    failures_in_row: int
    opens: int
    opened_at: datetime | None
    probe_at: datetime | None
    last_accepted_at: datetime | None
    tested_at: datetime | None
    on_their_way: int = 0

    @classmethod
    def of(cls, row: Row[Any]) -> "ChannelView":
        names = ("installer_name", "host", "is_used", "on_their_way")
        return cls.model_validate(row.DeliveryEndpoint).model_copy(update={name: getattr(row, name) for name in names})


@get("/admin/assignments/{assignment_id:uuid}/deliveries", guards=[requires(Capability.READ_OPS)])
async def list_deliveries(assignment_id: FromPath[UUID], database: Given[Database]) -> DeliveriesView:
    async with database.reading() as session:
        made = await assignments.get(session, assignment_id)
        webhook = await sending.delivery_of(session, assignment_id)
        return DeliveriesView(
            assignment_id=made.id,
            channel=made.channel,
            state=webhook.state if webhook else None,
            next_try_at=_next_try(webhook),
            log=[StepView.model_validate(entry) for entry in await sending.log_of(session, assignment_id)],
            tries=[TryView.model_validate(each) for each in await sending.tries_of(session, assignment_id)],
        )


def _next_try(webhook: WebhookDelivery | None) -> datetime | None:
    return webhook.next_attempt_at if webhook is not None and webhook.state is DeliveryState.WAITING else None


@get("/admin/delivery-channels", guards=[requires(Capability.READ_OPS)])
async def list_channels(
    database: Given[Database],
    page: Given[PageRequest],
    installer_id: FromQuery[UUID | None] = None,
    channel: FromQuery[Channel | None] = None,
    breaker: FromQuery[BreakerState | None] = None,
    holds_back: FromQuery[bool | None] = None,
    is_used: FromQuery[bool | None] = None,
) -> Page[ChannelView]:
    """Those of the newest installers first. One that `holds_back` has a breaker that is open or half open."""
    wanted = ChannelFilter(installer_id, channel, breaker, holds_back, is_used)
    async with database.reading() as session:
        found = await channels.list_channels(session, wanted, page)
    return page.page(found, channels.place_of, ChannelView.of)


ROUTES = (list_deliveries, list_channels)
