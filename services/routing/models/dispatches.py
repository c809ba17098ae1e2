"""Leads as routing knows them: their dispatch, every decision about it, and what waits for an operator."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from chassis.database import Versioned
from contracts import values
from contracts.values import AustralianState, Location, ProductType, SelectedPath
from services.routing.domain.decision import Shortfall
from services.routing.domain.person import Person
from services.routing.domain.states import DispatchStatus, ExceptionReason, Resolution, Trigger
from services.routing.models.model import Model

IS_OPEN = text("resolved_at IS NULL")
IS_NOT_ESCALATED = text("resolved_at IS NULL AND escalated_at IS NULL")


IS_PARALLEL = (
    "num_nulls(candidate_ids, outcomes, entitled_ppm) IN (0, 3) "
    "AND cardinality(outcomes) = cardinality(candidate_ids) AND cardinality(entitled_ppm) = cardinality(candidate_ids)"
)


class Dispatch(Versioned, Model):
    """One lead on its way to its installers; nothing here names a person."""

    __tablename__ = "dispatches"

    lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    selected_path: Mapped[SelectedPath] = mapped_column(Word(SelectedPath))
    service: Mapped[str]
    suburb: Mapped[str]
    state: Mapped[AustralianState] = mapped_column(Word(AustralianState))
    postcode: Mapped[str]
    status: Mapped[DispatchStatus] = mapped_column(Word(DispatchStatus))
    status_since: Mapped[datetime]
    attempts_count: Mapped[int] = mapped_column(default=0, server_default="0")
    received_at: Mapped[datetime]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    """When the first of its assignments was sent."""
    closed_at: Mapped[datetime | None]
    """From then on nobody gets it any more, whoever has it already."""

    __table_args__ = (
        one_of("selected_path", SelectedPath),
        one_of("state", AustralianState),
        one_of("status", DispatchStatus),
        CheckConstraint("status <> 'delivered' OR delivered_at IS NOT NULL", name="delivered"),
        CheckConstraint("status <> 'closed' OR closed_at IS NOT NULL", name="closed"),
        # The demand of a month where nobody covers it is counted from this alone.
        Index("ix_dispatches_created_at", "created_at", postgresql_include=["service", "state", "postcode"]),
    )

    @property
    def product_type(self) -> ProductType:
        return self.selected_path.product_type

    @property
    def shares_wanted(self) -> int:
        return self.selected_path.max_assignments

    @property
    def location(self) -> Location:
        return Location(suburb=self.suburb, state=self.state, postcode=self.postcode)


class LeadContact(Model):
    """The person behind a lead, here and nowhere else in routing: erasing them is deleting this row.

    Sealed as they came, and opened for a webhook alone; in words where they came from before there were keys.
    """

    __tablename__ = "lead_contacts"

    lead_id: Mapped[UUID] = mapped_column(ForeignKey("dispatches.lead_id"), primary_key=True)
    name: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    street: Mapped[str | None]
    sealed_contact: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(
            "CASE WHEN sealed_contact IS NULL THEN num_nonnulls(name, email, phone, street) = 4 "
            "ELSE num_nonnulls(name, email, phone, street) = 0 END",
            name="sealed_or_plain",
        ),
    )

    @property
    def person(self) -> Person:
        if self.sealed_contact is not None:
            return Person(None, self.sealed_contact)
        told = {name: getattr(self, name) for name in values.LeadContact.model_fields}
        return Person(values.LeadContact(**told), None)


class EarlyClosing(Model):
    """A lead that was closed before routing had seen it: nobody gets it when it comes."""

    __tablename__ = "early_closings"

    lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    closed_at: Mapped[datetime]


class Decision(Model):
    """One attempt at dispatching a lead, written once: who was considered, what was compared, who was chosen and why.

    `candidates` is what domain/record.py makes, kept as written: it is read as a whole. `inputs` is all that it was
    decided by, None for those of before it was kept. The three arrays tell in short of the same candidates each: who,
    chosen or by which rule not, and the share of the lead that was due. `latency_ms` is from the lead's receipt to the
    decision.
    """

    __tablename__ = "decisions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("dispatches.lead_id"))
    attempt_no: Mapped[int]
    trigger: Mapped[Trigger] = mapped_column(Word(Trigger))
    operator_id: Mapped[UUID | None]
    operator_name: Mapped[str | None]
    reason_text: Mapped[str | None]
    """The operator's own words for their choice."""
    override_reason: Mapped[str | None]
    """The same, where the caps were overridden."""
    rule_set_version: Mapped[str]
    wanted_count: Mapped[int]
    chosen_count: Mapped[int]
    shortfall: Mapped[Shortfall | None] = mapped_column(Word(Shortfall))
    summary: Mapped[str]
    candidates: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    inputs: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    candidate_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    outcomes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    entitled_ppm: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    decided_at: Mapped[datetime]
    latency_ms: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        UniqueConstraint("lead_id", "attempt_no"),
        one_of("trigger", Trigger),
        CheckConstraint("chosen_count BETWEEN 0 AND wanted_count", name="chosen"),
        CheckConstraint("(chosen_count < wanted_count) = (shortfall IS NOT NULL)", name="shortfall_has_its_reason"),
        CheckConstraint(IS_PARALLEL, name="parallel"),
        Index("ix_decisions_decided_at", "decided_at"),
    )


class DispatchException(Model):
    """A lead that waits for an operator. One open item per lead and reason; what recurs meanwhile is counted.

    `next_retry_at` is when it is tried again by itself, `retries_left` times at the most; `escalate_at` when somebody
    is called who has not seen to it.
    """

    __tablename__ = "dispatch_exceptions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("dispatches.lead_id"))
    reason: Mapped[ExceptionReason] = mapped_column(Word(ExceptionReason))
    detail: Mapped[str]
    assignment_id: Mapped[UUID | None] = mapped_column(ForeignKey("assignments.id"))
    occurrences: Mapped[int] = mapped_column(default=1, server_default="1")
    told_count: Mapped[int] = mapped_column(default=1, server_default="1")
    """How often it was published: not every occurrence is."""
    raised_at: Mapped[datetime]
    waits_since: Mapped[datetime] = mapped_column(server_default=text("now()"))
    """When the first item was raised whose place this one has taken; else as raised."""
    last_raised_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolution: Mapped[Resolution | None] = mapped_column(Word(Resolution))
    resolved_by: Mapped[str | None]
    resolved_note: Mapped[str | None]
    owner_id: Mapped[UUID | None]
    owner_name: Mapped[str | None]
    owned_since: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    snoozed_by: Mapped[str | None]
    snooze_note: Mapped[str | None]
    next_retry_at: Mapped[datetime | None]
    retries_left: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    retries_done: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    escalate_at: Mapped[datetime | None]
    escalated_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("reason", ExceptionReason),
        one_of("resolution", Resolution),
        CheckConstraint("(resolved_at IS NULL) = (resolution IS NULL)", name="resolved"),
        CheckConstraint("num_nulls(owner_id, owner_name, owned_since) IN (0, 3)", name="owned"),
        CheckConstraint("(snoozed_until IS NULL) = (snoozed_by IS NULL)", name="snoozed"),
        CheckConstraint("retries_left >= 0 AND retries_done >= 0", name="retries"),
        Index("uq_dispatch_exceptions_open", "lead_id", "reason", unique=True, postgresql_where=IS_OPEN),
        Index("ix_dispatch_exceptions_lead_id", "lead_id"),
        Index("ix_dispatch_exceptions_raised_at", "raised_at", "id"),
        Index("ix_dispatch_exceptions_waits_since", "waits_since", "id"),
        Index("ix_dispatch_exceptions_open_waits_since", "waits_since", "id", postgresql_where=IS_OPEN),
        Index("ix_dispatch_exceptions_open_owner_id", "owner_id", "raised_at", postgresql_where=IS_OPEN),
        Index("ix_dispatch_exceptions_open_next_retry_at", "next_retry_at", postgresql_where=IS_OPEN),
        Index("ix_dispatch_exceptions_open_escalate_at", "escalate_at", postgresql_where=IS_NOT_ESCALATED),
    )

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None


class AutoDispatch(Versioned, Model):
    """The one switch: whether leads are dispatched as they arrive. `version` counts its changes."""

    __tablename__ = "auto_dispatch"

    id: Mapped[int] = mapped_column(primary_key=True, default=1, autoincrement=False)
    is_enabled: Mapped[bool]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str | None]
    reason: Mapped[str | None]

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
