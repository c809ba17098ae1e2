"""Installers, as operators and commands see them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, or_, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from contracts.values import AustralianState, InstallerStatus
from services.routing.domain.profile import PostcodeRange, Territory
from services.routing.errors import NoSuchInstaller
from services.routing.models import Installer, TerritoryPostcode, TerritoryRange, TerritoryState, TurnTaken
from services.routing.queries.arrays import among
from services.routing.queries.preflight import IS_READY


async def get(session: AsyncSession, installer_id: UUID) -> Installer:
    return NoSuchInstaller.unless(
        await session.get(Installer, installer_id), "no such installer", installer_id=installer_id
    )


async def locked(session: AsyncSession, installer_id: UUID) -> Installer:
    """Weaker than FOR UPDATE: an assignment may refer to the row meanwhile, or dispatch would wait for operators."""
    return NoSuchInstaller.unless(
        await session.get(Installer, installer_id, with_for_update={"key_share": True}),
        "no such installer",
        installer_id=installer_id,
    )


async def refuse_unknown(session: AsyncSession, installer_ids: Sequence[UUID]) -> None:
    known = set(await session.scalars(select(Installer.id).where(among(Installer.id, installer_ids))))
    unknown = sorted(set(installer_ids) - known)
    if unknown:
        raise NoSuchInstaller("no such installer", installer_id=unknown[0])


async def names_of(session: AsyncSession, installer_ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = await session.execute(select(Installer.id, Installer.name).where(among(Installer.id, installer_ids)))
    return {row.id: row.name for row in rows}


async def active_by_name(session: AsyncSession) -> Sequence[Row[UUID, str]]:
    """Id and name of all."""
    query = select(Installer.id, Installer.name).where(Installer.status == InstallerStatus.ACTIVE)
    return (await session.execute(query.order_by(Installer.name, Installer.id))).all()


async def others_that_do(
    session: AsyncSession, service: str, known: Collection[UUID], limit: int
) -> Sequence[Row[UUID, str]]:
    """Id and name of the active installers that do the service, but for these; by name."""
    return (
        await session.execute(
            select(Installer.id, Installer.name)
            .where(
                Installer.services.contains([service]),
                Installer.status == InstallerStatus.ACTIVE,
                ~among(Installer.id, known),
            )
            .order_by(Installer.name, Installer.id)
            .limit(limit)
        )
    ).all()


async def last_turn_of(session: AsyncSession, installer_id: UUID) -> datetime | None:
    turn = await session.get(TurnTaken, installer_id)
    return turn.last_assigned_at if turn else None


async def territory_of(session: AsyncSession, installer_id: UUID) -> Territory:
    return (await territories_of(session, [installer_id]))[installer_id]


async def territories_of(session: AsyncSession, installer_ids: Sequence[UUID]) -> dict[UUID, Territory]:
    """Three statements for any number."""
    states = await _parts(session, TerritoryState, TerritoryState.state, installer_ids)
    ranges = await _parts(session, TerritoryRange, TerritoryRange.postcodes, installer_ids)
    postcodes = await _parts(session, TerritoryPostcode, TerritoryPostcode.postcode, installer_ids)
    return {
        id_: Territory(
            states=frozenset(states[id_]),
            ranges=tuple(sorted(_range(stored) for stored in ranges[id_])),
            postcodes=frozenset(postcodes[id_]),
        )
        for id_ in installer_ids
    }


async def _parts(
    session: AsyncSession, table: Any, part: Any, installer_ids: Sequence[UUID]
) -> defaultdict[UUID, list[Any]]:
    found: defaultdict[UUID, list[Any]] = defaultdict(list)
    query = select(table.installer_id, part.label("part")).where(among(table.installer_id, installer_ids))
    for row in await session.execute(query):
        found[row.installer_id].append(row.part)
    return found


def _range(stored: Range[int]) -> PostcodeRange:
    """PostgreSQL keeps a range of integers half-open."""
    if stored.lower is None or stored.upper is None:
        raise ValueError("a range of postcodes has two ends")
    return PostcodeRange(f"{stored.lower:04}", f"{stored.upper - 1:04}")


@dataclass(frozen=True, slots=True)
class InstallerFilter:
    """What is None does not narrow. `covers_postcode` and `covers_state` together are one place: either may match."""

    status: InstallerStatus | None = None
    service: str | None = None
    name: str | None = None
    covers_postcode: str | None = None
    covers_state: AustralianState | None = None
    is_ready: bool | None = None


async def list_installers(
    session: AsyncSession, wanted: InstallerFilter, page: PageRequest, now: datetime
) -> Sequence[Installer]:
    """Newest first, one row more than the page holds."""
    query = select(Installer)
    if wanted.status is not None:
        query = query.where(Installer.status == wanted.status)
    if wanted.service is not None:
        query = query.where(Installer.services.contains([wanted.service]))
    if wanted.name is not None:
        query = query.where(Installer.name.icontains(wanted.name, autoescape=True))
    if wanted.is_ready is not None:
        query = query.where(IS_READY if wanted.is_ready else ~IS_READY)
    covering = _covering(wanted)
    if covering:
        query = query.where(or_(*(Installer.id.in_(owners) for owners in covering)))
    return (await session.scalars(page.apply(query, Installer.created_at, Installer.id), {"now": now})).all()


def _covering(wanted: InstallerFilter) -> list[Select[UUID]]:
    owners: list[Select[UUID]] = []
    if wanted.covers_postcode is not None:
        owners.append(
            select(TerritoryPostcode.installer_id).where(TerritoryPostcode.postcode == wanted.covers_postcode)
        )
        owners.append(
            select(TerritoryRange.installer_id).where(TerritoryRange.postcodes.contains(int(wanted.covers_postcode)))
        )
    if wanted.covers_state is not None:
        owners.append(select(TerritoryState.installer_id).where(TerritoryState.state == wanted.covers_state))
    return owners


def place_of(installer: Installer) -> tuple[datetime, UUID]:
    return installer.created_at, installer.id
