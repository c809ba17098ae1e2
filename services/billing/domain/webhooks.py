"""What a webhook of Stripe's is about, as far as billing asks after it."""

import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from services.billing.domain.statuses import StripeEventState

PAYMENT_TYPES = frozenset({"invoice.paid", "invoice.payment_succeeded", "invoice.updated", "invoice_payment.paid"})
LONGEST_ID = 255
UNANSWERED_AFTER = timedelta(hours=1)
"""Stripe is asked within seconds: what is not settled by then needs somebody."""


class SettlingObstacle(StrEnum):
    """Why nobody is waited for, as a sentence goes on after it."""

    ASKED = "Stripe is about to be asked"
    RECORDED = "what Stripe has is in the books"
    IGNORED = "it is ignored"


_OBSTACLES = {
    StripeEventState.PENDING: SettlingObstacle.ASKED,
    StripeEventState.PROCESSED: SettlingObstacle.RECORDED,
    StripeEventState.IGNORED: SettlingObstacle.IGNORED,
}


def obstacle_to_settling(state: StripeEventState) -> SettlingObstacle | None:
    """None where it waits for a person, who may try it again or ignore it."""
    return _OBSTACLES.get(state)


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """`stripe_invoice_id` is None where the event is about nothing that billing asks after."""

    event_id: str
    type: str
    stripe_invoice_id: str | None


def read_event(raw: bytes) -> ReceivedEvent | None:
    """None where the body is no event. No amount is read: Stripe is asked for those."""
    body = _parsed(raw)
    if not isinstance(body, dict):
        return None
    event_id, type_ = _text(body.get("id")), _text(body.get("type"))
    if event_id is None or type_ is None or body.get("object") != "event":
        return None
    return ReceivedEvent(event_id, type_, _invoice_id(body) if type_ in PAYMENT_TYPES else None)


def _parsed(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _invoice_id(body: dict[object, object]) -> str | None:
    """An invoice's own id, or the id of the invoice that a payment is of."""
    wrapper = body.get("data")
    about = wrapper.get("object") if isinstance(wrapper, dict) else None
    if not isinstance(about, dict):
        return None
    return _text(about.get("id" if about.get("object") == "invoice" else "invoice"))


def _text(value: object) -> str | None:
    """Short, and of what a database can hold."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID or not value.isprintable():
        return None
    return value
