"""What is told of the books as a whole."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from chassis.database import Versioned
from services.billing.domain.statuses import BlockReason
from services.billing.models.columns import Table


class BookBlock(Versioned, Table):
    """An episode in which something keeps the books from being closed: one at a time of each reason, told as it grows.

    `count` is the most that was told of it.
    """

    __tablename__ = "book_blocks"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reason_code: Mapped[BlockReason] = mapped_column(Word(BlockReason))
    count: Mapped[int]
    since: Mapped[datetime]
    told_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("reason_code", BlockReason),
        CheckConstraint("count > 0", name="count"),
        Index("uq_book_blocks_open", "reason_code", unique=True, postgresql_where=text("ended_at IS NULL")),
    )
