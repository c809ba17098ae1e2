"""Events of billing's books that are about no single invoice or delivery: `subject_id` is the key of each of them."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts import topics
from contracts.envelope import Event
from contracts.values import Cents, Currency, Day, GstTreatment, Instant, Word


class PricePlanAdded(Event):
    """A version of an installer's prices, the subject, from an instant on; without prices it ends them."""

    type: ClassVar[str] = "price_plan.added"
    topic: ClassVar[topics.Topic] = topics.BOOKS

    subject_id: UUID
    installer_id: UUID
    effective_from: Instant
    exclusive_price_cents: Cents | None = None
    shared_price_cents: Cents | None = None
    currency: Currency
    gst_treatment: GstTreatment
    includes_gst: bool
    added_by_name: str
    added_at: Instant


class MonthDrafted(Event):
    """A run over a month's drafts ended; the subject is the run. A later run of the month may draft more."""

    type: ClassVar[str] = "month.drafted"
    topic: ClassVar[topics.Topic] = topics.BOOKS

    subject_id: UUID
    period: Annotated[str, Field(description="a month of the business's time zone, as 2026-03")]
    drafted_count: int
    redrafted_count: int
    unchanged_count: int
    failed_count: int
    total_cents: Cents
    currency: Currency
    asked_by_name: str
    finished_at: Instant


class MonthIssued(Event):
    """A run that issues a month's drafts ended; the subject is the run. A later one may issue what was blocked."""

    type: ClassVar[str] = "month.issued"
    topic: ClassVar[topics.Topic] = topics.BOOKS

    subject_id: UUID
    period: Annotated[str, Field(description="a month of the business's time zone, as 2026-03")]
    issued_count: int
    blocked_count: int
    failed_count: int
    total_cents: Cents
    currency: Currency
    asked_by_name: str
    finished_at: Instant


class ReceivablesSnapshotTaken(Event):
    """What all accounts owed at an instant, by days overdue; the subject is the snapshot.

    `ledger_cents` is what the journal says of the same instant, and `ties` whether it is the sum.
    """

    type: ClassVar[str] = "receivables.snapshot_taken"
    topic: ClassVar[topics.Topic] = topics.BOOKS

    subject_id: UUID
    kind: Word
    period: str | None = None
    as_of: Instant
    not_due_cents: Cents
    to_30_cents: Cents
    to_60_cents: Cents
    to_90_cents: Cents
    over_90_cents: Cents
    credit_cents: Cents
    disputed_cents: Cents
    account_count: int
    ledger_cents: Cents
    ties: bool
    currency: Currency
    taken_at: Instant


class PaymentReceived(Event):
    """Money came in at once for an account, the subject a receipt; what of it pays for invoices is told of each.

    `rest_cents` is what no invoice took: it is the customer's credit.
    """

    type: ClassVar[str] = "payment.received"
    topic: ClassVar[topics.Topic] = topics.BOOKS

    subject_id: UUID
    account_id: UUID
    amount_cents: Cents
    rest_cents: Cents
    currency: Currency
    method: Word
    received_at: Instant
    recorded_at: Instant


class DifferenceChanged(Event):
    """Full state of a difference between our books and Stripe's, the subject. `state`: `open`, `gone` or `accepted`.

    `kind` is in what they differ, `about` is what: an invoice, a payment, a movement of Stripe's balance.
    """

    type: ClassVar[str] = "difference.changed"
    topic: ClassVar[topics.Topic] = topics.BOOKS

    subject_id: UUID
    kind: Word
    about: Word
    about_key: str
    code: Word
    invoice_id: UUID | None = None
    payment_id: UUID | None = None
    stripe_id: str | None = None
    ours_cents: Cents | None = None
    theirs_cents: Cents | None = None
    currency: Currency
    ours_state: Word | None = None
    theirs_state: Word | None = None
    state: Word
    owner_id: UUID | None = None
    owner_name: str | None = None
    reason_code: Word | None = None
    first_seen_at: Instant
    changed_at: Instant


class BooksCertified(Event):
    """Every equality of the books was looked at in one snapshot; the subject is the certificate.

    `failed` are the names of those that do not hold.
    """

    type: ClassVar[str] = "books.certified"
    topic: ClassVar[topics.Topic] = topics.BOOKS

    subject_id: UUID
    as_of: Instant
    equality_count: int
    failed: tuple[Word, ...]
    is_signed: bool
    certified_at: Instant


class BooksBlocked(Event):
    """Something keeps the books from being closed since an instant; the subject is this one episode of it."""

    type: ClassVar[str] = "books.blocked"
    topic: ClassVar[topics.Topic] = topics.BOOKS

    subject_id: UUID
    reason_code: Word
    count: int
    since: Instant


class ReconciliationFinished(Event):
    """Our books were compared with Stripe's; the subject is the run. Differences are counted."""

    type: ClassVar[str] = "reconciliation.finished"
    topic: ClassVar[topics.Topic] = topics.BOOKS

    subject_id: UUID
    opened: int
    open: int
    closed: int
    finished_at: Instant


class StatementSent(Event):
    """An account's statement of a span of days, the subject, is to be mailed; the bytes are the whole of it."""

    type: ClassVar[str] = "statement.sent"
    topic: ClassVar[topics.Topic] = topics.BOOKS

    subject_id: UUID
    account_id: UUID
    from_day: Day
    to_day: Day
    file_name: str
    media_type: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    content_base64: str
    recipient_name: str
    recipient_email: str
    closing_cents: Cents
    currency: Currency
    sent_at: Instant
