"""Whether each point of the pre-flight checklist stands: one expression each, for one installer and for the list."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import ColumnElement, Text, and_, any_, case, exists, func, literal, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.lists.declaration import NOW
from contracts.values import InstallerStatus
from services.routing.domain.preflight import Check, Point, checks
from services.routing.domain.states import BreakerState, Channel
from services.routing.errors import NoSuchInstaller
from services.routing.models import (
    DeliveryEndpoint,
    Installer,
    InstallerAbsence,
    InstallerAccount,
    TerritoryPostcode,
    TerritoryRange,
    TerritoryState,
)
from services.routing.queries.absences import is_not_over
from services.routing.queries.arrays import among


def _account(holds: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of what billing has not told yet nothing stands."""
    return exists(select(1).where(InstallerAccount.installer_id == Installer.id, holds).correlate(Installer))


_ZONES = literal(sorted(available_timezones()), ARRAY(Text))
IS_AWAY = exists(
    select(1)
    .where(InstallerAbsence.installer_id == Installer.id, InstallerAbsence.starts_at <= NOW, is_not_over(NOW))
    .correlate(Installer)
)
_WORKS_SOMEWHERE = or_(
    *(
        exists(select(1).where(table.installer_id == Installer.id).correlate(Installer))
        for table in (TerritoryState, TerritoryRange, TerritoryPostcode)
    )
)


def _endpoint(holds: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of the channel by which it gets its leads."""
    of_its_channel = DeliveryEndpoint.installer_id == Installer.id, DeliveryEndpoint.channel == Installer.channel
    return exists(select(1).where(*of_its_channel, holds).correlate(Installer))


STANDS: dict[Point, ColumnElement[bool]] = {
    Point.IS_ACTIVE: Installer.status == InstallerStatus.ACTIVE,
    Point.IS_PRESENT: ~IS_AWAY,
    Point.HAS_TERRITORY: _WORKS_SOMEWHERE,
    Point.HAS_SERVICES: func.cardinality(Installer.services) > 0,
    Point.HAS_CLOCK: Installer.time_zone == any_(_ZONES),
    Point.HAS_HOURS: or_(Installer.hours.is_(None), func.jsonb_array_length(Installer.hours) > 0),
    Point.CAN_BE_REACHED: _endpoint(DeliveryEndpoint.breaker == BreakerState.CLOSED),
    Point.IS_TESTED: or_(Installer.channel == Channel.MAIL, _endpoint(DeliveryEndpoint.tested_at.is_not(None))),
    Point.IS_IDENTIFIED: or_(Installer.abn.is_not(None), Installer.billing_address.is_not(None)),
    Point.GST_HAS_ITS_ABN: or_(~Installer.gst_registered, Installer.abn.is_not(None)),
    Point.HAS_BILLING_EMAIL: Installer.billing_email != "",
    Point.HAS_PRICES: _account(InstallerAccount.has_prices.is_(True)),
    Point.IS_COLLECTABLE: _account(InstallerAccount.is_collectable.is_(True)),
    Point.HAS_CREDIT: _account(~InstallerAccount.credit_hold),
    Point.OWES_NOTHING_LATE: _account(InstallerAccount.overdue_cents <= 0),
}
"""Bind `now`."""

MISSING: ColumnElement[int] = sum((case((stands, 0), else_=1) for stands in STANDS.values()), start=literal(0))
"""How many points do not stand."""
IS_READY = and_(true(), *STANDS.values())
_TOLD = [stands.label(point) for point, stands in STANDS.items()]


async def preflight(session: AsyncSession, installer_id: UUID, now: datetime) -> list[Check]:
    query = select(*_TOLD, _account(true()).label("is_told")).where(Installer.id == installer_id)
    row = (await session.execute(query, {"now": now})).one_or_none()
    found = NoSuchInstaller.unless(row, "no such installer", installer_id=installer_id)
    return checks({point: bool(getattr(found, point)) for point in Point}, account_is_known=found.is_told)


async def missing_of(session: AsyncSession, installer_ids: Sequence[UUID], now: datetime) -> dict[UUID, list[Point]]:
    """Of each the points that do not stand, in the order of the checklist."""
    query = select(Installer.id, *_TOLD).where(among(Installer.id, installer_ids))
    rows = await session.execute(query, {"now": now})
    return {row.id: [point for point in Point if not getattr(row, point)] for row in rows}
