"""Lead sources: who hands leads in, in which mode and how many a minute."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.constraints import flush_or_refuse
from chassis.ids import new_id
from services.intake import queries
from services.intake.commands.source_keys import SUBJECT, KeyedSource, add_key, told_keys
from services.intake.commands.telling import tell_source
from services.intake.domain import SourceAction, SourceMode, obstacle_to_source
from services.intake.errors import SourceNameTaken, SourceNotActive
from services.intake.models import LeadSource

NAME_TAKEN = "there is a lead source of this name already"


async def create_source(
    session: AsyncSession, name: str, by: Actor, now: datetime, reason: str | None = None
) -> KeyedSource:
    """Names are unique whatever their case."""
    made = insert(LeadSource).values(id=new_id(), name=name, created_at=now)
    source = await session.scalar(made.on_conflict_do_nothing().returning(LeadSource))
    if source is None:
        raise SourceNameTaken(NAME_TAKEN)
    api_key = add_key(session, source.id, now)
    await tell_source(session, source)
    await audit.record(
        session,
        actor=by,
        action="create_lead_source",
        subject=Subject(SUBJECT, source.id),
        after={"name": name, "keys": await told_keys(session, source.id)},
        reason_text=reason,
    )
    return KeyedSource(source, api_key)


@dataclass(frozen=True, slots=True)
class ChangeSource:
    source_id: UUID
    by: Actor
    reason: str | None = None


async def rename_source(session: AsyncSession, command: ChangeSource, name: str) -> LeadSource:
    source = await queries.source(session, command.source_id, for_update=True)
    if source.name == name:
        return source
    before, source.name = source.name, name
    await flush_or_refuse(session, {"uq_lead_sources_name": SourceNameTaken(NAME_TAKEN)})
    await _record(session, command, "rename_lead_source", source, name=(before, name))
    return source


async def set_source_mode(session: AsyncSession, command: ChangeSource, mode: SourceMode) -> LeadSource:
    """From the commit on what it hands in is a test, or is none."""
    source = await _of(session, command, SourceAction.SET_MODE)
    if source.mode is mode:
        return source
    before, source.mode = source.mode, mode
    await _record(session, command, "set_lead_source_mode", source, mode=(before, mode))
    return source


async def set_source_rate(session: AsyncSession, command: ChangeSource, rate_per_minute: int | None) -> LeadSource:
    """None gives it the setting's. Other processes hear of it within `LEAD_KEY_CACHE_SECONDS`."""
    source = await _of(session, command, SourceAction.SET_RATE)
    if source.rate_per_minute == rate_per_minute:
        return source
    before, source.rate_per_minute = source.rate_per_minute, rate_per_minute
    await _record(session, command, "set_lead_source_rate", source, rate_per_minute=(before, rate_per_minute))
    return source


async def revoke_source(
    session: AsyncSession, source_id: UUID, reason: str | None, by: Actor, now: datetime
) -> LeadSource:
    """From the commit on none of its keys works. Revoked twice is revoked once."""
    source = await queries.source(session, source_id, for_update=True)
    if obstacle_to_source(SourceAction.REVOKE, is_revoked=source.revoked_at is not None):
        return source
    source.revoked_at = now
    await _record(session, ChangeSource(source_id, by, reason), "revoke_lead_source", source, revoked_at=(None, now))
    return source


async def _of(session: AsyncSession, command: ChangeSource, action: SourceAction) -> LeadSource:
    source = await queries.source(session, command.source_id, for_update=True)
    if obstacle := obstacle_to_source(action, is_revoked=source.revoked_at is not None):
        raise SourceNotActive(f"{obstacle}, and stays as it is", source_id=source.id)
    return source


async def _record(
    session: AsyncSession, command: ChangeSource, action: str, source: LeadSource, **changes: tuple[Any, Any]
) -> None:
    """`changes` are before and after of each field. What others know of a source is told with all of it."""
    await tell_source(session, source)
    await audit.record(
        session,
        actor=command.by,
        action=action,
        subject=Subject(SUBJECT, source.id),
        before={name: before for name, (before, _) in changes.items()},
        after={name: after for name, (_, after) in changes.items()},
        reason_text=command.reason,
    )
