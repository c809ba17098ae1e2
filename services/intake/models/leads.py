"""Leads, what their people agreed to, and their way."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis.database import Versioned
from contracts.forms import E164
from contracts.values import AustralianState, SelectedPath
from services.intake.domain import CloseReason, LeadAction, LeadOutcome, LeadStatus, obstacle_to_lead, outcome_of
from services.intake.models.model import Model, among, words


class Lead(Versioned, Model):
    """`dispatch_version` is the version of routing's last event about it that was applied here."""

    __tablename__ = "leads"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("lead_sources.id"))
    submission_key: Mapped[str]
    fingerprint: Mapped[bytes]
    accepted_as: Mapped[LeadStatus] = mapped_column(words(LeadStatus))
    """The status of the first answer, which every repetition of the submission gets again."""
    status: Mapped[LeadStatus] = mapped_column(words(LeadStatus))
    status_since: Mapped[datetime]
    selected_path: Mapped[SelectedPath] = mapped_column(words(SelectedPath))
    service: Mapped[str]
    name: Mapped[str]
    email: Mapped[str]
    email_match: Mapped[str]
    phone: Mapped[str]
    street: Mapped[str]
    suburb: Mapped[str]
    state: Mapped[AustralianState] = mapped_column(words(AustralianState))
    postcode: Mapped[str]
    received_at: Mapped[datetime]
    dispatch_version: Mapped[int] = mapped_column(default=0, server_default="0")
    delivered_at: Mapped[datetime | None]
    exception_reason: Mapped[str | None]
    close_reason: Mapped[CloseReason | None] = mapped_column(words(CloseReason))

    __table_args__ = (
        # Exactly once, for ever: no window, no expiry.
        UniqueConstraint("source_id", "submission_key"),
        CheckConstraint("char_length(submission_key) BETWEEN 1 AND 200", name="submission_key_length"),
        CheckConstraint("octet_length(fingerprint) = 32", name="fingerprint_length"),
        CheckConstraint(f"phone ~ '{E164}'", name="phone_e164"),
        CheckConstraint("postcode ~ '^[0-9]{4}$'", name="postcode_digits"),
        among("close_reason", CloseReason),
        CheckConstraint("(status = 'closed') = (close_reason IS NOT NULL)", name="close_reason_told"),
        among("status", LeadStatus),
        among("accepted_as", LeadStatus),
        among("selected_path", SelectedPath),
        among("state", AustralianState),
        # By state and by path operators find most rows: the index on time serves those, with a filter.
        Index("ix_leads_received_at_id", "received_at", "id"),
        Index("ix_leads_status_received_at_id", "status", "received_at", "id"),
        Index("ix_leads_source_id_received_at_id", "source_id", "received_at", "id"),
        Index("ix_leads_postcode_received_at_id", "postcode", "received_at", "id"),
        Index("ix_leads_suburb_received_at_id", text("lower(suburb)"), "received_at", "id"),
        Index("ix_leads_status_since", "status", "status_since", "id"),
        Index("ix_leads_service", "service", "received_at", "id"),
    )

    @property
    def outcome(self) -> LeadOutcome | None:
        return outcome_of(self.status, self.delivered_at)

    @property
    def available_actions(self) -> list[LeadAction]:
        return [action for action in LeadAction if not obstacle_to_lead(action, self.status)]


class Consent(Model):
    """What the person agreed to, when and from where. Written once, with the lead."""

    __tablename__ = "consents"

    lead_id: Mapped[UUID] = mapped_column(ForeignKey("leads.id"), primary_key=True)
    text: Mapped[str]
    url: Mapped[str]
    remote_address: Mapped[str]
    given_at: Mapped[datetime]


class LeadStatusChange(Model):
    """A step of a lead's way. Written once; ids ascend by time. `event_id` is routing's, where routing moved it."""

    __tablename__ = "lead_status_changes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("leads.id"))
    from_status: Mapped[LeadStatus] = mapped_column(words(LeadStatus))
    to_status: Mapped[LeadStatus] = mapped_column(words(LeadStatus))
    changed_at: Mapped[datetime]
    reason_code: Mapped[str | None]
    actor_name: Mapped[str | None]
    event_id: Mapped[UUID | None]

    __table_args__ = (
        Index("ix_lead_status_changes_lead_id_id", "lead_id", "id"),
        among("from_status", LeadStatus),
        among("to_status", LeadStatus),
    )


class LeadCorrection(Model):
    """What was wrong with a lead and is right now, by field: `before` and `after` are the only place of the values.

    `is_told`: the others knew the lead by then, and have heard of it.
    Never changed but by an erasure, which blanks the values and the note.
    """

    __tablename__ = "lead_corrections"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("leads.id"))
    origin: Mapped[str]
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text))
    before: Mapped[dict[str, str]] = mapped_column(JSONB)
    after: Mapped[dict[str, str]] = mapped_column(JSONB)
    reason_code: Mapped[str]
    note: Mapped[str | None]
    made_by_id: Mapped[UUID | None]
    made_by_name: Mapped[str]
    made_at: Mapped[datetime]
    is_told: Mapped[bool]

    __table_args__ = (
        CheckConstraint("origin IN ('correction', 'merge')", name="origin_known"),
        CheckConstraint("cardinality(fields) > 0", name="fields_named"),
        Index("ix_lead_corrections_lead_id_made_at", "lead_id", "made_at"),
    )
