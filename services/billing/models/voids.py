"""Voids of issued invoices that one operator asked for, and what another said."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.billing.domain.voids import VoidReason, VoidState
from services.billing.models.columns import Table


class VoidRequest(Table):
    """Over the limit only. What was asked for never changes; it is decided once, and agreed to by another.

    `amount_cents`, with GST, was owed when it was asked for.
    """

    __tablename__ = "void_requests"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"))
    amount_cents: Mapped[int]
    reason_code: Mapped[VoidReason] = mapped_column(Word(VoidReason))
    notes: Mapped[str | None]
    state: Mapped[VoidState] = mapped_column(Word(VoidState))
    made_by_id: Mapped[UUID]
    made_by_name: Mapped[str]
    created_at: Mapped[datetime]
    decided_by_id: Mapped[UUID | None]
    decided_by_name: Mapped[str | None]
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("reason_code", VoidReason),
        one_of("state", VoidState),
        CheckConstraint("amount_cents > 0", name="amount_cents"),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="decided"),
        CheckConstraint(
            "(decided_at IS NULL) = (decided_by_id IS NULL) AND (decided_at IS NULL) = (decided_by_name IS NULL)",
            name="decided_by",
        ),
        CheckConstraint("state <> 'approved' OR decided_by_id <> made_by_id", name="agreed_to_by_another"),
        Index("ix_void_requests_invoice", "invoice_id", "created_at"),
        Index("ix_void_requests_created_at", "created_at", "id"),
        Index("uq_void_requests_pending", "invoice_id", unique=True, postgresql_where=text("state = 'pending'")),
    )
