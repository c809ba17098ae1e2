"""Installers, where they work, and how many leads they have taken in each window."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY, INT4RANGE, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from chassis.database import Versioned
from contracts.values import AustralianState, InstallerStatus
from services.routing.domain.states import Channel
from services.routing.domain.windows import Limits, WindowKind
from services.routing.models.model import Model


class Installer(Versioned, Model):
    """An installer's particulars; its limits are leads per window of its own time zone, None is no limit.

    `hours` are when it takes leads, each `[weekday from 0 for Monday, from minute, to minute]` of its own clock, in
    order; None is always. `share_weight` is its part among the eligible, None is its capacity in a cycle.
    """

    __tablename__ = "installers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    abn: Mapped[str | None]
    gst_registered: Mapped[bool]
    email: Mapped[str]
    billing_email: Mapped[str]
    billing_address: Mapped[str | None]
    phone: Mapped[str | None]
    time_zone: Mapped[str]
    status: Mapped[InstallerStatus] = mapped_column(Word(InstallerStatus))
    status_since: Mapped[datetime]
    services: Mapped[list[str]] = mapped_column(ARRAY(Text))
    day_limit: Mapped[int | None]
    week_limit: Mapped[int | None]
    month_limit: Mapped[int | None]
    channel: Mapped[Channel] = mapped_column(Word(Channel), default=Channel.MAIL, server_default=Channel.MAIL)
    hours: Mapped[list[list[int]] | None] = mapped_column(JSONB(none_as_null=True))
    home_state: Mapped[AustralianState | None] = mapped_column(Word(AustralianState))
    keeps_public_holidays: Mapped[bool] = mapped_column(default=False, server_default="false")
    share_weight: Mapped[int | None]
    created_at: Mapped[datetime]
    request_sha256: Mapped[bytes | None]
    """Of what it was added with, whatever was changed since; None for those that were added before this was kept."""

    __table_args__ = (
        one_of("status", InstallerStatus),
        one_of("channel", Channel),
        one_of("home_state", AustralianState),
        CheckConstraint("jsonb_typeof(hours) = 'array'", name="hours"),
        CheckConstraint("NOT keeps_public_holidays OR home_state IS NOT NULL", name="holidays_have_a_state"),
        CheckConstraint("share_weight BETWEEN 1 AND 1000", name="share_weight"),
        CheckConstraint("octet_length(request_sha256) = 32", name="request_sha256_length"),
        CheckConstraint("day_limit >= 0 AND week_limit >= 0 AND month_limit >= 0", name="limits"),
        Index("ix_installers_created_at", "created_at", "id"),
        Index("ix_installers_status_created_at", "status", "created_at", "id"),
        Index("ix_installers_services", "services", postgresql_using="gin"),
    )

    @property
    def limits(self) -> Limits:
        return Limits(self.day_limit, self.week_limit, self.month_limit)


class TerritoryState(Model):
    __tablename__ = "territory_states"

    state: Mapped[AustralianState] = mapped_column(Word(AustralianState), primary_key=True)
    installer_id: Mapped[UUID] = mapped_column(ForeignKey("installers.id"), primary_key=True)

    __table_args__ = (one_of("state", AustralianState), Index("ix_territory_states_installer_id", "installer_id"))


class TerritoryRange(Model):
    """Postcodes as numbers in a half-open range, so that a GiST index finds all ranges that hold one."""

    __tablename__ = "territory_ranges"

    installer_id: Mapped[UUID] = mapped_column(ForeignKey("installers.id"), primary_key=True)
    postcodes: Mapped[Any] = mapped_column(INT4RANGE, primary_key=True)

    __table_args__ = (
        CheckConstraint("lower(postcodes) >= 0 AND upper(postcodes) <= 10000", name="postcodes"),
        Index("ix_territory_ranges_postcodes", "postcodes", postgresql_using="gist"),
    )


class TerritoryPostcode(Model):
    __tablename__ = "territory_postcodes"

    postcode: Mapped[str] = mapped_column(primary_key=True)
    installer_id: Mapped[UUID] = mapped_column(ForeignKey("installers.id"), primary_key=True)

    __table_args__ = (
        CheckConstraint("postcode ~ '^[0-9]{4}$'", name="postcode"),
        Index("ix_territory_postcodes_installer_id", "installer_id"),
    )


class TurnTaken(Model):
    """When an installer last got a lead. The lock of this row is the lock of all its cap windows.

    A row of its own, apart from the particulars: every dispatch writes it, and nothing refers to it. `balance_ppm` is
    what it is owed, in millionths of a lead; below zero it is ahead.
    """

    __tablename__ = "turns_taken"

    installer_id: Mapped[UUID] = mapped_column(ForeignKey("installers.id"), primary_key=True)
    last_assigned_at: Mapped[datetime | None]
    last_assigned_place: Mapped[int] = mapped_column(default=0, server_default="0")
    balance_ppm: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class CapWindow(Model):
    """How many leads of an installer were reserved, used and failed in a window, by the instant of their assignment.

    All kinds are counted whether they have a limit or not: a limit set in the middle of a week knows the week.
    """

    __tablename__ = "cap_windows"

    installer_id: Mapped[UUID] = mapped_column(ForeignKey("installers.id"), primary_key=True)
    kind: Mapped[WindowKind] = mapped_column(Word(WindowKind), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    window_end: Mapped[datetime]
    reserved: Mapped[int] = mapped_column(default=0, server_default="0")
    used: Mapped[int] = mapped_column(default=0, server_default="0")
    failed: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (
        one_of("kind", WindowKind),
        CheckConstraint("reserved >= 0 AND used >= 0 AND failed >= 0", name="counts"),
        CheckConstraint("window_start < window_end", name="window"),
    )
