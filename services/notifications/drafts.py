"""Events as the mails that follow from them: who gets what, and what the templates are told."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chassis.causation import Cause
from chassis.ids import new_id
from contracts.billing import DeliveryHeld, InvoicePaymentHeld, InvoicePaymentRecorded, InvoiceSent
from contracts.books import BooksBlocked
from contracts.envelope import Envelope, Incoming
from contracts.payouts import AllocationHeld, PayoutFailed, PayoutHeld, PayoutSent
from contracts.routing import AssignmentCreated, DispatchExceptionEscalated, DispatchExceptionRaised
from services.notifications.commands.alerts import AlertKind, Trouble
from services.notifications.commands.messages import Draft
from services.notifications.domain.contacts import Gone, Person, Waits, told_in, told_openly
from services.notifications.domain.purposes import MailPurpose
from services.notifications.wording import money

DISPATCH_EXCEPTION = AlertKind(
    DispatchExceptionRaised.type,
    "Leads wait in the exception queue",
    "Each needs an operator: assign it by hand, or resolve it.",
)
EXCEPTION_ESCALATED = AlertKind(
    DispatchExceptionEscalated.type,
    "Leads wait for longer than they may",
    "Nobody saw to them in time: take each, or hand it to somebody who will.",
)
DELIVERY_HELD = AlertKind(
    DeliveryHeld.type,
    "Deliveries are held without a price",
    "The month cannot close until each has one: give the installer a price plan, then release them.",
)
BOOKS_BLOCKED = AlertKind(
    BooksBlocked.type,
    "Deliveries could not be recorded",
    "No month that they may be of can be drafted or issued: replay each in Parked events, or discard it with a reason.",
)
ALLOCATION_HELD = AlertKind(
    AllocationHeld.type,
    "Experts' pay is not allocated",
    "Mend the board's participation rules, then allocate it.",
)
PAYMENT_HELD = AlertKind(
    InvoicePaymentHeld.type,
    "Payments at Stripe are not in the books",
    "Each needs an operator: mend what stands in its way and try it again, or ignore it with a reason.",
)
OVER_PAID = AlertKind(
    InvoicePaymentRecorded.type,
    "Customers paid more than they owed",
    "The rest is kept for each of them: apply it to another invoice, or pay it back.",
)
PAYOUT_FAILED = AlertKind(
    PayoutFailed.type, "Payouts were refused", "Nothing was paid: see to the reason, then run each again."
)
PAYOUT_HELD = AlertKind(
    PayoutHeld.type,
    "Payouts are on hold",
    "Nothing was paid: see to the reason. The next sweep looks again; whoever cannot wait releases and runs each.",
)


def is_mailed(event: AssignmentCreated) -> bool:
    """Without a channel it is of the time when there was one only."""
    return event.channel in (None, "mail")


def lead_delivery(incoming: Incoming[AssignmentCreated], person: Person | None = None) -> Draft:
    """Of the person as they are told in words, unless it is known better."""
    event = incoming.event
    person = person or told_openly(event.contact)
    return Draft(
        purpose=MailPurpose.LEAD_DELIVERY,
        subject_kind="assignment",
        subject_id=event.assignment_id,
        recipient_email=event.deliver_to,
        recipient_name=event.installer_name,
        context=_lead(event, person),
        cause=Cause.of(incoming.envelope),
        withheld="contact_erased" if isinstance(person, Gone) else None,
        waits_for_lead_id=event.lead_id if isinstance(person, Waits) else None,
    )


def _lead(event: AssignmentCreated, person: Person) -> Mapping[str, Any]:
    return {
        **told_in(MailPurpose.LEAD_DELIVERY, person),
        **event.location.model_dump(mode="json"),
        "installer_name": event.installer_name,
        "service": event.service,
        "product_type": event.selected_path.product_type.value,
        "max_assignments": event.selected_path.max_assignments,
        "created_at": event.created_at.isoformat(),
        "assignment_id": str(event.assignment_id),
        "lead_id": str(event.lead_id),
    }


def invoice(incoming: Incoming[InvoiceSent], document_kind: str) -> Draft:
    event = incoming.event
    told = {"number", "recipient_name", "total_cents", "balance_cents", "currency", "due_at", "payment_url"}
    return Draft(
        purpose=MailPurpose.INVOICE,
        subject_kind="invoice",
        subject_id=event.invoice_id,
        recipient_email=event.recipient_email,
        recipient_name=event.recipient_name,
        context={**event.model_dump(mode="json", include=told), "document_kind": document_kind},
        cause=Cause.of(incoming.envelope),
        send_no=event.send_no,
        document_id=event.document_id,
    )


def invoice_copies(incoming: Incoming[InvoiceSent], document_kind: str) -> list[Draft]:
    """The same mail to each who gets a copy: an address that is named twice, or is the recipient's, gets one."""
    first, event = invoice(incoming, document_kind), incoming.event
    known = {event.recipient_email.strip().lower()}
    copies = []
    for address in event.copy_to:
        if address.strip().lower() not in known:
            known.add(address.strip().lower())
            copies.append(replace(first, id=new_id(), recipient_email=address))
    return copies


def payout_receipt(incoming: Incoming[PayoutSent]) -> Draft:
    event = incoming.event
    told = {"payout_id", "expert_name", "board_title", "amount_cents", "currency", "stripe_transfer_id", "sent_at"}
    return Draft(
        purpose=MailPurpose.PAYOUT_RECEIPT,
        subject_kind="payout",
        subject_id=event.payout_id,
        recipient_email=event.expert_email,
        recipient_name=event.expert_name,
        context=event.model_dump(mode="json", include=told),
        cause=Cause.of(incoming.envelope),
    )


def dispatch_exception(incoming: Incoming[DispatchExceptionRaised]) -> Trouble:
    event = incoming.event
    ids = {"lead": str(event.lead_id), "exception": str(event.exception_id)}
    if event.assignment_id is not None:
        ids["assignment"] = str(event.assignment_id)
    return _trouble(incoming.envelope, event.reason_code, event.raised_at.isoformat(), ids, event.detail)


def exception_escalated(incoming: Incoming[DispatchExceptionEscalated]) -> Trouble:
    event = incoming.event
    ids = {"lead": str(event.lead_id), "exception": str(event.exception_id)}
    detail = f"{event.detail}; {f'{event.owner_name} has it' if event.owner_name else 'nobody has it'}"
    return _trouble(incoming.envelope, event.reason_code, event.escalated_at.isoformat(), ids, detail)


def delivery_held(incoming: Incoming[DeliveryHeld]) -> Trouble:
    event = incoming.event
    ids = {"assignment": str(event.assignment_id), "installer": str(event.installer_id), "lead": str(event.lead_id)}
    return _trouble(incoming.envelope, event.reason_code, event.delivered_at.isoformat(), ids)


def books_blocked(incoming: Incoming[BooksBlocked]) -> Trouble:
    event = incoming.event
    detail = f"{event.count} {'waits' if event.count == 1 else 'wait'}"
    return _trouble(incoming.envelope, event.reason_code, event.since.isoformat(), {}, detail)


def payment_held(incoming: Incoming[InvoicePaymentHeld]) -> Trouble:
    event = incoming.event
    ids = {"invoice": str(event.invoice_id), "payment": event.external_payment_ref}
    return _trouble(incoming.envelope, event.reason_code, event.held_at.isoformat(), ids, event.detail)


def over_paid(incoming: Incoming[InvoicePaymentRecorded]) -> Trouble:
    event = incoming.event
    ids = {"invoice": str(event.invoice_id), "payment": str(event.payment_id)}
    detail = f"{money(event.customer_credit_cents or 0)} of {money(event.amount_cents)} is the customer's"
    return _trouble(incoming.envelope, "over_paid", event.received_at.isoformat(), ids, detail)


def allocation_held(incoming: Incoming[AllocationHeld]) -> Trouble:
    event = incoming.event
    ids = {"board": str(event.board_id)}
    return _trouble(incoming.envelope, event.reason_code, event.held_at.isoformat(), ids, event.detail)


def payout_failed(incoming: Incoming[PayoutFailed]) -> Trouble:
    event = incoming.event
    return _trouble(incoming.envelope, event.reason_code, event.failed_at.isoformat(), _payout_ids(event))


def payout_held(incoming: Incoming[PayoutHeld]) -> Trouble:
    event = incoming.event
    return _trouble(incoming.envelope, event.reason_code, event.held_at.isoformat(), _payout_ids(event))


def _payout_ids(event: PayoutFailed | PayoutHeld) -> dict[str, str]:
    return {"payout": str(event.payout_id), "expert": str(event.expert_id), "board": str(event.board_id)}


def _trouble(envelope: Envelope, reason_code: str, at: str, ids: dict[str, str], detail: str = "") -> Trouble:
    return Trouble(envelope.id, reason_code, at, ids, detail, Cause.of(envelope))
