"""Leads, what their people agreed to, and their way."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis.database import Versioned
from contracts.forms import E164
from contracts.values import AustralianState, SelectedPath
from services.intake.domain import (
    CloseReason,
    LeadAction,
    LeadOutcome,
    LeadStatus,
    Obstacle,
    OwnerDeed,
    late_from,
    obstacle_to_lead,
    obstacle_to_owning,
    outcome_of,
)
from services.intake.domain.duplicates import RejectReason
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
    deeds_version: Mapped[int] = mapped_column(default=0, server_default="0")
    """Of the last event about what operators did with it."""
    delivered_at: Mapped[datetime | None]
    exception_reason: Mapped[str | None]
    close_reason: Mapped[CloseReason | None] = mapped_column(words(CloseReason))
    reject_reason: Mapped[RejectReason | None] = mapped_column(words(RejectReason))
    merged_into: Mapped[UUID | None] = mapped_column(ForeignKey("leads.id"))
    """The lead that goes on for both: this one is kept as a tombstone."""
    correlation_id: Mapped[str | None]
    """With `traceparent` the cause of its first event, which comes after the request that handed it in."""
    traceparent: Mapped[str | None]
    owner_id: Mapped[UUID | None]
    owner_name: Mapped[str | None]
    owner_since: Mapped[datetime | None]
    critical_since: Mapped[datetime | None]
    """Counts while the lead stands as it did then: a new state is a new beginning."""
    snoozed_until: Mapped[datetime | None]
    first_contact_at: Mapped[datetime | None]
    """When the first follow-up was done, whatever came of it."""
    erased_at: Mapped[datetime | None]
    """Since when it says nothing of its person."""

    __table_args__ = (
        # Exactly once, for ever: no window, no expiry.
        UniqueConstraint("source_id", "submission_key"),
        CheckConstraint("char_length(submission_key) BETWEEN 1 AND 200", name="submission_key_length"),
        CheckConstraint("octet_length(fingerprint) = 32", name="fingerprint_length"),
        CheckConstraint(f"erased_at IS NOT NULL OR phone ~ '{E164}'", name="phone_e164"),
        CheckConstraint(
            "erased_at IS NULL OR name || email || email_match || phone || street = ''", name="erased_says_nothing"
        ),
        CheckConstraint("postcode ~ '^[0-9]{4}$'", name="postcode_digits"),
        among("close_reason", CloseReason),
        CheckConstraint("(status = 'closed') = (close_reason IS NOT NULL)", name="close_reason_told"),
        CheckConstraint(
            "(owner_id IS NULL) = (owner_name IS NULL) AND (owner_id IS NULL) = (owner_since IS NULL)",
            name="owner_named",
        ),
        CheckConstraint(
            "merged_into IS NULL OR (status = 'closed' AND close_reason = 'duplicate')", name="merged_is_closed"
        ),
        among("reject_reason", RejectReason),
        CheckConstraint("(status = 'rejected') = (reject_reason IS NOT NULL)", name="reject_reason_told"),
        among("status", LeadStatus),
        among("accepted_as", LeadStatus),
        among("selected_path", SelectedPath),
        among("state", AustralianState),
        # What waits to be screened, which is next to nothing.
        Index("ix_leads_received", "id", postgresql_where=text("status = 'received'")),
        # By state and by path operators find most rows: the index on time serves those, with a filter.
        Index("ix_leads_received_at_id", "received_at", "id"),
        Index("ix_leads_status_received_at_id", "status", "received_at", "id"),
        Index("ix_leads_source_id_received_at_id", "source_id", "received_at", "id"),
        Index("ix_leads_postcode_received_at_id", "postcode", "received_at", "id"),
        Index("ix_leads_owner_id_received_at_id", "owner_id", "received_at", "id"),
        Index("ix_leads_critical_since", "critical_since", "id", postgresql_where=text("critical_since IS NOT NULL")),
        Index("ix_leads_suburb_received_at_id", text("lower(suburb)"), "received_at", "id"),
        Index("ix_leads_status_since", "status", "status_since", "id"),
        Index("ix_leads_service", "service", "received_at", "id"),
        Index("ix_leads_merged_into", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
    )

    @property
    def outcome(self) -> LeadOutcome | None:
        return outcome_of(self.status, self.delivered_at)

    @property
    def available_actions(self) -> list[LeadAction | OwnerDeed]:
        is_owned = self.owner_id is not None
        return [
            *(action for action in LeadAction if not self.obstacle_to(action)),
            *(deed for deed in OwnerDeed if not obstacle_to_owning(deed, self.status, is_owned=is_owned)),
        ]

    @property
    def late_from(self) -> datetime | None:
        return late_from(self.status, self.status_since, self.received_at)

    @property
    def is_merged(self) -> bool:
        return self.merged_into is not None

    def obstacle_to(self, action: LeadAction) -> Obstacle | None:
        """Why it cannot be done with this lead; None where it can."""
        return obstacle_to_lead(action, self.status, is_merged=self.is_merged, is_erased=self.erased_at is not None)

    @property
    def is_critical(self) -> bool:
        return self.critical_since is not None and self.critical_since >= self.status_since

    def next_deed(self) -> int:
        """The version of the next event on the topic of deeds. Lock the row first."""
        self.deeds_version += 1
        return self.deeds_version


class Consent(Model):
    """What the person agreed to. Written once, with the lead.

    `given_at` and `remote_address` are of the request that handed the lead in, which is the source's; what the source
    says of the person stands beside them, where it says so. An erasure alone changes it, by a function of the database:
    the words and the addresses go, that and when it was given stays.
    """

    __tablename__ = "consents"

    lead_id: Mapped[UUID] = mapped_column(ForeignKey("leads.id"), primary_key=True)
    text: Mapped[str]
    url: Mapped[str]
    remote_address: Mapped[str]
    given_at: Mapped[datetime]
    asserted_given_at: Mapped[datetime | None]
    asserted_remote_address: Mapped[str | None]


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
        Index("ix_lead_status_changes_changed_at", "changed_at"),
        among("from_status", LeadStatus),
        among("to_status", LeadStatus),
    )


class ScreeningFault(Model):
    """A lead whose screening failed for a fault of ours, by the fault's name; it is tried again from `next_at` on.

    Its instants are the machine's: a fault passes by no other clock.
    """

    __tablename__ = "screening_faults"

    lead_id: Mapped[UUID] = mapped_column(ForeignKey("leads.id"), primary_key=True)
    fault: Mapped[str]
    attempts: Mapped[int]
    failed_at: Mapped[datetime]
    next_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("attempts > 0", name="attempts_positive"),
        Index("ix_screening_faults_next_at", "next_at"),
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
        CheckConstraint("origin IN ('correction', 'merge', 'unmerge')", name="origin_known"),
        CheckConstraint("cardinality(fields) > 0", name="fields_named"),
        Index("ix_lead_corrections_lead_id_made_at", "lead_id", "made_at"),
    )
