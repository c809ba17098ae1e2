"""Value types that several events share, and the words of the field as they stand on the wire."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Cents = Annotated[int, Field(description="integer cents of the currency")]
Currency = Literal["AUD"]
Instant = Annotated[AwareDatetime, Field(description="an instant in UTC")]
Day = Annotated[date, Field(description="a day in the business's time zone")]
Word = Annotated[str, Field(max_length=60, description="a word of a list that may grow")]
SealedContact = Annotated[
    str,
    Field(description="base64 of nonce and ciphertext (AES-256-GCM) of LeadContact's JSON; the lead's id is its label"),
]


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SelectedPath(StrEnum):
    """What the person asked for; it decides the product."""

    RECOMMENDED_INSTALLER = "recommended_installer"
    COMPARE_QUOTES = "compare_quotes"

    @property
    def product_type(self) -> "ProductType":
        return ProductType.EXCLUSIVE if self is SelectedPath.RECOMMENDED_INSTALLER else ProductType.SHARED

    @property
    def max_assignments(self) -> int:
        return 1 if self is SelectedPath.RECOMMENDED_INSTALLER else 3


class ProductType(StrEnum):
    EXCLUSIVE = "exclusive"
    SHARED = "shared"


class AustralianState(StrEnum):
    ACT = "ACT"
    NSW = "NSW"
    NT = "NT"
    QLD = "QLD"
    SA = "SA"
    TAS = "TAS"
    VIC = "VIC"
    WA = "WA"


class InstallerStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"

    @property
    def takes_leads(self) -> bool:
        return self is InstallerStatus.ACTIVE


class CapStatus(StrEnum):
    COUNTED = "counted"
    RELEASED = "released"


class CapReleaseReason(StrEnum):
    INVALID_LEAD = "invalid_lead"
    DUPLICATE_DISPATCH = "duplicate_dispatch"
    DELIVERY_FAULT = "delivery_fault"
    OPERATOR_ERROR = "operator_error"
    CREDIT_LINKED = "credit_linked"


class CreditReason(StrEnum):
    DUPLICATE_DISPATCH = "duplicate_dispatch"
    POSTCODE_MISMATCH = "postcode_mismatch"
    UNREACHABLE_PAYLOAD = "unreachable_payload"
    INVALID_CONTACT = "invalid_contact"
    SYSTEM_FAULT = "system_fault"


INVALID_LEAD_CREDITS = frozenset({CreditReason.INVALID_CONTACT, CreditReason.POSTCODE_MISMATCH})
"""Credits that say that the lead itself was no good: they free its place. Any other is of money alone, and leaves it.

An unreachable payload is a fault of ours: the lead may be as good as any.
"""


class GstTreatment(StrEnum):
    """`taxable` at 10 %; `gst_free` carries none."""

    TAXABLE = "taxable"
    GST_FREE = "gst_free"


class InvoiceKind(StrEnum):
    INSTALLER = "installer"
    CLIENT = "client"


class AdjustmentType(StrEnum):
    CREDIT = "credit"
    DEBIT = "debit"


class DocumentKind(StrEnum):
    TAX_INVOICE = "tax_invoice"
    ADJUSTMENT_NOTE = "adjustment_note"


class BounceClass(StrEnum):
    """Whether a mail that came back would come back again: of RFC 3463's classes 5 and 4."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"


class MessagePurpose(StrEnum):
    """Why a mail is sent; with the subject it is the mail's identity."""

    LEAD_DELIVERY = "lead_delivery"
    INVOICE = "invoice"
    PAYOUT_RECEIPT = "payout_receipt"
    OPS_ALERT = "ops_alert"
    TICKET_REPLY = "ticket_reply"
    DIGEST = "digest"


class Location(Value):
    """Where the work is, as far as it does not name a person."""

    suburb: str
    state: AustralianState
    postcode: Annotated[str, Field(pattern=r"^\d{4}$")]


class LeadContact(Value):
    """The person behind a lead; absent once it was erased. Phone is E.164."""

    name: str
    email: str
    phone: str
    street: str


class CreditRequest(Value):
    """That a delivery be credited to its installer; asked again under the same id it is the same request.

    A proposal waits until finance agrees. Without `asked_by_id` no person asks, but what `asked_by_name` names.
    """

    request_id: UUID
    assignment_id: UUID
    installer_id: UUID
    reason_code: CreditReason
    note: str | None = None
    asked_by_id: UUID | None = None
    asked_by_name: str
    is_proposal: bool = False
