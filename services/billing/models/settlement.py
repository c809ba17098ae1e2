"""Money that came in for an account at once, what was taken back of it, and what is not waited for any more."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.billing.domain.settlement import ReversalReason, WriteOffReason, WriteOffState
from services.billing.domain.statuses import PaymentMethod
from services.billing.models.columns import Table


class Receipt(Table):
    """Written once: at commit it is proved to be its payments and its rest, which no invoice took.

    Its references are those of its payments, and stand for nothing else, neither here nor there.
    """

    __tablename__ = "receipts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    amount_cents: Mapped[int]
    rest_cents: Mapped[int]
    currency: Mapped[str]
    received_at: Mapped[datetime]
    method: Mapped[PaymentMethod] = mapped_column(Word(PaymentMethod))
    reference: Mapped[str | None] = mapped_column(unique=True)
    external_payment_ref: Mapped[str | None] = mapped_column(unique=True)
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]

    __table_args__ = (
        one_of("method", PaymentMethod),
        CheckConstraint("amount_cents > 0 AND rest_cents BETWEEN 0 AND amount_cents", name="amounts"),
        CheckConstraint("currency = 'AUD'", name="currency"),
        CheckConstraint("reference IS NOT NULL OR external_payment_ref IS NOT NULL", name="has_a_reference"),
        CheckConstraint("method <> 'stripe' OR external_payment_ref IS NOT NULL", name="has_stripes_id"),
        Index("ix_receipts_account", "account_id", "received_at"),
        Index("ix_receipts_received_at", "received_at", "id"),
    )


class PaymentReversal(Table):
    """Written once: money of a payment went back, or of a receipt's rest; never more than came in."""

    __tablename__ = "payment_reversals"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    receipt_id: Mapped[UUID | None] = mapped_column(ForeignKey("receipts.id"))
    amount_cents: Mapped[int]
    reason_code: Mapped[ReversalReason] = mapped_column(Word(ReversalReason))
    notes: Mapped[str | None]
    external_ref: Mapped[str | None] = mapped_column(unique=True)
    made_by_id: Mapped[UUID]
    made_by_name: Mapped[str]
    reversed_at: Mapped[datetime]

    __table_args__ = (
        one_of("reason_code", ReversalReason),
        CheckConstraint("amount_cents > 0", name="amount_cents"),
        CheckConstraint("num_nonnulls(payment_id, receipt_id) = 1", name="subject"),
        Index("ix_payment_reversals_payment", "payment_id"),
        Index("ix_payment_reversals_receipt", "receipt_id"),
    )


class WriteOff(Table):
    """What was asked for never changes; it is decided once, and an approved one may be reversed, once.

    `amount_cents` is with GST, `gst_cents` what of it is taken back, as it is when it is decided.
    """

    __tablename__ = "write_offs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"))
    amount_cents: Mapped[int]
    gst_cents: Mapped[int]
    reason_code: Mapped[WriteOffReason] = mapped_column(Word(WriteOffReason))
    notes: Mapped[str | None]
    state: Mapped[WriteOffState] = mapped_column(Word(WriteOffState))
    made_by_id: Mapped[UUID]
    made_by_name: Mapped[str]
    created_at: Mapped[datetime]
    decided_by_id: Mapped[UUID | None]
    decided_by_name: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    reversed_by_id: Mapped[UUID | None]
    reversed_by_name: Mapped[str | None]
    reversed_at: Mapped[datetime | None]
    reversal_reason: Mapped[str | None]

    __table_args__ = (
        one_of("reason_code", WriteOffReason),
        one_of("state", WriteOffState),
        CheckConstraint("amount_cents > 0 AND gst_cents BETWEEN 0 AND amount_cents", name="amounts"),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(decided_at IS NULL) = (decided_by_name IS NULL)", name="decided_by"),
        CheckConstraint("(state = 'reversed') = (reversed_at IS NOT NULL)", name="reversed"),
        CheckConstraint(
            "(reversed_at IS NULL) = (reversed_by_name IS NULL) AND (reversed_at IS NULL) = (reversal_reason IS NULL)",
            name="reversed_by",
        ),
        Index("ix_write_offs_invoice", "invoice_id", "created_at"),
        Index("ix_write_offs_created_at", "created_at", "id"),
        Index("ix_write_offs_pending", "created_at", "id", postgresql_where=text("state = 'pending'")),
        Index(
            "uq_write_offs_live",
            "invoice_id",
            unique=True,
            postgresql_where=text("state IN ('pending', 'approved')"),
        ),
    )
