"""What a webhook of Stripe's is about, as far as billing asks after it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from services.billing.domain.reconciliation import About
from services.billing.domain.statuses import StripeEventState

PAYMENT_TYPES = frozenset({"invoice.paid", "invoice.payment_succeeded", "invoice.updated", "invoice_payment.paid"})
KEPT_AT_STRIPE = timedelta(days=30)
"""So long Stripe lists its events, whether a webhook brought them or not."""


class WebhookUse(StrEnum):
    """What billing does with a type of event that its endpoint is subscribed to.

    `compared` is looked up and held against our books when it comes. `nightly` is left to the comparison of all: our
    books say the same of it a moment later, and it would differ until then.
    """

    ASKED = "asked"
    COMPARED = "compared"
    NIGHTLY = "nightly"
    KEPT = "kept"


COMPARED_TYPES: Mapping[str, About] = {
    **dict.fromkeys(("invoice.voided", "invoice.marked_uncollectible", "invoice.deleted"), About.INVOICE),
    **dict.fromkeys(("credit_note.created", "credit_note.updated", "credit_note.voided"), About.CREDIT_NOTE),
    **dict.fromkeys(("charge.refunded", "refund.created", "refund.updated", "refund.failed"), About.REFUND),
    **dict.fromkeys(
        (
            *("charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"),
            *("charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"),
        ),
        About.MOVEMENT,
    ),
}
"""What takes money or a debt back at Stripe, and as what it differs. A dispute is what it moves on Stripe's balance."""

WEBHOOK_TYPES: Mapping[str, WebhookUse] = {
    **dict.fromkeys(sorted(PAYMENT_TYPES), WebhookUse.ASKED),
    **dict.fromkeys(COMPARED_TYPES, WebhookUse.COMPARED),
    **dict.fromkeys(
        (
            *("invoice.finalized", "charge.succeeded", "charge.failed"),
            *("payout.created", "payout.paid", "payout.failed", "payout.canceled", "payout.updated"),
            *("payout.reconciliation_completed", "topup.succeeded", "topup.failed", "balance.available"),
        ),
        WebhookUse.NIGHTLY,
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
    COMPARED = "it is compared with our books"
    KEPT = "nothing is asked when it comes"
    IGNORED = "it is ignored"
    NO_KEY = "no key of Stripe's is set: it goes on by itself once one is"


_OBSTACLES = {
    StripeEventState.PENDING: SettlingObstacle.ASKED,
    StripeEventState.PROCESSED: SettlingObstacle.RECORDED,
    StripeEventState.COMPARED: SettlingObstacle.COMPARED,
    StripeEventState.KEPT: SettlingObstacle.KEPT,
    StripeEventState.IGNORED: SettlingObstacle.IGNORED,
}


def obstacle_to_settling(state: StripeEventState) -> SettlingObstacle | None:
    """None where it waits for a person, who may ignore it."""
    return _OBSTACLES.get(state)


def obstacle_to_retrying(state: StripeEventState) -> SettlingObstacle | None:
    """None where Stripe can be asked once more."""
    return SettlingObstacle.NO_KEY if state is StripeEventState.UNASKED else obstacle_to_settling(state)


@dataclass(frozen=True, slots=True)
class EventSubject:
    """What is compared when the event comes. Of a dispute the key is its own: what it moved is listed under it."""

    about: About
    key: str


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """`stripe_invoice_id` is whose payments are asked for; without it and a subject, nothing is asked."""

    event_id: str
    type: str
    stripe_invoice_id: str | None
    subject: EventSubject | None = None

    @property
    def first_state(self) -> StripeEventState:
        if self.stripe_invoice_id is not None or self.subject is not None:
            return StripeEventState.PENDING
        use = WEBHOOK_TYPES.get(self.type, WebhookUse.ASKED)
        return StripeEventState.IGNORED if use is WebhookUse.ASKED else StripeEventState.KEPT


def read_event(raw: bytes) -> ReceivedEvent | None:
    """None where the body is no event. No amount is read: Stripe is asked for those."""
    body = _parsed(raw)
    return event_of(body) if isinstance(body, dict) else None


def event_of(body: Mapping[Any, Any]) -> ReceivedEvent | None:
    """The same of one that Stripe lists."""
    event_id, type_ = _text(body.get("id")), _text(body.get("type"))
    if event_id is None or type_ is None or body.get("object") != "event":
        return None
    about = _about(body)
    invoice_id = _invoice_id(about) if type_ in PAYMENT_TYPES else None
    return ReceivedEvent(event_id, type_, invoice_id, _subject(type_, about))


def _parsed(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _about(body: Mapping[Any, Any]) -> Mapping[Any, Any]:
    wrapper = body.get("data")
    about = wrapper.get("object") if isinstance(wrapper, Mapping) else None
    return about if isinstance(about, Mapping) else {}


def _invoice_id(about: Mapping[Any, Any]) -> str | None:
    """An invoice's own id, or the id of the invoice that a payment is of."""
    return _text(about.get("id" if about.get("object") == "invoice" else "invoice"))


def _subject(type_: str, object_: Mapping[Any, Any]) -> EventSubject | None:
    about = COMPARED_TYPES.get(type_)
    if about is None:
        return None
    key = _KEYS[about](object_)
    return EventSubject(about, key) if key is not None else None


def _payment_of(object_: Mapping[Any, Any]) -> str | None:
    """The payment's lasting id, as a charge or a refund names it."""
    charge = object_.get("id" if object_.get("object") == "charge" else "charge")
    return _id_of(object_.get("payment_intent")) or _id_of(charge)


_KEYS: Mapping[About, Callable[[Mapping[Any, Any]], str | None]] = {
    About.INVOICE: lambda object_: _text(object_.get("id")),
    About.CREDIT_NOTE: lambda object_: _id_of(object_.get("invoice")),
    About.REFUND: _payment_of,
    About.MOVEMENT: lambda object_: _text(object_.get("id")),
}


def _id_of(expandable: object) -> str | None:
    """The id of what Stripe gives as an id or, expanded, as an object."""
    return _text(expandable.get("id") if isinstance(expandable, Mapping) else expandable)


def _text(value: object) -> str | None:
    """Short, and of what a database can hold."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID or not value.isprintable():
        return None
    return value
