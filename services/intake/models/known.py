"""What intake keeps of the other services' events, so that a lead's page and list tell all that is known of it.

No table refers to another: topics have no order between them, and what is told of a delivery may come before its
assignment. `version` is the newest event's that was applied; words are the wire's, which may grow.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.models.model import Model


class LeadAssignment(Model):
    """A lead given to an installer, as routing tells it: sent, failed, cancelled or returned, None while it is pending.

    `cap_status` is counted, released or given_back, None while it is reserved; `ended_at` is when it failed or was
    cancelled; `return_state` is asked, accepted, denied or withdrawn.
    """

    __tablename__ = "lead_assignments"

    assignment_id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID]
    installer_id: Mapped[UUID]
    installer_name: Mapped[str | None]
    selected_path: Mapped[str | None]
    status: Mapped[str | None]
    created_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reason_code: Mapped[str | None]
    cap_status: Mapped[str | None]
    cap_reason: Mapped[str | None]
    cap_released_at: Mapped[datetime | None]
    return_state: Mapped[str | None]
    return_reason: Mapped[str | None]
    return_changed_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]
    version: Mapped[int]

    __table_args__ = (
        Index("ix_lead_assignments_lead_id_created_at", "lead_id", "created_at"),
        Index("ix_lead_assignments_returned_at", "returned_at", postgresql_where=text("returned_at IS NOT NULL")),
    )


class LeadDelivery(Model):
    """What billing has of a delivery: held, billable, credited or void, since when. `reason_code` is of what is not
    billable, and stays what one was held for. What is told of its end names no lead: `lead_id` is missing where its
    beginning never came.
    """

    __tablename__ = "lead_deliveries"

    assignment_id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID | None]
    delivery_event_id: Mapped[UUID | None]
    state: Mapped[str]
    unit_price_cents: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None]
    reason_code: Mapped[str | None]
    recorded_at: Mapped[datetime | None]
    """When it was delivered, which is when it became billable."""
    since: Mapped[datetime]
    version: Mapped[int]

    __table_args__ = (Index("ix_lead_deliveries_lead_id_state", "lead_id", "state"),)


class KnownInvoice(Model):
    """An invoice of billing's: draft, issued, partly_paid, paid, written_off or void. A draft has no number."""

    __tablename__ = "known_invoices"

    invoice_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str | None]
    kind: Mapped[str | None]
    state: Mapped[str]
    since: Mapped[datetime | None]
    version: Mapped[int]


class InvoicedDelivery(Model):
    """The invoice that charges a delivery: the last that listed it. With `adjustment_id` a debit of it does."""

    __tablename__ = "invoiced_deliveries"

    assignment_id: Mapped[UUID] = mapped_column(primary_key=True)
    invoice_id: Mapped[UUID]
    number: Mapped[str]
    adjustment_id: Mapped[UUID | None]
    listed_at: Mapped[datetime]


class LeadMessage(Model):
    """What became of a mail that brings an installer a lead, or tells of one it has: accepted or failed.

    What was accepted may come back: `bounce_status` is RFC 3463's.
    """

    __tablename__ = "lead_messages"

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    assignment_id: Mapped[UUID] = mapped_column(index=True)
    purpose: Mapped[str] = mapped_column(default="lead_delivery", server_default="lead_delivery")
    outcome: Mapped[str]
    reason_code: Mapped[str | None]
    smtp_status: Mapped[int | None]
    at: Mapped[datetime]
    bounced_at: Mapped[datetime | None]
    bounce_status: Mapped[str | None]
    bounce_reason: Mapped[str | None]
    version: Mapped[int]

    @property
    def brings_the_lead(self) -> bool:
        return self.purpose == "lead_delivery"

    @property
    def standing(self) -> str:
        """As accepted, failed or bounced."""
        return self.outcome if self.bounced_at is None else "bounced"


class LeadMoment(Model):
    """What happened, by the type of the event that told of it: for a timeline, which forgets nothing that came later.

    Its subject is the lead, the assignment or the invoice it happened to. Where a delivery is put on an invoice, the
    assignment's moment names that, and its number; what happens to the invoice is told once for all that stand on it.
    Of one subject `version` orders what happened at one instant. Written once.
    """

    __tablename__ = "lead_moments"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    kind: Mapped[str]
    at: Mapped[datetime]
    reason_code: Mapped[str | None]
    amount_cents: Mapped[int | None] = mapped_column(BigInteger)
    balance_cents: Mapped[int | None] = mapped_column(BigInteger)
    """What was left to pay of the invoice."""
    invoice_id: Mapped[UUID | None]
    number: Mapped[str | None]
    adjustment_id: Mapped[UUID | None]
    purpose: Mapped[str | None]
    """Of a mail, with its outcome."""
    outcome: Mapped[str | None]
    detail: Mapped[str | None]
    """Of an item of the exception queue: whose it is, or until when it is put off, in ISO 8601."""

    __table_args__ = (Index("ix_lead_moments_subject_id_at", "subject_id", "at"),)


class LeadDecision(Model):
    """One attempt of routing at a lead: of how many installers it chose how many."""

    __tablename__ = "lead_decisions"

    decision_id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(index=True)
    attempt_no: Mapped[int]
    candidates: Mapped[int]
    chosen: Mapped[int]
    decided_at: Mapped[datetime]


class LeadSearch(Model):
    """By what a lead is found: its text, that of all that were merged into it, and the trigrams of both.

    As domain/grams.py makes them. `merged` is empty where nothing was merged into it.
    """

    __tablename__ = "lead_search"

    lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    text: Mapped[str]
    merged: Mapped[str] = mapped_column(default="", server_default="")
    grams: Mapped[list[int]] = mapped_column(ARRAY(INTEGER))

    __table_args__ = (Index("ix_lead_search_grams", "grams", postgresql_using="gin"),)
