"""Corporate clients, their boards, and the NDAs of these."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from chassis.database import Versioned
from contracts.values import Currency
from services.intake.domain import BoardAction, BoardStatus, obstacle_to_board
from services.intake.models.model import Model, among, words


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
    status: Mapped[BoardStatus] = mapped_column(words(BoardStatus))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("contracted_amount_cents > 0", name="contracted_amount_positive"),
        CheckConstraint("currency = 'AUD'", name="currency_known"),
        CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed_at_told"),
        among("status", BoardStatus),
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
