"""Stripe Connect's webhooks: authenticated by their signature over the raw body, answered before any work."""

from typing import Annotated, Literal

from litestar import post
from litestar.params import HeaderParameter, RawBody
from pydantic import BaseModel

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Given, public
from services.payouts.commands.experts import note_account
from services.payouts.domain import read_event
from services.payouts.errors import SignatureRefused, WebhookMalformed, WebhooksDisabled
from services.payouts.settings import Settings
from services.payouts.stripe_gateway import is_authentic

LARGEST_WEBHOOK_BYTES = 512 * 1024
"""Stripe's bodies hold whole accounts: they may be larger than what else comes in."""


class Received(BaseModel):
    """Taken in; what follows from it happens after this answer."""

    event_id: str
    status: Literal["received"] = "received"


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
    secret = settings.stripe_connect_webhook_secret.get_secret_value().strip()
    if not secret:
        raise WebhooksDisabled("set STRIPE_CONNECT_WEBHOOK_SECRET to take webhooks")
    if not is_authentic(body, signature, secret, settings.stripe_webhook_tolerance_seconds):
        raise SignatureRefused("the signature is missing, not of these bytes, or too old")
    event = read_event(body)
    if event is None:
        raise WebhookMalformed("the body is no event of Stripe's")
    async with database.transaction() as session:
        await note_account(session, event, clock.now())
    return Received(event_id=event.event_id)


ROUTES = (take_stripe_webhook,)
