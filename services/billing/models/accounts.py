"""Who is billed, and at what price."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from chassis.database import Versioned
from contracts.values import GstTreatment, InvoiceKind
from services.billing.models.columns import Table


class Account(Versioned, Table):
    """An installer or a client as its owner last told us (`source_version`), and what finance added to it.

    `customer_credit_cents` is unapplied cash: what the customer paid, or was credited, beyond what its invoices ask.
    At commit it is proved to be the sum of what each of them left. `told_*` is what was last published of it.
    """

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[InvoiceKind] = mapped_column(Word(InvoiceKind))
    name: Mapped[str]
    abn: Mapped[str | None]
    gst_registered: Mapped[bool | None]
    billing_name: Mapped[str]
    billing_email: Mapped[str]
    billing_address: Mapped[str | None]
    agreed_terms_days: Mapped[int | None]
    terms_override_days: Mapped[int | None]
    stripe_customer_id: Mapped[str | None] = mapped_column(unique=True)
    customer_credit_cents: Mapped[int] = mapped_column(default=0, server_default="0")
    source_version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    credit_hold: Mapped[bool] = mapped_column(default=False, server_default="false")
    credit_hold_reason: Mapped[str | None]
    credit_hold_since: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    told_has_prices: Mapped[bool | None]
    told_credit_hold: Mapped[bool | None]
    told_credit_hold_reason: Mapped[str | None]
    told_outstanding_cents: Mapped[int | None]
    told_overdue_cents: Mapped[int | None]
    told_is_collectable: Mapped[bool | None]
    told_terms_override_days: Mapped[int | None]
    told_stripe_customer_id: Mapped[str | None]

    __table_args__ = (
        one_of("kind", InvoiceKind),
        CheckConstraint("terms_override_days BETWEEN 0 AND 365", name="terms_override_days"),
        CheckConstraint("customer_credit_cents >= 0", name="customer_credit"),
        CheckConstraint(
            "credit_hold = (credit_hold_reason IS NOT NULL) AND credit_hold = (credit_hold_since IS NOT NULL)",
            name="credit_hold",
        ),
        Index("ix_accounts_created_at", "created_at", "id"),
    )


class PricePlan(Table):
    """A version of an installer's prices, written once. It ends where the next begins; without prices it closes."""

    __tablename__ = "price_plans"

    installer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    effective_from: Mapped[datetime] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    exclusive_price_cents: Mapped[int | None]
    shared_price_cents: Mapped[int | None]
    currency: Mapped[str]
    gst_treatment: Mapped[GstTreatment] = mapped_column(Word(GstTreatment))
    includes_gst: Mapped[bool]
    created_by: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (
        one_of("gst_treatment", GstTreatment),
        CheckConstraint("currency = 'AUD'", name="currency"),
        CheckConstraint(
            "(exclusive_price_cents IS NULL) = (shared_price_cents IS NULL)", name="both_prices_or_neither"
        ),
        CheckConstraint("exclusive_price_cents >= 0 AND shared_price_cents >= 0", name="prices"),
    )

    @property
    def closes(self) -> bool:
        return self.exclusive_price_cents is None
