"""Delivery channels of all installers: what each delivers to, how that goes, and which hold leads back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.routing.domain.states import AssignmentStatus, BreakerState, Channel
from services.routing.models import Assignment, DeliveryEndpoint, Installer

_PENDING = (
    select(Assignment.installer_id, Assignment.channel, func.count().label("number"))
    .where(Assignment.status == AssignmentStatus.PENDING)
    .group_by(Assignment.installer_id, Assignment.channel)
    .subquery()
)
ROWS = (
    select()
    .select_from(DeliveryEndpoint)
    .join(Installer, Installer.id == DeliveryEndpoint.installer_id)
    .outerjoin(
        _PENDING,
        and_(_PENDING.c.installer_id == DeliveryEndpoint.installer_id, _PENDING.c.channel == DeliveryEndpoint.channel),
    )
)
ON_THEIR_WAY = func.coalesce(_PENDING.c.number, 0)
IS_USED = Installer.channel == DeliveryEndpoint.channel
# Of an address only its host: what stands behind it can be a secret.
HOST = case(
    (DeliveryEndpoint.channel == Channel.MAIL, func.split_part(Installer.email, "@", 2)),
    else_=func.substring(DeliveryEndpoint.url, "://([^/?#]+)"),
)


@dataclass(frozen=True, slots=True)
class ChannelFilter:
    """What is None does not narrow; `holds_back` is whether its breaker is anything but closed."""

    installer_id: UUID | None = None
    channel: Channel | None = None
    breaker: BreakerState | None = None
    holds_back: bool | None = None
    is_used: bool | None = None


async def list_channels(session: AsyncSession, wanted: ChannelFilter, page: PageRequest) -> Sequence[Row[Any]]:
    """Those of the newest installers first, one row more than the page holds."""
    query = ROWS.with_only_columns(
        DeliveryEndpoint,
        Installer.name.label("installer_name"),
        Installer.created_at.label("installer_added_at"),
        HOST.label("host"),
        IS_USED.label("is_used"),
        ON_THEIR_WAY.label("on_their_way"),
    )
    if wanted.installer_id is not None:
        query = query.where(DeliveryEndpoint.installer_id == wanted.installer_id)
    if wanted.channel is not None:
        query = query.where(DeliveryEndpoint.channel == wanted.channel)
    if wanted.breaker is not None:
        query = query.where(DeliveryEndpoint.breaker == wanted.breaker)
    if wanted.holds_back is not None:
        query = query.where((DeliveryEndpoint.breaker != BreakerState.CLOSED).is_(wanted.holds_back))
    if wanted.is_used is not None:
        query = query.where(IS_USED.is_(wanted.is_used))
    return (await session.execute(page.apply(query, Installer.created_at, DeliveryEndpoint.id))).all()


def place_of(row: Row[Any]) -> tuple[datetime, UUID]:
    return row.installer_added_at, row.DeliveryEndpoint.id
