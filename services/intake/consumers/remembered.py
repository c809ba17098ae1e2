"""Which events a lead's timeline keeps for itself: what may be told again, and what something later takes the place of.

What happens once to an assignment stands with it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import Handler
from contracts.billing import (
    DeliveryCredited,
    DeliveryHeld,
    DeliveryRecorded,
    DeliveryVoided,
    InvoiceAdjusted,
    InvoiceCreditApplied,
    InvoiceDeliveriesListed,
    InvoicePaid,
    InvoicePaymentRecorded,
    InvoiceVoided,
)
from contracts.envelope import Event, Incoming
from contracts.notifications import MessageSettled
from contracts.routing import (
    AssignmentReturnDenied,
    AssignmentReturned,
    AssignmentReturnRequested,
    AssignmentReturnWithdrawn,
    DispatchExceptionEscalated,
    DispatchExceptionOwnerChanged,
    DispatchExceptionSnoozed,
)
from contracts.settlement import (
    InvoiceCreditUnapplied,
    InvoicePaymentReversed,
    InvoiceWriteOffReversed,
    InvoiceWrittenOff,
)
from contracts.values import AdjustmentType
from services.intake.commands.remembering import Happened, remember


def remembered(handlers: Mapping[type[Event], Handler]) -> Mapping[type[Event], Handler]:
    """The handlers, each of which keeps what happened too where the timeline keeps its event."""
    return {event: _and_remembers(handler, event) for event, handler in handlers.items()}


def _and_remembers(handler: Handler, event: type[Event]) -> Handler:
    if (part := KEPT.get(event)) is None:
        return handler

    async def handle(session: AsyncSession, batch: list[Incoming[Any]]) -> None:
        await handler(session, batch)
        await remember(session, [each for incoming in batch for each in _happened(incoming, part)])

    return handle


@dataclass(frozen=True, slots=True)
class Part:
    """Which fields of an event say what happened to whom, when and why; `is_kept` where not each of them counts."""

    subject: str
    at: str
    reason: str = "reason_code"
    amount: str = "amount_cents"
    detail: str = ""
    is_kept: Callable[[Any], bool] | None = None


def _leaves_something(event: Any) -> bool:
    """Where nothing is left to pay, that it is paid is told by an event of its own."""
    return bool(event.balance_cents > 0)


def _is_debit(event: Any) -> bool:
    return event.adjustment_type is AdjustmentType.DEBIT and _leaves_something(event)


ASSIGNMENT, INVOICE, LEAD = "assignment_id", "invoice_id", "lead_id"
KEPT: Mapping[type[Event], Part] = {
    AssignmentReturnRequested: Part(ASSIGNMENT, "requested_at"),
    AssignmentReturned: Part(ASSIGNMENT, "returned_at"),
    AssignmentReturnDenied: Part(ASSIGNMENT, "denied_at", reason="denial_code"),
    AssignmentReturnWithdrawn: Part(ASSIGNMENT, "withdrawn_at"),
    DeliveryHeld: Part(ASSIGNMENT, "delivered_at"),
    DeliveryRecorded: Part(ASSIGNMENT, "delivered_at", amount="unit_price_cents"),
    DeliveryCredited: Part(ASSIGNMENT, "credited_at"),
    DeliveryVoided: Part(ASSIGNMENT, "voided_at"),
    DispatchExceptionEscalated: Part(LEAD, "escalated_at"),
    DispatchExceptionOwnerChanged: Part(LEAD, "changed_at", detail="owner_name"),
    DispatchExceptionSnoozed: Part(LEAD, "changed_at", detail="snoozed_until"),
    InvoiceDeliveriesListed: Part("assignment_ids", "listed_at"),
    InvoicePaymentRecorded: Part(INVOICE, "received_at", is_kept=_leaves_something),
    InvoicePaymentReversed: Part(INVOICE, "reversed_at", is_kept=_leaves_something),
    InvoiceCreditApplied: Part(INVOICE, "applied_at", is_kept=_leaves_something),
    InvoiceCreditUnapplied: Part(INVOICE, "unapplied_at", is_kept=_leaves_something),
    InvoicePaid: Part(INVOICE, "paid_at"),
    InvoiceVoided: Part(INVOICE, "voided_at"),
    InvoiceWrittenOff: Part(INVOICE, "written_off_at"),
    InvoiceWriteOffReversed: Part(INVOICE, "reversed_at"),
    InvoiceAdjusted: Part(INVOICE, "adjusted_at", is_kept=_is_debit),
    MessageSettled: Part(ASSIGNMENT, "settled_at"),
}


def _happened(incoming: Incoming[Any], part: Part) -> Sequence[Happened]:
    event = incoming.event
    if part.is_kept and not part.is_kept(event):
        return []
    return [
        Happened(
            event_id=incoming.envelope.id,
            subject_id=subject_id,
            version=incoming.envelope.aggregate_version,
            kind=event.type,
            at=getattr(event, part.at),
            reason_code=getattr(event, part.reason, None),
            amount_cents=_amount_of(event, part),
            balance_cents=getattr(event, "balance_cents", None),
            invoice_id=getattr(event, "invoice_id", None),
            number=getattr(event, "number", None),
            adjustment_id=getattr(event, "adjustment_id", None),
            purpose=getattr(event, "purpose", None),
            outcome=getattr(event, "outcome", None),
            detail=_detail_of(event, part),
        )
        for subject_id in _subjects(getattr(event, part.subject))
    ]


def _amount_of(event: Any, part: Part) -> int | None:
    """With GST, as it is owed."""
    amount_cents: int | None = getattr(event, part.amount, None)
    return amount_cents + event.gst_cents if isinstance(event, InvoiceAdjusted) and amount_cents else amount_cents


def _detail_of(event: Any, part: Part) -> str | None:
    detail = getattr(event, part.detail, None)
    return detail.isoformat() if isinstance(detail, datetime) else detail


def _subjects(named: UUID | tuple[UUID, ...]) -> tuple[UUID, ...]:
    return named if isinstance(named, tuple) else (named,)
