"""What installers made of each day, rolled up for their scorecards."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from contracts.values import AustralianState
from services.routing.models.model import Model


class InstallerDay(Model):
    """An installer's leads of one state, by the business day on which they were decided.

    It was considered for so many, eligible for some of them, and chosen for some of those; `obstacles` counts by rule
    what was in the way of the rest. Of what it was given that day `sent`, `failed` and `returned` tell what has become
    of it since; the two after them are from the assignment to its delivery.
    """

    __tablename__ = "installer_days"

    installer_id: Mapped[UUID] = mapped_column(ForeignKey("installers.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    state: Mapped[AustralianState] = mapped_column(Word(AustralianState), primary_key=True)
    considered: Mapped[int]
    eligible: Mapped[int]
    chosen: Mapped[int]
    entitled_ppm: Mapped[int] = mapped_column(BigInteger)
    obstacles: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sent: Mapped[int]
    failed: Mapped[int]
    returned: Mapped[int]
    deliver_seconds_sum: Mapped[int] = mapped_column(BigInteger)
    within_5_min: Mapped[int]

    __table_args__ = (
        one_of("state", AustralianState),
        CheckConstraint("chosen <= eligible AND eligible <= considered", name="counts"),
        Index("ix_installer_days_day", "day"),
    )
