"""Events, drafts and short ways into the tables, all synthetic."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import text

from chassis.audit import System
from chassis.database import Database
from chassis.outbox import unpack_headers
from contracts.billing import (
    DeliveryHeld,
    InvoiceDocumentRendered,
    InvoicePaymentHeld,
    InvoicePaymentRecorded,
    InvoiceSent,
    InvoiceVoided,
)
from contracts.books import BooksBlocked
from contracts.envelope import Envelope, from_headers
from contracts.payouts import PayoutHeld, PayoutSent
from contracts.routing import (
    AssignmentCancelled,
    AssignmentCreated,
    AssignmentLeadCorrected,
    DispatchExceptionEscalated,
    DispatchExceptionRaised,
)
from contracts.values import (
    AustralianState,
    DocumentKind,
    InvoiceKind,
    LeadContact,
    Location,
    SelectedPath,
)
from services.notifications.commands.accounts import AccountProfile, add_account
from services.notifications.commands.messages import Draft, queue_messages
from services.notifications.domain.messages import MailClass
from services.notifications.domain.purposes import MailPurpose

NOW = datetime(2026, 3, 3, 2, 15, tzinfo=UTC)
SYDNEY = ZoneInfo("Australia/Sydney")
DOMAIN = "waybill.example"
OPERATOR = System("Robin Field")
CONTACT = LeadContact(
    name="Mia O'Brien", email="mia.obrien@example.test", phone="+61412345678", street="12 Cadogan Street"
)
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40 + b"\n%%EOF\n"


def assignment_created(**changes: Any) -> AssignmentCreated:
    known: dict[str, Any] = {
        "assignment_id": uuid4(),
        "lead_id": uuid4(),
        "installer_id": uuid4(),
        "installer_name": "Southern Sun Solar",
        "deliver_to": "leads@southernsun.example",
        "selected_path": SelectedPath.COMPARE_QUOTES,
        "service": "solar-battery",
        "location": Location(suburb="Marrickville", state=AustralianState.NSW, postcode="2204"),
        "contact": CONTACT,
        "created_at": NOW,
    }
    return AssignmentCreated(**known | changes)


def assignment_cancelled(assignment_id: UUID) -> AssignmentCancelled:
    return AssignmentCancelled(
        assignment_id=assignment_id,
        lead_id=uuid4(),
        installer_id=uuid4(),
        reason_code="operator",
        cancelled_at=NOW,
    )


def lead_corrected(*fields: str, **changes: Any) -> AssignmentLeadCorrected:
    """The phone, unless told otherwise."""
    known: dict[str, Any] = {
        "assignment_id": uuid4(),
        "lead_id": uuid4(),
        "installer_id": uuid4(),
        "installer_name": "Southern Sun Solar",
        "deliver_to": "leads@southernsun.example",
        "correction_id": uuid4(),
        "fields": fields or ("phone",),
        "contact": CONTACT,
        "service": "solar-battery",
        "location": Location(suburb="Marrickville", state=AustralianState.NSW, postcode="2204"),
        "corrected_at": NOW,
    }
    return AssignmentLeadCorrected(**known | changes)


def document_rendered(content: bytes = PDF, **changes: Any) -> InvoiceDocumentRendered:
    known: dict[str, Any] = {
        "invoice_id": uuid4(),
        "document_id": uuid4(),
        "kind": DocumentKind.TAX_INVOICE,
        "number": "WB-000042",
        "file_name": "WB-000042.pdf",
        "media_type": "application/pdf",
        "sha256": hashlib.sha256(content).hexdigest(),
        "content_base64": base64.b64encode(content).decode(),
    }
    return InvoiceDocumentRendered(**known | changes)


def invoice_sent(document: InvoiceDocumentRendered, **changes: Any) -> InvoiceSent:
    known: dict[str, Any] = {
        "invoice_id": document.invoice_id,
        "document_id": document.document_id,
        "kind": InvoiceKind.INSTALLER,
        "number": document.number,
        "send_no": 1,
        "recipient_name": "Accounts Payable",
        "recipient_email": "accounts@southernsun.example",
        "total_cents": 49_500,
        "balance_cents": 49_500,
        "currency": "AUD",
        "due_at": datetime(2026, 4, 8, 13, 59, 59, tzinfo=UTC),
        "payment_url": "https://pay.example.test/i/WB-000042",
        "sent_at": NOW,
    }
    return InvoiceSent(**known | changes)


def invoice_voided(invoice_id: UUID) -> InvoiceVoided:
    return InvoiceVoided(
        invoice_id=invoice_id,
        kind=InvoiceKind.INSTALLER,
        number="WB-000042",
        reason_code="wrong_details",
        voided_at=NOW,
    )


def payment_recorded(**changes: Any) -> InvoicePaymentRecorded:
    known: dict[str, Any] = {
        "invoice_id": uuid4(),
        "payment_id": uuid4(),
        "amount_cents": 9_350,
        "currency": "AUD",
        "method": "stripe",
        "received_at": NOW,
        "balance_cents": 0,
    }
    return InvoicePaymentRecorded(**known | changes)


def payment_held() -> InvoicePaymentHeld:
    return InvoicePaymentHeld(
        invoice_id=uuid4(),
        external_payment_ref="pi_3PqT2cLkdIwHu7ix",
        amount_cents=9_350,
        payment_currency="USD",
        reason_code="currency_not_kept",
        detail="it is in USD",
        held_at=NOW,
    )


def payout_sent(**changes: Any) -> PayoutSent:
    known: dict[str, Any] = {
        "payout_id": uuid4(),
        "expert_id": uuid4(),
        "expert_name": "Dr Priya Raman",
        "expert_email": "priya.raman@example.test",
        "board_id": uuid4(),
        "board_title": "Market entry: home batteries",
        "amount_cents": 20_000,
        "currency": "AUD",
        "stripe_transfer_id": "tr_1Nexample000000000000",
        "sent_at": NOW,
    }
    return PayoutSent(**known | changes)


def payout_held() -> PayoutHeld:
    return PayoutHeld(
        payout_id=uuid4(), expert_id=uuid4(), board_id=uuid4(), reason_code="account_not_payable", held_at=NOW
    )


def delivery_held() -> DeliveryHeld:
    return DeliveryHeld(
        assignment_id=uuid4(), lead_id=uuid4(), installer_id=uuid4(), reason_code="no_price_plan", delivered_at=NOW
    )


def books_blocked(**changes: Any) -> BooksBlocked:
    known = {"subject_id": uuid4(), "reason_code": "deliveries_unrecorded", "count": 2, "since": NOW}
    return BooksBlocked.model_validate(known | changes)


def exception_escalated() -> DispatchExceptionEscalated:
    return DispatchExceptionEscalated(
        lead_id=uuid4(),
        exception_id=uuid4(),
        reason_code="delivery_failed",
        kind="alarming",
        detail="its mail server refused the address",
        escalated_at=NOW,
    )


def exception_raised() -> DispatchExceptionRaised:
    return DispatchExceptionRaised(
        lead_id=uuid4(),
        exception_id=uuid4(),
        reason_code="no_eligible_installer",
        detail="no installer serves the postcode",
        raised_at=NOW,
    )


def draft(recipient: str = "leads@southernsun.example", **changes: Any) -> Draft:
    """A payout's receipt unless told otherwise: the simplest of the mails whose outcome is published."""
    known: dict[str, Any] = {
        "purpose": MailPurpose.PAYOUT_RECEIPT,
        "subject_kind": "payout",
        "subject_id": uuid4(),
        "recipient_email": recipient,
        "recipient_name": "Dr Priya Raman",
        "context": {
            "payout_id": str(uuid4()),
            "expert_name": "Dr Priya Raman",
            "board_title": "Market entry: home batteries",
            "amount_cents": 20_000,
            "currency": "AUD",
            "stripe_transfer_id": "tr_1Nexample000000000000",
            "sent_at": NOW.isoformat(),
        },
    }
    return Draft(**known | changes)


async def queue(database: Database, *drafts: Draft, now: datetime = NOW) -> list[UUID]:
    async with database.transaction() as session:
        await queue_messages(session, drafts, DOMAIN, now)
    return [one.id for one in drafts]


async def account(database: Database, name: str = "first", **changes: Any) -> UUID:
    known: dict[str, Any] = {
        "from_address": f"{name}@waybill.example",
        "from_name": "Waybill",
        "secret_name": "SMTP_URL",
        "daily_cap": 1000,
        "mail_classes": frozenset(MailClass),
    }
    async with database.transaction() as session:
        return (await add_account(session, AccountProfile(name=name, **known | changes), OPERATOR, NOW)).id


async def rows(database: Database, query: str, **arguments: Any) -> Sequence[Mapping[str, Any]]:
    async with database.reading() as session:
        return [dict(row) for row in (await session.execute(text(query), arguments)).mappings()]


async def one(database: Database, query: str, **arguments: Any) -> Mapping[str, Any]:
    (row,) = await rows(database, query, **arguments)
    return row


async def message(database: Database, message_id: UUID) -> Mapping[str, Any]:
    return await one(database, "SELECT * FROM messages WHERE id = :id", id=message_id)


async def states(database: Database) -> list[str]:
    found = await rows(database, "SELECT state FROM messages ORDER BY created_at, id")
    return [row["state"] for row in found]


@dataclass(frozen=True)
class Published:
    envelope: Envelope
    body: str


async def published(database: Database) -> list[Published]:
    found = await rows(database, "SELECT headers, body FROM outbox ORDER BY id")
    return [Published(from_headers(unpack_headers(row["headers"])), row["body"].decode()) for row in found]
