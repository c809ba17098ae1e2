"""Stripe's webhooks, and the queue of those that wait for a person."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter, RawBody
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, public, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.billing.commands.stripe_events import ignore_event, receive_event, retry_event
from services.billing.domain.reconciliation import About
from services.billing.domain.statuses import StripeEventState
from services.billing.domain.webhooks import read_event
from services.billing.errors import SignatureRefused, WebhookMalformed, WebhooksDisabled
from services.billing.http.fields import Note
from services.billing.models import StripeEvent
from services.billing.queries import listings, stripe_events
from services.billing.settings import Settings
from services.billing.stripe_gateway import is_authentic

LARGEST_WEBHOOK_BYTES = 512 * 1024
"""Stripe's bodies hold whole invoices: they may be larger than what else comes in."""


class Received(BaseModel):
    """It is kept; what follows from it happens after this answer."""

    event_id: str
    status: Literal["received"] = "received"


class StripeEventView(BaseModel):
    """`held` waits for a person, `unmatched` for the invoice that names its Stripe invoice.

    `held_references` are the payments at Stripe that are not in the books. `was_missed`: no webhook brought it, the
    nightly look at Stripe's own list of events did. Of a refund, dispute, credit note or void `about` and `about_key`
    say what was looked up and compared; `unasked` waits for Stripe's key, or for a person.
    """

    id: UUID
    event_id: str
    type: str
    stripe_invoice_id: str | None
    about: About | None
    about_key: str | None
    state: StripeEventState
    attempts: int
    detail: str | None
    held_references: list[str]
    received_at: datetime
    next_attempt_at: datetime
    settled_at: datetime | None
    was_missed: bool


class RetryBody(Body):
    reason: Note | None = Field(None, description="what was mended: it stands in the audit")


class IgnoreBody(Body):
    reason: Note = Field(description="why what Stripe has does not belong into the books")


@post(
    "/webhooks/stripe",
    status_code=202,
    guards=[public("authenticated by Stripe's signature over the raw body")],
    request_max_body_size=LARGEST_WEBHOOK_BYTES,
)
async def take_stripe_webhook(
    body: RawBody,
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    signature: Annotated[str | None, HeaderParameter(name="Stripe-Signature", max_length=2000)] = None,
) -> Received:
    """Keeps an authentic event once and answers; without a secret nothing can be authentic, and it is off."""
    secret = settings.stripe_webhook_secret.get_secret_value().strip()
    if not secret:
        raise WebhooksDisabled("set STRIPE_WEBHOOK_SECRET to take webhooks")
    if not is_authentic(body, signature, secret, settings.stripe_webhook_tolerance_seconds):
        raise SignatureRefused("the signature is missing, not of these bytes, or too old")
    event = read_event(body)
    if event is None:
        raise WebhookMalformed("the body is no event of Stripe's")
    async with database.transaction() as session:
        await receive_event(session, event, clock.now())
    return Received(event_id=event.event_id)


@get("/admin/billing/stripe-events", guards=[requires(Capability.READ_OPS)])
async def list_stripe_events(
    database: Given[Database],
    page: Given[PageRequest],
    in_state: Annotated[StripeEventState | None, QueryParameter(name="state")] = None,
) -> Page[StripeEventView]:
    """What Stripe told us, newest first."""
    async with database.reading() as session:
        found = await listings.stripe_events(session, page, in_state)
    return page.page(
        found,
        lambda row: (row.received_at, row.id),
        lambda row: StripeEventView.model_validate(row, from_attributes=True),
    )


@post(
    "/admin/billing/stripe-events/{stripe_event_id:uuid}/retry",
    status_code=200,
    guards=[requires(Capability.MANAGE_BILLING_OPS)],
)
async def post_retry_stripe_event(
    stripe_event_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    data: JSONBody[RetryBody | None] = None,
) -> StripeEventView:
    """Gives a held or unmatched event another turn, once its cause is mended."""
    async with database.transaction() as session:
        reason = data.reason if data else None
        event = await retry_by_operator(session, stripe_event_id, reason, operator, clock.now())
    return StripeEventView.model_validate(event, from_attributes=True)


async def retry_by_operator(
    session: AsyncSession, stripe_event_id: UUID, reason: str | None, operator: Actor, now: datetime
) -> StripeEvent:
    before = (await stripe_events.lock(session, stripe_event_id)).state
    event = await retry_event(session, stripe_event_id, now)
    await _record(session, operator, "retry_stripe_event", before, event, reason)
    return event


@post(
    "/admin/billing/stripe-events/{stripe_event_id:uuid}/ignore",
    status_code=200,
    guards=[requires(Capability.MANAGE_BILLING_OPS, step_up=True)],
)
async def post_ignore_stripe_event(
    stripe_event_id: FromPath[UUID],
    data: JSONBody[IgnoreBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> StripeEventView:
    """Settles a held or unmatched event without a record: the payments that it holds are passed over for good."""
    async with database.transaction() as session:
        event = await ignore_by_operator(session, stripe_event_id, data.reason, operator, clock.now())
    return StripeEventView.model_validate(event, from_attributes=True)


async def ignore_by_operator(
    session: AsyncSession, stripe_event_id: UUID, reason: str, operator: Actor, now: datetime
) -> StripeEvent:
    before = (await stripe_events.lock(session, stripe_event_id)).state
    event = await ignore_event(session, stripe_event_id, reason, now)
    await _record(session, operator, "ignore_stripe_event", before, event, reason)
    return event


async def _record(
    session: AsyncSession,
    operator: Actor,
    action: str,
    before: StripeEventState,
    event: StripeEvent,
    reason: str | None,
) -> None:
    """What stood so already leaves no entry."""
    if event.state is before:
        return
    await audit.record(
        session,
        actor=operator,
        action=action,
        subject=Subject("stripe_event", event.id),
        before={"state": before},
        after={"state": event.state, "held_references": event.held_references},
        reason_text=reason,
    )


ROUTES = (take_stripe_webhook, list_stripe_events, post_retry_stripe_event, post_ignore_stripe_event)
