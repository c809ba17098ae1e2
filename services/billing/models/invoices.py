"""Invoices and their lines. Once issued the face is frozen by triggers; what is owed follows from rows beside it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, FetchedValue, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from chassis.database import Versioned
from contracts.values import GstTreatment, InvoiceKind
from services.billing.domain.statuses import DocumentStatus, InvoiceStatus, status_of
from services.billing.models.columns import Table

BALANCE = (
    "total_cents - credits_cents + debits_cents + adjusted_gst_cents - paid_cents + customer_credit_cents "
    "- written_off_cents"
)


class Invoice(Versioned, Table):
    """An installer's month or a client's board.

    The face: `total_cents = subtotal_cents + gst_cents`, as printed. The settlement beside it (credits, debits and
    their GST, payments less what was reversed of them, write-offs) is proved at commit against its rows;
    `balance_cents` is computed from both. Of what was paid, `customer_credit_cents` was more than is owed and is the
    customer's; negative, it came from there. `paid_at` is since when it is paid; how often that was told is counted in
    `paid_no`, by a trigger.
    """

    __tablename__ = "invoices"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[InvoiceKind] = mapped_column(Word(InvoiceKind))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    board_id: Mapped[UUID | None] = mapped_column(index=True)
    period: Mapped[str | None]
    period_start: Mapped[datetime | None]
    period_end: Mapped[datetime | None]
    replaces_invoice_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoices.id"), unique=True)
    purchase_order: Mapped[str | None]
    document_status: Mapped[DocumentStatus] = mapped_column(Word(DocumentStatus))
    number: Mapped[str | None] = mapped_column(unique=True)

    subtotal_cents: Mapped[int]
    gst_cents: Mapped[int]
    total_cents: Mapped[int]
    currency: Mapped[str]
    gst_rule: Mapped[str]

    credits_cents: Mapped[int] = mapped_column(default=0, server_default="0")
    debits_cents: Mapped[int] = mapped_column(default=0, server_default="0")
    adjusted_gst_cents: Mapped[int] = mapped_column(default=0, server_default="0")
    paid_cents: Mapped[int] = mapped_column(default=0, server_default="0")
    customer_credit_cents: Mapped[int] = mapped_column(default=0, server_default="0")
    written_off_cents: Mapped[int] = mapped_column(default=0, server_default="0")
    balance_cents: Mapped[int] = mapped_column(Computed(BALANCE, persisted=True))

    stripe_invoice_id: Mapped[str | None] = mapped_column(unique=True)
    stripe_invoice_url: Mapped[str | None]
    seller: Mapped[dict[str, Any] | None]
    buyer: Mapped[dict[str, Any] | None]

    created_at: Mapped[datetime]
    issued_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    rendered_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    send_no: Mapped[int] = mapped_column(default=0, server_default="0")
    paid_at: Mapped[datetime | None]
    paid_no: Mapped[int] = mapped_column(default=0, server_default="0", server_onupdate=FetchedValue())
    voided_at: Mapped[datetime | None]
    void_reason_code: Mapped[str | None]

    __table_args__ = (
        one_of("kind", InvoiceKind),
        one_of("document_status", DocumentStatus),
        CheckConstraint("currency = 'AUD'", name="currency"),
        CheckConstraint("total_cents = subtotal_cents + gst_cents", name="total"),
        CheckConstraint("document_status = 'draft' OR balance_cents >= 0", name="balance"),
        CheckConstraint("credits_cents >= 0 AND debits_cents >= 0 AND paid_cents >= 0", name="settlement"),
        CheckConstraint("customer_credit_cents <= paid_cents", name="customer_credit"),
        CheckConstraint(
            "written_off_cents = 0 OR (written_off_cents > 0 AND document_status = 'issued')", name="written_off"
        ),
        CheckConstraint(
            "CASE kind WHEN 'installer' THEN period IS NOT NULL AND period_start < period_end AND board_id IS NULL "
            "ELSE board_id IS NOT NULL AND period IS NULL AND period_start IS NULL AND period_end IS NULL END",
            name="subject",
        ),
        CheckConstraint(
            "document_status <> 'issued' OR (number IS NOT NULL AND issued_at IS NOT NULL AND due_at IS NOT NULL "
            "AND seller IS NOT NULL AND buyer IS NOT NULL)",
            name="issued_is_complete",
        ),
        CheckConstraint("document_status <> 'draft' OR (number IS NULL AND paid_cents = 0)", name="draft_is_open"),
        CheckConstraint("(document_status = 'void') = (voided_at IS NOT NULL)", name="void_has_an_instant"),
        # One bill for a month, one for a board: a void one makes room for its successor, and keeps its number.
        Index(
            "uq_invoices_account_period",
            "account_id",
            "period_start",
            unique=True,
            postgresql_where=text("document_status <> 'void'"),
        ),
        Index("uq_invoices_board", "board_id", unique=True, postgresql_where=text("document_status <> 'void'")),
        Index("ix_invoices_created_at", "created_at", "id"),
        Index("ix_invoices_account", "account_id", "created_at", "id"),
        Index("ix_invoices_period", "period", "created_at", "id"),
        Index("ix_invoices_dated_at", text("coalesce(issued_at, created_at)")),
        Index("ix_invoices_status", "document_status", "period_start"),
        Index(
            "ix_invoices_owed",
            "due_at",
            "id",
            postgresql_where=text("document_status = 'issued' AND balance_cents > 0"),
        ),
        Index(
            "ix_invoices_unrendered",
            "issued_at",
            postgresql_where=text("issued_at IS NOT NULL AND rendered_at IS NULL"),
        ),
    )

    # The computed balance comes back with every write, so that commands can go on with it.
    __mapper_args__ = {"eager_defaults": True}

    @property
    def status(self) -> InvoiceStatus:
        return status_of(self.document_status, self.settled_cents, self.balance_cents, self.written_off_cents)

    @property
    def owed_cents(self) -> int:
        """A draft is not owed yet, a void invoice no more."""
        return self.balance_cents if self.document_status is DocumentStatus.ISSUED else 0

    @property
    def settled_cents(self) -> int:
        """What of its payments, and of the customer's credit, pays for it."""
        return self.paid_cents - self.customer_credit_cents

    @property
    def adjusted_total_cents(self) -> int:
        """With its credits and debits."""
        return self.balance_cents + self.settled_cents + self.written_off_cents

    @property
    def has_money(self) -> bool:
        """Money came in for it, whatever became of it, or other money pays for it."""
        return bool(self.paid_cents or self.settled_cents)

    @property
    def parties(self) -> dict[str, UUID | None]:
        """The installer, or the client and its board, as the events name them."""
        is_client = self.kind is InvoiceKind.CLIENT
        return {
            "installer_id": None if is_client else self.account_id,
            "client_id": self.account_id if is_client else None,
            "board_id": self.board_id,
        }


class InvoiceLine(Table):
    """`is_live` falls when the invoice is voided: then the delivery may stand on another invoice.

    A trigger looks a statement's deliveries up at once, and their owner and price with them. A foreign key would lock
    each row of the ledger, which is never deleted, and halve the lines per second of a month's close.
    """

    __tablename__ = "invoice_lines"

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True)
    delivery_event_id: Mapped[UUID | None]
    description: Mapped[str]
    quantity: Mapped[int]
    unit_price_cents: Mapped[int]
    includes_gst: Mapped[bool]
    gst_treatment: Mapped[GstTreatment] = mapped_column(Word(GstTreatment))
    ex_gst_cents: Mapped[int]
    gst_cents: Mapped[int]
    inc_gst_cents: Mapped[int]
    is_live: Mapped[bool] = mapped_column(default=True, server_default="true")

    __table_args__ = (
        one_of("gst_treatment", GstTreatment),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("inc_gst_cents = ex_gst_cents + gst_cents", name="parts"),
        CheckConstraint(
            "quantity * unit_price_cents = CASE WHEN includes_gst THEN inc_gst_cents ELSE ex_gst_cents END",
            name="price_times_quantity",
        ),
        Index("uq_invoice_lines_delivery", "delivery_event_id", unique=True, postgresql_where=text("is_live")),
        Index("ix_invoice_lines_fallen", "delivery_event_id", postgresql_where=text("NOT is_live")),
    )


class NumberSeries(Table):
    """The next number of one legal entity's series; its locked row is why numbers have no gaps."""

    __tablename__ = "number_series"

    entity: Mapped[str] = mapped_column(primary_key=True)
    series: Mapped[str] = mapped_column(primary_key=True)
    last_number: Mapped[int]
