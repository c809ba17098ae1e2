"""Messages: a message is one mail to one person about one thing, once for ever."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from chassis.database import Versioned
from contracts.values import DocumentKind
from services.notifications.domain.addresses import is_deliverable
from services.notifications.domain.contacts import contact_in
from services.notifications.domain.messages import MailClass, MessageState, Settled, Standing, standing_of
from services.notifications.domain.purposes import MailPurpose
from services.notifications.domain.replies import SuppressionSource, Verdict
from services.notifications.models.columns import Model

PENDING = "pending"
"""An attempt whose outcome is not known yet."""


class Document(Model):
    """A document's bytes as billing rendered them; written once. A statement of account is of no invoice."""

    __tablename__ = "documents"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    invoice_id: Mapped[UUID | None]
    kind: Mapped[DocumentKind | None] = mapped_column(Word(DocumentKind))
    number: Mapped[str]
    file_name: Mapped[str]
    media_type: Mapped[str]
    sha256: Mapped[str]
    content: Mapped[bytes]
    received_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("(invoice_id IS NULL) = (kind IS NULL)", name="subject"),
        Index("ix_documents_invoice_id", "invoice_id"),
        Index("ix_documents_number", "number"),
    )


class VoidedInvoice(Model):
    """No mail about it leaves any more, in whatever order its events come; written once."""

    __tablename__ = "voided_invoices"

    invoice_id: Mapped[UUID] = mapped_column(primary_key=True)
    voided_at: Mapped[datetime]


class LeadKey(Model):
    """Opens a lead's contact. Without a key, one of version 0 has not come yet; others were destroyed for good."""

    __tablename__ = "lead_keys"

    lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[bytes | None]
    version: Mapped[int]

    __table_args__ = (
        CheckConstraint("octet_length(key) = 32", name="key_length"),
        CheckConstraint("version > 0 OR key IS NULL", name="asked_for_is_not_there"),
    )


class Message(Versioned, Model):
    """Identity is (purpose, subject, recipient, send_no): a replay finds its mail queued already.

    Delays run on business time (`next_attempt_at`); the lease runs on the database's clock, as moving business time
    must not take a message out of the hands of a process that is just sending it. `dated_at` is the Date header,
    the same in every try, so that what goes out twice is the same to the byte.
    """

    __tablename__ = "messages"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[MailPurpose] = mapped_column(Word(MailPurpose))
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    recipient_hash: Mapped[str]
    send_no: Mapped[int]
    recipient_email: Mapped[str | None]
    recipient_name: Mapped[str | None]
    mail_class: Mapped[MailClass] = mapped_column(Word(MailClass))
    priority: Mapped[int]
    template: Mapped[str]
    template_version: Mapped[int]
    context: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    extra_headers: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict, server_default="{}")
    waits_for_lead_id: Mapped[UUID | None]
    """Of whose person it tells as soon as the lead's key has come."""
    document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))
    thread_id: Mapped[UUID | None]
    header_id: Mapped[str] = mapped_column(unique=True)

    state: Mapped[MessageState] = mapped_column(Word(MessageState), default=MessageState.QUEUED)
    state_since: Mapped[datetime]
    reason_code: Mapped[str | None]
    smtp_status: Mapped[int | None]
    enhanced_status: Mapped[str | None]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    unknown_outcomes: Mapped[int] = mapped_column(default=0, server_default="0")
    next_attempt_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    sender_account_id: Mapped[UUID | None] = mapped_column(ForeignKey("sender_accounts.id"))
    cancelled_at: Mapped[datetime | None]
    override_reason: Mapped[str | None]

    dated_at: Mapped[datetime | None]
    sha256: Mapped[str | None]
    correlation_id: Mapped[str | None]
    causation_id: Mapped[str | None]
    traceparent: Mapped[str | None]
    created_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    bounced_at: Mapped[datetime | None]
    """When it was told that the mail had come back after it was accepted; `bounce_status` is RFC 3463's."""
    bounce_status: Mapped[str | None]
    erased_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("purpose", "subject_kind", "subject_id", "recipient_hash", "send_no", name="uq_messages_once"),
        Index(
            "ix_messages_due",
            "priority",
            "next_attempt_at",
            "id",
            postgresql_where=text("state IN ('queued', 'deferred')"),
        ),
        Index("ix_messages_in_hand", "lease_until", postgresql_where=text("state = 'sending'")),
        Index("ix_messages_created_at", "created_at", "id"),
        Index("ix_messages_state", "state", "created_at", "id"),
        Index("ix_messages_purpose", "purpose", "created_at", "id"),
        Index("ix_messages_subject", "subject_id", "created_at", "id"),
        Index(
            "ix_messages_lead",
            text("(context ->> 'lead_id')"),
            postgresql_where=text("purpose = 'lead_delivery'"),
        ),
        *(
            Index(
                f"ix_messages_corrected_{kind}",
                text(f"(context ->> '{kind}_id')"),
                postgresql_where=text("purpose = 'lead_correction'"),
            )
            for kind in ("lead", "assignment")
        ),
        Index(
            "ix_messages_waits_for_lead_id",
            "waits_for_lead_id",
            postgresql_where=text("waits_for_lead_id IS NOT NULL"),
        ),
        Index("ix_messages_recipient", "recipient_hash", "created_at", "id"),
        Index("ix_messages_thread", "thread_id", "accepted_at", postgresql_where=text("thread_id IS NOT NULL")),
        Index("ix_messages_bounced_at", "bounced_at", postgresql_where=text("bounced_at IS NOT NULL")),
        Index("ix_messages_to_erase", "state_since", postgresql_where=text("erased_at IS NULL")),
        one_of("state", MessageState),
        one_of("purpose", MailPurpose),
        CheckConstraint(
            "state NOT IN ('queued', 'deferred') OR next_attempt_at IS NOT NULL", name="waiting_has_its_time"
        ),
        CheckConstraint(
            "(state = 'sending') = (lease_until IS NOT NULL) AND (state <> 'sending' OR sender_account_id IS NOT NULL)",
            name="in_hand_has_its_lease",
        ),
        CheckConstraint("(state = 'accepted') = (accepted_at IS NOT NULL)", name="accepted_has_its_time"),
        CheckConstraint("bounced_at IS NULL OR (state = 'accepted' AND reason_code IS NOT NULL)", name="bounced"),
        CheckConstraint("(bounced_at IS NULL) = (bounce_status IS NULL)", name="bounced_has_its_status"),
        CheckConstraint(
            "erased_at IS NULL OR (recipient_email IS NULL AND recipient_name IS NULL AND context IS NULL)",
            name="erased_is_empty",
        ),
    )

    @property
    def standing(self) -> Standing:
        return standing_of(self.state, self.reason_code)

    @property
    def tells_of_nobody(self) -> bool:
        """A lead's mail whose person was erased."""
        is_of_lead = self.purpose is MailPurpose.LEAD_DELIVERY
        return is_of_lead and self.context is not None and contact_in(self.context) is None

    def settled(self, *, is_suppressed: bool) -> Settled:
        """As the rule of trying again asks for it."""
        invalid = self.reason_code == "recipient_invalid" or not is_deliverable(self.recipient_email or "")
        return Settled(
            state=self.state,
            purpose=self.purpose,
            was_published=self.version > 0,
            is_cancelled=self.cancelled_at is not None,
            is_erased=self.erased_at is not None,
            has_address=not invalid,
            is_suppressed=is_suppressed,
        )


class Attempt(Model):
    """One try of one message; `pending` until its outcome is known. `response` is the server's own text."""

    __tablename__ = "attempts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id"))
    attempt_no: Mapped[int]
    sender_account_id: Mapped[UUID] = mapped_column(ForeignKey("sender_accounts.id"))
    outcome: Mapped[str] = mapped_column(default=PENDING)
    smtp_status: Mapped[int | None]
    enhanced_status: Mapped[str | None]
    response: Mapped[str | None]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("message_id", "attempt_no"),
        Index("ix_attempts_pending", "sender_account_id", postgresql_where=text("outcome = 'pending'")),
        one_of("outcome", (PENDING, *Verdict)),
        CheckConstraint("(outcome = 'pending') = (finished_at IS NULL)", name="finished"),
    )


class Suppression(Model):
    """An address that gets no mail until `expires_at`. Known by its hash alone."""

    __tablename__ = "suppressions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    address_hash: Mapped[str]
    reason_code: Mapped[str]
    source: Mapped[SuppressionSource] = mapped_column(Word(SuppressionSource))
    detail: Mapped[str | None]
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]
    lifted_reason: Mapped[str | None]

    __table_args__ = (
        Index("uq_suppressions_standing", "address_hash", unique=True, postgresql_where=text("lifted_at IS NULL")),
        Index("ix_suppressions_created_at", "created_at", "id"),
        CheckConstraint("(lifted_at IS NULL) = (lifted_reason IS NULL)", name="lifted_has_its_reason"),
    )
