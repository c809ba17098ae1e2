"""Webhooks on their way, and what became of each delivery. Nothing here names a person or repeats a server."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.routing.domain.states import Channel, DeliveryStep
from services.routing.domain.webhooks import DeliveryState, Verdict
from services.routing.models.model import Model

IS_WAITING = text("state = 'waiting'")
IS_SENDING = text("state = 'sending'")
IS_BOUNCED = text("what = 'bounced'")
IS_UNFINISHED = text("finished_at IS NULL")


class WebhookDelivery(Model):
    """An assignment that is delivered by webhook. `attempts` counts its tries, each of which is a claim of its own.

    `next_attempt_at` is business time; `lease_until` is by the database's clock, as a process lives by no other.
    """

    __tablename__ = "webhook_deliveries"

    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id"), primary_key=True)
    installer_id: Mapped[UUID] = mapped_column(ForeignKey("installers.id"))
    state: Mapped[DeliveryState] = mapped_column(Word(DeliveryState))
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    next_attempt_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    http_status: Mapped[int | None] = mapped_column(SmallInteger)
    reason_code: Mapped[str | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", DeliveryState),
        CheckConstraint("(state = 'sending') = (lease_until IS NOT NULL)", name="lease"),
        CheckConstraint("(state IN ('waiting', 'sending')) = (settled_at IS NULL)", name="settled"),
        CheckConstraint("attempts >= 0", name="attempts"),
        Index("ix_webhook_deliveries_waiting", "installer_id", "next_attempt_at", postgresql_where=IS_WAITING),
        Index("ix_webhook_deliveries_sending", "lease_until", postgresql_where=IS_SENDING),
    )


class WebhookAttempt(Model):
    """`answer_bytes` is how much of the answer's body was read; of what it said nothing is kept."""

    __tablename__ = "webhook_attempts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_deliveries.assignment_id"))
    attempt_no: Mapped[int] = mapped_column(SmallInteger)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[Verdict | None] = mapped_column(Word(Verdict))
    http_status: Mapped[int | None] = mapped_column(SmallInteger)
    reason_code: Mapped[str | None]
    duration_ms: Mapped[int | None]
    answer_bytes: Mapped[int | None]

    __table_args__ = (
        UniqueConstraint("assignment_id", "attempt_no"),
        one_of("outcome", Verdict),
        CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name="finished"),
    )


class WebhookTest(Model):
    """A test that an operator asked for: of no lead, and billed to nobody."""

    __tablename__ = "webhook_tests"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    installer_id: Mapped[UUID] = mapped_column(ForeignKey("installers.id"))
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[Verdict | None] = mapped_column(Word(Verdict))
    http_status: Mapped[int | None] = mapped_column(SmallInteger)
    reason_code: Mapped[str | None]
    duration_ms: Mapped[int | None]

    __table_args__ = (
        one_of("outcome", Verdict),
        CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name="finished"),
        Index("ix_webhook_tests_installer_id", "installer_id", "asked_at"),
        Index("ix_webhook_tests_unfinished", "asked_at", postgresql_where=IS_UNFINISHED),
    )


class DeliveryLogEntry(Model):
    """What became of a try to deliver, by mail or webhook. `status` is the server's number, SMTP's or HTTP's.

    `enhanced_status` is RFC 3463's, of a mail that came back.
    """

    __tablename__ = "delivery_log"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id"))
    at: Mapped[datetime]
    channel: Mapped[Channel] = mapped_column(Word(Channel))
    what: Mapped[DeliveryStep] = mapped_column(Word(DeliveryStep))
    reason_code: Mapped[str | None]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    enhanced_status: Mapped[str | None]

    __table_args__ = (
        one_of("channel", Channel),
        one_of("what", DeliveryStep),
        Index("uq_delivery_log_bounced", "assignment_id", unique=True, postgresql_where=IS_BOUNCED),
        Index("ix_delivery_log_assignment_id", "assignment_id", "id"),
    )
