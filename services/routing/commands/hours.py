"""When an installer takes leads, and how many of them are its part."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Actor
from contracts.values import AustralianState
from services.routing.commands.publishing import keep_change, publish
from services.routing.domain.written_hours import lines_of, normal_hours
from services.routing.models import Installer
from services.routing.queries import installers


@dataclass(frozen=True, slots=True)
class SetHours:
    """`hours` as models/installers.py has them, None is always. Public holidays are those of `home_state`."""

    installer_id: UUID
    hours: Sequence[Sequence[int]] | None
    home_state: AustralianState | None
    keeps_public_holidays: bool
    by: Actor
    reason: str | None = None


async def set_hours(session: AsyncSession, command: SetHours, now: datetime) -> Installer:
    """From the next decision on: what is on its way arrives whatever the hour."""
    installer = await installers.locked(session, command.installer_id)
    before, was = _told(installer), _stored(installer)
    installer.hours = None if command.hours is None else normal_hours(command.hours)
    installer.home_state = command.home_state
    installer.keeps_public_holidays = command.keeps_public_holidays
    if _stored(installer) == was:
        return installer
    await publish(session, installer, now, "hours")
    after = _told(installer)
    await keep_change(session, command.by, "set_hours", installer, before=before, after=after, reason=command.reason)
    return installer


def _stored(installer: Installer) -> tuple[Any, ...]:
    return installer.hours, installer.home_state, installer.keeps_public_holidays


def _told(installer: Installer) -> dict[str, Any]:
    """As the timeline tells it."""
    hours = "always" if installer.hours is None else "; ".join(lines_of(installer.hours)) or "never"
    return {
        "hours": hours,
        "home_state": installer.home_state,
        "keeps_public_holidays": installer.keeps_public_holidays,
    }


@dataclass(frozen=True, slots=True)
class SetShareWeight:
    """None is its capacity in a cycle."""

    installer_id: UUID
    weight: int | None
    by: Actor
    reason: str | None = None


async def set_share_weight(session: AsyncSession, command: SetShareWeight, now: datetime) -> Installer:
    """Counts from the next decision on: what it was owed by the weight before it is owed still."""
    installer = await installers.locked(session, command.installer_id)
    before = installer.share_weight
    if command.weight == before:
        return installer
    installer.share_weight = command.weight
    await publish(session, installer, now, "share_weight")
    states = {"before": {"share_weight": before}, "after": {"share_weight": command.weight}}
    await keep_change(session, command.by, "set_share_weight", installer, **states, reason=command.reason)
    return installer
