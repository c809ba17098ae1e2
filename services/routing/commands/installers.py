"""Installers: who they are, where they work, how much they take. Every change publishes the full state."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningInsert

from chassis.audit import Actor
from contracts.values import InstallerStatus
from services.routing.commands.caps import recount
from services.routing.commands.publishing import keep_change, publish
from services.routing.domain.pausing import obstacle_to
from services.routing.domain.profile import Particulars, Territory, normal_territory, told_territory
from services.routing.domain.states import Channel
from services.routing.domain.territory_import import ImportMode, ImportRow, combined
from services.routing.domain.windows import Limits
from services.routing.errors import InstallerExists
from services.routing.models import (
    DeliveryEndpoint,
    Installer,
    TerritoryPostcode,
    TerritoryRange,
    TerritoryState,
    TurnTaken,
)
from services.routing.queries import installers


@dataclass(frozen=True, slots=True)
class AddInstaller:
    """`installer_id` is made by who asks, so that asking twice adds one."""

    installer_id: UUID
    particulars: Particulars
    by: Actor
    status: InstallerStatus = InstallerStatus.ACTIVE
    limits: Limits = field(default_factory=Limits)
    territory: Territory = field(default_factory=Territory)

    def request_sha256(self) -> bytes:
        """The same for two that ask the same, whoever asks and whatever the installer has become since."""
        asked = [
            asdict(self.particulars),
            self.status,
            asdict(self.limits),
            told_territory(normal_territory(self.territory)),
        ]
        return sha256(json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()).digest()


class ParticularsChanges(TypedDict, total=False):
    """The fields of Particulars that are to change."""

    name: str
    abn: str | None
    gst_registered: bool
    email: str
    billing_email: str
    billing_address: str | None
    phone: str | None
    time_zone: str
    services: tuple[str, ...]


async def add_installer(session: AsyncSession, command: AddInstaller, now: datetime) -> Installer:
    """Asked twice the same it is added once; of another content under its id nothing is taken."""
    made = await session.scalar(_insertion(command, now))
    installer = await installers.locked(session, command.installer_id)
    if made is None:
        if not await _was_added_so(session, installer, command):
            raise InstallerExists("it was added with other content", installer_id=installer.id)
        return installer
    session.add(TurnTaken(installer_id=installer.id, last_assigned_place=0))
    session.add(DeliveryEndpoint(installer_id=installer.id, channel=Channel.MAIL))
    await _write_territory(session, installer.id, normal_territory(command.territory))
    await publish(session, installer, now)
    after = {**asdict(command.particulars), "status": command.status, "limits": asdict(command.limits)}
    await keep_change(session, command.by, "add_installer", installer, after=after)
    return installer


async def _was_added_so(session: AsyncSession, installer: Installer, command: AddInstaller) -> bool:
    """Where it was not kept what was asked for, it is what it is now."""
    if installer.request_sha256 is not None:
        return installer.request_sha256 == command.request_sha256()
    territory = await installers.territory_of(session, installer.id)
    return (particulars_of(installer), installer.status, installer.limits, territory) == (
        command.particulars,
        command.status,
        command.limits,
        normal_territory(command.territory),
    )


def _insertion(command: AddInstaller, now: datetime) -> ReturningInsert[UUID]:
    """Answers nothing where the id is taken, also by somebody who asks the same at this moment."""
    limits = command.limits
    row = {
        **_columns(command.particulars),
        "id": command.installer_id,
        "status": command.status,
        "status_since": now,
        "day_limit": limits.day,
        "week_limit": limits.week,
        "month_limit": limits.month,
        "created_at": now,
        "request_sha256": command.request_sha256(),
    }
    return insert(Installer).values(row).on_conflict_do_nothing(index_elements=["id"]).returning(Installer.id)


async def change_particulars(
    session: AsyncSession,
    installer_id: UUID,
    changes: ParticularsChanges,
    by: Actor,
    now: datetime,
    reason: str | None = None,
) -> Installer:
    """Leaves what is not named. A change of the time zone moves the windows, and what was taken moves with them."""
    installer = await installers.locked(session, installer_id)
    before = particulars_of(installer)
    after = replace(before, **changes)
    if after == before:
        return installer
    for name, value in _columns(after).items():
        setattr(installer, name, value)
    await publish(session, installer, now, *_changed(before, after))
    if after.time_zone != before.time_zone:
        await recount(session, installer.id, ZoneInfo(after.time_zone))
    states = {"before": asdict(before), "after": asdict(after)}
    await keep_change(session, by, "change_installer", installer, **states, reason=reason)
    return installer


async def set_caps(
    session: AsyncSession, installer_id: UUID, limits: Limits, by: Actor, now: datetime, reason: str | None = None
) -> Installer:
    """What was taken stays taken: a limit below it lets nothing through until the window ends."""
    installer = await installers.locked(session, installer_id)
    before = installer.limits
    if limits == before:
        return installer
    installer.day_limit, installer.week_limit, installer.month_limit = limits.day, limits.week, limits.month
    await publish(session, installer, now, "limits")
    states = {"before": asdict(before), "after": asdict(limits)}
    await keep_change(session, by, "set_caps", installer, **states, reason=reason)
    return installer


async def set_territory(
    session: AsyncSession,
    installer_id: UUID,
    territory: Territory,
    by: Actor,
    now: datetime,
    reason: str | None = None,
) -> Installer:
    """Replaces the territory as a whole."""
    after = normal_territory(territory)
    change = _TerritoryChange(installer_id, lambda _before: after, "set_territory", by, reason)
    return await _change_territory(session, change, now)


@dataclass(frozen=True, slots=True)
class ImportTerritory:
    """What a sheet's rows make of what the installer has; of the rows that are not its own it knows nothing."""

    installer_id: UUID
    rows: Sequence[ImportRow]
    mode: ImportMode
    by: Actor
    reason: str | None = None


async def import_territory(session: AsyncSession, command: ImportTerritory, now: datetime) -> Installer:
    change = _TerritoryChange(
        command.installer_id,
        lambda before: combined(before, command.rows, command.mode),
        "import_territory",
        command.by,
        command.reason,
    )
    return await _change_territory(session, change, now)


@dataclass(frozen=True, slots=True)
class _TerritoryChange:
    installer_id: UUID
    becomes: Callable[[Territory], Territory]
    action: str
    by: Actor
    reason: str | None


async def _change_territory(session: AsyncSession, change: _TerritoryChange, now: datetime) -> Installer:
    installer = await installers.locked(session, change.installer_id)
    before = await installers.territory_of(session, installer.id)
    after = change.becomes(before)
    if after == before:
        return installer
    for table in (TerritoryState, TerritoryRange, TerritoryPostcode):
        await session.execute(delete(table).where(table.installer_id == installer.id))
    await _write_territory(session, installer.id, after)
    await publish(session, installer, now, "territory")
    states = {"before": told_territory(before), "after": told_territory(after)}
    await keep_change(session, change.by, change.action, installer, **states, reason=change.reason)
    return installer


@dataclass(frozen=True, slots=True)
class ChangeStatus:
    installer_id: UUID
    status: InstallerStatus
    reason: str
    by: Actor


async def change_status(session: AsyncSession, command: ChangeStatus, now: datetime) -> Installer:
    """Whoever is paused or suspended gets no further lead; what is on its way arrives."""
    installer = await installers.locked(session, command.installer_id)
    before = installer.status
    if obstacle_to(command.status, status=before):
        return installer
    installer.status, installer.status_since = command.status, now
    await publish(session, installer, now, "status")
    states = {"before": {"status": before}, "after": {"status": command.status}}
    await keep_change(session, command.by, "change_installer_status", installer, **states, reason=command.reason)
    return installer


def particulars_of(installer: Installer) -> Particulars:
    return Particulars(
        name=installer.name,
        abn=installer.abn,
        gst_registered=installer.gst_registered,
        email=installer.email,
        billing_email=installer.billing_email,
        billing_address=installer.billing_address,
        phone=installer.phone,
        time_zone=installer.time_zone,
        services=tuple(installer.services),
    )


def _changed(before: Particulars, after: Particulars) -> list[str]:
    return [name for name in asdict(after) if getattr(before, name) != getattr(after, name)]


def _columns(particulars: Particulars) -> dict[str, Any]:
    return {**asdict(particulars), "services": list(particulars.services)}


async def _write_territory(session: AsyncSession, installer_id: UUID, territory: Territory) -> None:
    session.add_all(TerritoryState(installer_id=installer_id, state=state) for state in territory.states)
    session.add_all(
        TerritoryRange(installer_id=installer_id, postcodes=Range(int(r.first), int(r.last) + 1))
        for r in territory.ranges
    )
    session.add_all(TerritoryPostcode(installer_id=installer_id, postcode=code) for code in territory.postcodes)
    await session.flush()
