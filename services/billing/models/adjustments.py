"""Credits and debits after issue, and the lines they are linked to."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from contracts.values import AdjustmentType, GstTreatment
from services.billing.domain.statuses import AdjustmentState
from services.billing.models.columns import Table


class Adjustment(Table):
    """What was asked for never changes; once decided nothing does, but the instant at which its note was rendered.

    `asked_cents` is None where all that was left was asked for. It is to be decided within days of `asked_at`: of a
    credit that was proposed elsewhere that is earlier than `created_at`, when somebody here agreed to the proposal.
    """

    __tablename__ = "adjustments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"))
    type: Mapped[AdjustmentType] = mapped_column(Word(AdjustmentType))
    reason_code: Mapped[str]
    notes: Mapped[str | None]
    line_no: Mapped[int | None]
    gst_treatment: Mapped[GstTreatment] = mapped_column(Word(GstTreatment))
    asked_cents: Mapped[int | None]
    ex_gst_cents: Mapped[int]
    gst_cents: Mapped[int]
    state: Mapped[AdjustmentState] = mapped_column(Word(AdjustmentState))
    number: Mapped[str | None] = mapped_column(unique=True)
    made_by_id: Mapped[UUID]
    made_by_name: Mapped[str]
    created_at: Mapped[datetime]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    decided_by_id: Mapped[UUID | None]
    decided_by_name: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    rendered_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("type", AdjustmentType),
        one_of("state", AdjustmentState),
        one_of("gst_treatment", GstTreatment),
        CheckConstraint("ex_gst_cents > 0 AND gst_cents >= 0", name="amounts"),
        CheckConstraint("(state = 'approved') = (number IS NOT NULL)", name="approved_has_a_number"),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="decided"),
        Index("ix_adjustments_invoice", "invoice_id", "created_at"),
        Index("ix_adjustments_created_at", "created_at", "id"),
        Index("ix_adjustments_asked_at", "asked_at", "id"),
        Index("ix_adjustments_pending", "asked_at", "id", postgresql_where=text("state = 'pending'")),
        Index(
            "ix_adjustments_unrendered",
            "decided_at",
            postgresql_where=text("state = 'approved' AND rendered_at IS NULL"),
        ),
    )

    @property
    def inc_gst_cents(self) -> int:
        return self.ex_gst_cents + self.gst_cents


class AdjustmentDelivery(Table):
    """A delivery that a debit charges, because it came after its month was invoiced: billed there and nowhere else.

    `is_live` falls when the invoice is voided: then the delivery may be billed anew.
    """

    __tablename__ = "adjustment_deliveries"

    adjustment_id: Mapped[UUID] = mapped_column(ForeignKey("adjustments.id"), primary_key=True)
    delivery_event_id: Mapped[UUID] = mapped_column(ForeignKey("delivery_events.id"), primary_key=True)
    ex_gst_cents: Mapped[int]
    gst_cents: Mapped[int]
    is_live: Mapped[bool] = mapped_column(default=True, server_default="true")

    __table_args__ = (
        CheckConstraint("ex_gst_cents >= 0 AND gst_cents >= 0", name="amounts"),
        Index("uq_adjustment_deliveries_delivery", "delivery_event_id", unique=True, postgresql_where=text("is_live")),
    )


class AdjustmentLine(Table):
    """The part of a credit that falls on one line of the invoice; written once, with the decision."""

    __tablename__ = "adjustment_lines"

    adjustment_id: Mapped[UUID] = mapped_column(ForeignKey("adjustments.id"), primary_key=True)
    invoice_id: Mapped[UUID] = mapped_column(primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True)
    ex_gst_cents: Mapped[int]
    gst_cents: Mapped[int]

    __table_args__ = (
        ForeignKeyConstraint(["invoice_id", "line_no"], ["invoice_lines.invoice_id", "invoice_lines.line_no"]),
        CheckConstraint("ex_gst_cents > 0 AND gst_cents >= 0", name="amounts"),
        Index("ix_adjustment_lines_line", "invoice_id", "line_no"),
    )
