"""What a webhook of Stripe's is about, as far as billing asks after it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from services.billing.domain.statuses import StripeEventState

PAYMENT_TYPES = frozenset({"invoice.paid", "invoice.payment_succeeded", "invoice.updated", "invoice_payment.paid"})
KEPT_AT_STRIPE = timedelta(days=30)
"""So long Stripe lists its events, whether a webhook brought them or not."""


class WebhookUse(StrEnum):
    """What billing does with a type of event that its endpoint is subscribed to."""

    ASKED = "asked"
    COMPARED = "compared"
    KEPT = "kept"


WEBHOOK_TYPES: Mapping[str, WebhookUse] = {
    **dict.fromkeys(sorted(PAYMENT_TYPES), WebhookUse.ASKED),
    **dict.fromkeys(
        (
            *("invoice.finalized", "invoice.voided", "invoice.marked_uncollectible", "invoice.deleted"),
            *("credit_note.created", "credit_note.updated", "credit_note.voided"),
            *("charge.succeeded", "charge.failed", "charge.refunded"),
            *("refund.created", "refund.updated", "refund.failed"),
            *("charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"),
            *("charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"),
            *("payout.created", "payout.paid", "payout.failed", "payout.canceled", "payout.updated"),
            *("payout.reconciliation_completed", "topup.succeeded", "topup.failed", "balance.available"),
        ),
        WebhookUse.COMPARED,
    ),
    **dict.fromkeys(
        (
            *("invoice.finalization_failed", "invoice.sent", "invoice.payment_failed"),
            *("invoice.payment_action_required", "invoice.overdue", "invoice.will_be_due"),
            *("payment_intent.processing", "payment_intent.succeeded", "payment_intent.payment_failed"),
        ),
        WebhookUse.KEPT,
    ),
}
"""What the platform's endpoint is subscribed to. What moves money or a state is found by the nightly comparison too."""

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
    return event_of(body) if isinstance(body, dict) else None


def event_of(body: Mapping[Any, Any]) -> ReceivedEvent | None:
    """The same of one that Stripe lists."""
    event_id, type_ = _text(body.get("id")), _text(body.get("type"))
    if event_id is None or type_ is None or body.get("object") != "event":
        return None
    return ReceivedEvent(event_id, type_, _invoice_id(body) if type_ in PAYMENT_TYPES else None)


def _parsed(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _invoice_id(body: Mapping[Any, Any]) -> str | None:
    """An invoice's own id, or the id of the invoice that a payment is of."""
    wrapper = body.get("data")
    about = wrapper.get("object") if isinstance(wrapper, Mapping) else None
    if not isinstance(about, Mapping):
        return None
    return _text(about.get("id" if about.get("object") == "invoice" else "invoice"))


def _text(value: object) -> str | None:
    """Short, and of what a database can hold."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID or not value.isprintable():
        return None
    return value
