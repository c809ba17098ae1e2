"""The tables of intake: their constraints carry what must hold whoever writes."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Enum,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.database import Versioned, named_metadata
from contracts.forms import E164
from contracts.values import AustralianState, Currency, SelectedPath
from services.intake.domain import (
    BoardAction,
    BoardStatus,
    CloseReason,
    LeadAction,
    LeadOutcome,
    LeadStatus,
    SourceAction,
    obstacle_to_board,
    obstacle_to_lead,
    obstacle_to_source,
    outcome_of,
)


class Model(DeclarativeBase):
    metadata = named_metadata()
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        str: Text(),
        bytes: LargeBinary(),
    }


def _words(enum: type[StrEnum]) -> Enum:
    return Enum(
        enum,
        native_enum=False,
        create_constraint=False,
        length=40,
        values_callable=lambda members: [member.value for member in members],
    )


def _among(column: str, enum: type[StrEnum]) -> CheckConstraint:
    words = ", ".join(f"'{member.value}'" for member in enum)
    return CheckConstraint(f"{column} IN ({words})", name=f"{column}_known")


class LeadSource(Model):
    """Who hands leads in. Never deleted: its leads name it for ever."""

    __tablename__ = "lead_sources"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("char_length(name) BETWEEN 1 AND 120", name="name_length"),
        Index("uq_lead_sources_name", text("lower(name)"), unique=True),
        Index("ix_lead_sources_created_at_id", "created_at", "id"),
    )

    @property
    def available_actions(self) -> list[SourceAction]:
        is_revoked = self.revoked_at is not None
        return [action for action in SourceAction if not obstacle_to_source(action, is_revoked=is_revoked)]


class LeadSourceKey(Model):
    """An API key of a source, found by its prefix; of the secret its SHA-256 alone is kept."""

    __tablename__ = "lead_source_keys"

    prefix: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("lead_sources.id"), index=True)
    key_sha256: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    """By the machine's clock, as all security; none while no other key has taken its place."""

    __table_args__ = (CheckConstraint("octet_length(key_sha256) = 32", name="key_sha256_length"),)


class Lead(Versioned, Model):
    """`dispatch_version` is the version of routing's last event about it that was applied here."""

    __tablename__ = "leads"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("lead_sources.id"))
    submission_key: Mapped[str]
    fingerprint: Mapped[bytes]
    accepted_as: Mapped[LeadStatus] = mapped_column(_words(LeadStatus))
    """The status of the first answer, which every repetition of the submission gets again."""
    status: Mapped[LeadStatus] = mapped_column(_words(LeadStatus))
    status_since: Mapped[datetime]
    selected_path: Mapped[SelectedPath] = mapped_column(_words(SelectedPath))
    service: Mapped[str]
    name: Mapped[str]
    email: Mapped[str]
    email_match: Mapped[str]
    phone: Mapped[str]
    street: Mapped[str]
    suburb: Mapped[str]
    state: Mapped[AustralianState] = mapped_column(_words(AustralianState))
    postcode: Mapped[str]
    received_at: Mapped[datetime]
    dispatch_version: Mapped[int] = mapped_column(default=0, server_default="0")
    deeds_version: Mapped[int] = mapped_column(default=0, server_default="0")
    """Of the last event about what operators did with it."""
    delivered_at: Mapped[datetime | None]
    exception_reason: Mapped[str | None]
    close_reason: Mapped[CloseReason | None] = mapped_column(_words(CloseReason))

    __table_args__ = (
        # Exactly once, for ever: no window, no expiry.
        UniqueConstraint("source_id", "submission_key"),
        CheckConstraint("char_length(submission_key) BETWEEN 1 AND 200", name="submission_key_length"),
        CheckConstraint("octet_length(fingerprint) = 32", name="fingerprint_length"),
        CheckConstraint(f"phone ~ '{E164}'", name="phone_e164"),
        CheckConstraint("postcode ~ '^[0-9]{4}$'", name="postcode_digits"),
        _among("close_reason", CloseReason),
        CheckConstraint("(status = 'closed') = (close_reason IS NOT NULL)", name="close_reason_told"),
        _among("status", LeadStatus),
        _among("accepted_as", LeadStatus),
        _among("selected_path", SelectedPath),
        _among("state", AustralianState),
        # By state and by path operators find most rows: the index on time serves those, with a filter.
        Index("ix_leads_received_at_id", "received_at", "id"),
        Index("ix_leads_status_received_at_id", "status", "received_at", "id"),
        Index("ix_leads_source_id_received_at_id", "source_id", "received_at", "id"),
        Index("ix_leads_postcode_received_at_id", "postcode", "received_at", "id"),
        Index("ix_leads_suburb_received_at_id", text("lower(suburb)"), "received_at", "id"),
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
    from_status: Mapped[LeadStatus] = mapped_column(_words(LeadStatus))
    to_status: Mapped[LeadStatus] = mapped_column(_words(LeadStatus))
    changed_at: Mapped[datetime]
    reason_code: Mapped[str | None]
    actor_name: Mapped[str | None]
    event_id: Mapped[UUID | None]

    __table_args__ = (
        Index("ix_lead_status_changes_lead_id_id", "lead_id", "id"),
        _among("from_status", LeadStatus),
        _among("to_status", LeadStatus),
    )


class Client(Versioned, Model):
    """A corporate client. `terms_days` is the days from an invoice's issue to its due date."""

    __tablename__ = "clients"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    abn: Mapped[str | None]
    billing_name: Mapped[str]
    billing_email: Mapped[str]
    billing_address: Mapped[str | None]
    terms_days: Mapped[int]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("abn ~ '^[1-9][0-9]{10}$'", name="abn_digits"),
        CheckConstraint("terms_days BETWEEN 0 AND 365", name="terms_days_range"),
        Index("ix_clients_created_at_id", "created_at", "id"),
        Index("ix_clients_abn", "abn"),
    )


class Board(Versioned, Model):
    """Work that a client contracted: closed once, and then invoiced for the amount, which excludes GST."""

    __tablename__ = "boards"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"))
    title: Mapped[str]
    contracted_amount_cents: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Currency] = mapped_column(Text)
    purchase_order: Mapped[str | None]
    status: Mapped[BoardStatus] = mapped_column(_words(BoardStatus))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("contracted_amount_cents > 0", name="contracted_amount_positive"),
        CheckConstraint("currency = 'AUD'", name="currency_known"),
        CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed_at_told"),
        _among("status", BoardStatus),
        Index("ix_boards_opened_at_id", "opened_at", "id"),
        Index("ix_boards_client_id_opened_at_id", "client_id", "opened_at", "id"),
        Index("ix_boards_status_opened_at_id", "status", "opened_at", "id"),
    )

    @property
    def available_actions(self) -> list[BoardAction]:
        return [action for action in BoardAction if not obstacle_to_board(action, self.status)]


class Nda(Model):
    """An expert's acceptance of a board's NDA. Dormant: nothing writes it in this release, rows are shown."""

    __tablename__ = "ndas"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    board_id: Mapped[UUID] = mapped_column(ForeignKey("boards.id"))
    expert_id: Mapped[UUID]
    expert_name: Mapped[str]
    document_version: Mapped[str]
    accepted_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("board_id", "expert_id", "document_version"),
        Index("ix_ndas_accepted_at_id", "accepted_at", "id"),
    )
