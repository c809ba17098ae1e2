"""Stripe Connect's webhooks: authenticated by their signature over the raw body, answered before any work."""

from typing import Annotated

from litestar import post
from litestar.params import HeaderParameter, RawBody
from pydantic import BaseModel

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Given, public
from services.payouts.commands import experts as commands
from services.payouts.errors import SignatureInvalid, WebhookClosed
from services.payouts.settings import Settings
from services.payouts.stripe_gateway import NotStripe, read_notice

LARGEST_EVENT_BYTES = 512 * 1024


class Received(BaseModel):
    received: bool = True


@post(
    "/webhooks/stripe",
    status_code=200,
    guards=[public("authenticated by Stripe's signature over the body")],
    request_max_body_size=LARGEST_EVENT_BYTES,
)
async def receive_event(
    body: RawBody,
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    signature: Annotated[str, HeaderParameter(name="Stripe-Signature", max_length=2_000)],
) -> Received:
    """Keeps a note of the account it is about; Stripe is then asked what is true of it now."""
    secret = settings.stripe_connect_webhook_secret
    if secret is None or not secret.get_secret_value():
        raise WebhookClosed("set STRIPE_CONNECT_WEBHOOK_SECRET")
    try:
        notice = read_notice(body, signature, secret.get_secret_value())
    except NotStripe:
        raise SignatureInvalid("the body was not signed with our secret within the last five minutes") from None
    if notice is not None:
        async with database.transaction() as session:
            await commands.note_account(session, notice, clock.now())
    return Received()


ROUTES = (receive_event,)
