"""Events that payouts publishes."""

from typing import ClassVar
from uuid import UUID

from contracts import topics
from contracts.envelope import Event
from contracts.values import Cents, Currency, Instant


class AllocationHeld(Event):
    """A closed board's pay could not be allocated; an operator must mend its participation rules."""

    type: ClassVar[str] = "allocation.held"
    topic: ClassVar[topics.Topic] = topics.PAYOUTS
    subject_field: ClassVar[str | None] = "board_id"

    board_id: UUID
    reason_code: str
    detail: str
    held_at: Instant


class PayoutAllocated(Event):
    """An expert has earned this for a board; it waits for the client's payment."""

    type: ClassVar[str] = "payout.allocated"
    topic: ClassVar[topics.Topic] = topics.PAYOUTS

    payout_id: UUID
    expert_id: UUID
    board_id: UUID
    amount_cents: Cents
    currency: Currency
    allocated_at: Instant


class PayoutReady(Event):
    """The client has paid: the next sweep may send it."""

    type: ClassVar[str] = "payout.ready"
    topic: ClassVar[topics.Topic] = topics.PAYOUTS

    payout_id: UUID
    expert_id: UUID
    board_id: UUID
    invoice_id: UUID
    amount_cents: Cents
    currency: Currency
    ready_at: Instant


class PayoutSent(Event):
    """Stripe took the transfer over; the receipt goes to the expert."""

    type: ClassVar[str] = "payout.sent"
    topic: ClassVar[topics.Topic] = topics.PAYOUTS

    payout_id: UUID
    expert_id: UUID
    expert_name: str
    expert_email: str
    board_id: UUID
    board_title: str
    amount_cents: Cents
    currency: Currency
    stripe_transfer_id: str
    sent_at: Instant


class PayoutHeld(Event):
    """It cannot be sent as things stand; an operator sees the reason."""

    type: ClassVar[str] = "payout.held"
    topic: ClassVar[topics.Topic] = topics.PAYOUTS

    payout_id: UUID
    expert_id: UUID
    board_id: UUID
    reason_code: str
    held_at: Instant


class PayoutFailed(Event):
    """Stripe refused the transfer for good reason; nothing was paid."""

    type: ClassVar[str] = "payout.failed"
    topic: ClassVar[topics.Topic] = topics.PAYOUTS

    payout_id: UUID
    expert_id: UUID
    board_id: UUID
    amount_cents: Cents
    currency: Currency
    reason_code: str
    failed_at: Instant


class PayoutReversed(Event):
    """Money came back from the expert; `amount_cents` is this reversal, not the sum of them."""

    type: ClassVar[str] = "payout.reversed"
    topic: ClassVar[topics.Topic] = topics.PAYOUTS

    payout_id: UUID
    expert_id: UUID
    board_id: UUID
    amount_cents: Cents
    currency: Currency
    stripe_reversal_id: str
    reversed_at: Instant
