"""The delivery ledger, and the queue of deliveries that have no price yet."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from chassis.database import Versioned
from contracts.values import CapReleaseReason, CapStatus, CreditReason, GstTreatment, ProductType
from services.billing.domain.gst import Priced
from services.billing.domain.statuses import EventStatus
from services.billing.models.columns import Table


class DeliveryEvent(Versioned, Table):
    """One per assignment for ever. What it costs never changes; its status and its cap do, apart from each other.

    `credit_reason_code` says why it is billable no more, whether it was credited or voided, and `ended_at` since when;
    of what ended before that was kept it is None. `decision_id` is routing's, which says why this installer got the
    lead: None where routing told none.
    """

    __tablename__ = "delivery_events"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    assignment_id: Mapped[UUID] = mapped_column(unique=True)
    lead_id: Mapped[UUID] = mapped_column(index=True)
    decision_id: Mapped[UUID | None]
    installer_id: Mapped[UUID]
    product_type: Mapped[ProductType] = mapped_column(Word(ProductType))
    service: Mapped[str]
    locality: Mapped[str]
    delivered_at: Mapped[datetime]
    unit_price_cents: Mapped[int]
    currency: Mapped[str]
    gst_treatment: Mapped[GstTreatment] = mapped_column(Word(GstTreatment))
    includes_gst: Mapped[bool]
    price_plan_id: Mapped[UUID] = mapped_column(ForeignKey("price_plans.id"))
    event_status: Mapped[EventStatus] = mapped_column(Word(EventStatus))
    credit_reason_code: Mapped[CreditReason | None] = mapped_column(Word(CreditReason))
    cap_status: Mapped[CapStatus] = mapped_column(Word(CapStatus))
    cap_release_reason: Mapped[CapReleaseReason | None] = mapped_column(Word(CapReleaseReason))
    recorded_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("product_type", ProductType),
        one_of("gst_treatment", GstTreatment),
        one_of("event_status", EventStatus),
        one_of("cap_status", CapStatus),
        CheckConstraint("currency = 'AUD'", name="currency"),
        CheckConstraint("unit_price_cents >= 0", name="unit_price_cents"),
        CheckConstraint("(event_status = 'billable') = (credit_reason_code IS NULL)", name="end_has_a_reason"),
        CheckConstraint("ended_at IS NULL OR event_status <> 'billable'", name="ended"),
        CheckConstraint("(cap_status = 'released') = (cap_release_reason IS NOT NULL)", name="release_has_a_reason"),
        Index("ix_delivery_events_installer", "installer_id", "delivered_at"),
        Index("ix_delivery_events_status", "event_status", "delivered_at"),
        Index("ix_delivery_events_delivered_at", "delivered_at", "id"),
        Index("ix_delivery_events_decision_id", "decision_id", postgresql_where=text("decision_id IS NOT NULL")),
    )

    @property
    def priced(self) -> Priced:
        return Priced(self.unit_price_cents, self.gst_treatment, self.includes_gst)


class HeldDelivery(Versioned, Table):
    """A delivery that no plan version prices. It leaves the queue when a plan covers it, priced at its own instant."""

    __tablename__ = "held_deliveries"

    assignment_id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID]
    decision_id: Mapped[UUID | None]
    installer_id: Mapped[UUID]
    product_type: Mapped[ProductType] = mapped_column(Word(ProductType))
    service: Mapped[str]
    locality: Mapped[str]
    delivered_at: Mapped[datetime]
    reason_code: Mapped[str]
    cap_status: Mapped[CapStatus] = mapped_column(Word(CapStatus))
    cap_release_reason: Mapped[CapReleaseReason | None] = mapped_column(Word(CapReleaseReason))
    held_at: Mapped[datetime]
    released_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("product_type", ProductType),
        one_of("cap_status", CapStatus),
        CheckConstraint("(cap_status = 'released') = (cap_release_reason IS NOT NULL)", name="release_has_a_reason"),
        Index(
            "ix_held_deliveries_waiting",
            "installer_id",
            "delivered_at",
            postgresql_where=text("released_at IS NULL"),
        ),
        Index(
            "ix_held_deliveries_queue", "delivered_at", "assignment_id", postgresql_where=text("released_at IS NULL")
        ),
    )
