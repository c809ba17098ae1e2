"""Money that came in, and what Stripe told us about it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.billing.domain.reconciliation import About
from services.billing.domain.statuses import PaymentMethod, StripeEventState
from services.billing.models.columns import Table


class Payment(Table):
    """Written once. A reference stands for one payment, however often it is sent to us; Stripe's have its id.

    What came in with others is named by its receipt.
    """

    __tablename__ = "payments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"))
    amount_cents: Mapped[int]
    currency: Mapped[str]
    received_at: Mapped[datetime]
    method: Mapped[PaymentMethod] = mapped_column(Word(PaymentMethod))
    reference: Mapped[str | None] = mapped_column(unique=True)
    external_payment_ref: Mapped[str | None] = mapped_column(unique=True)
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]
    receipt_id: Mapped[UUID | None] = mapped_column(ForeignKey("receipts.id"))

    __table_args__ = (
        one_of("method", PaymentMethod),
        CheckConstraint("amount_cents > 0", name="amount_cents"),
        CheckConstraint("currency = 'AUD'", name="currency"),
        CheckConstraint(
            "reference IS NOT NULL OR external_payment_ref IS NOT NULL OR receipt_id IS NOT NULL",
            name="has_a_reference",
        ),
        Index("ix_payments_invoice", "invoice_id", "received_at"),
        Index("ix_payments_receipt", "receipt_id"),
        Index("ix_payments_received_at", "received_at", "id"),
    )


class StripeEvent(Table):
    """An authentic webhook, or the nightly sweep: a note to ask Stripe about an invoice, never a source of amounts.

    Either the payments of `stripe_invoice_id` are asked for, or what `about_key` names is looked up and compared.

    `held_references` are payments that Stripe has and that could not be recorded; once it is ignored, they are passed
    over for good. `was_missed`: no webhook brought it, it was found in Stripe's own list.
    """

    __tablename__ = "stripe_events"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(unique=True)
    type: Mapped[str]
    stripe_invoice_id: Mapped[str | None]
    about: Mapped[About | None] = mapped_column(Word(About))
    about_key: Mapped[str | None]
    state: Mapped[StripeEventState] = mapped_column(Word(StripeEventState))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    detail: Mapped[str | None]
    held_references: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    received_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    was_missed: Mapped[bool] = mapped_column(default=False, server_default="false")

    __table_args__ = (
        one_of("state", StripeEventState),
        one_of("about", About),
        CheckConstraint("(about IS NULL) = (about_key IS NULL)", name="subject"),
        Index("ix_stripe_events_pending", "next_attempt_at", postgresql_where=text("state = 'pending'")),
        Index("ix_stripe_events_unmatched", "stripe_invoice_id", postgresql_where=text("state = 'unmatched'")),
        Index(
            "ix_stripe_events_invoice",
            "stripe_invoice_id",
            postgresql_where=text("held_references <> '{}' OR state = 'pending'"),
        ),
        Index(
            "ix_stripe_events_subject",
            "about",
            "about_key",
            postgresql_where=text("about IS NOT NULL AND state = 'pending'"),
        ),
        Index("ix_stripe_events_received_at", "received_at", "id"),
        Index("ix_stripe_events_state", "state", "received_at", "id"),
    )
