"""The API keys of lead sources: a key is shown once, when it is made."""

import secrets
import string
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from services.intake import queries
from services.intake.commands.telling import tell_source
from services.intake.domain import Obstacle, SourceAction, obstacle_to_source
from services.intake.errors import KeyNotWorking, SourceKeyNotFound, SourceNotActive
from services.intake.models import LeadSource, LeadSourceKey

SUBJECT = "lead_source"
PREFIX_LETTERS = string.ascii_lowercase + string.digits
PREFIX_LENGTH = 12
SECRET_BYTES = 32
USE_TOLD_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class KeyedSource:
    """`api_key` is nowhere else: only its hash is kept."""

    source: LeadSource
    api_key: str


async def rotate_key(
    session: AsyncSession, source_id: UUID, overlap: timedelta, by: Actor, now: datetime, reason: str | None = None
) -> KeyedSource:
    """A new key; the ones before it work on for `overlap`, by the machine's clock, and never longer than they did."""
    source = await queries.source(session, source_id, for_update=True)
    if obstacle_to_source(SourceAction.ROTATE_KEY, is_revoked=source.revoked_at is not None):
        raise SourceNotActive("a revoked source gets no new key", source_id=source_id)
    await queries.keys_for_update(session, source_id)
    before = await told_keys(session, source_id)
    end = func.now() + overlap
    await session.execute(
        update(LeadSourceKey)
        .where(LeadSourceKey.source_id == source_id, LeadSourceKey.revoked_at.is_(None))
        .where(or_(LeadSourceKey.expires_at.is_(None), LeadSourceKey.expires_at > end))
        .values(expires_at=end)
    )
    api_key = add_key(session, source_id, now)
    await tell_source(session, source)
    await audit.record(
        session,
        actor=by,
        action="rotate_lead_source_key",
        subject=Subject(SUBJECT, source_id),
        before={"keys": before},
        after={"keys": await told_keys(session, source_id), "overlap_hours": overlap.total_seconds() / 3600},
        reason_text=reason,
    )
    return KeyedSource(source, api_key)


async def told_keys(session: AsyncSession, source_id: UUID) -> list[str]:
    """Those that work, as the audit has them: by their beginning, with when they end."""
    return [
        key.begins + (f" until {key.expires_at.isoformat(timespec='seconds')}" if key.expires_at else "")
        for key in await queries.working_keys(session, source_id)
    ]


async def revoke_key(
    session: AsyncSession, source_id: UUID, prefix: str, reason: str, by: Actor, now: datetime
) -> LeadSource:
    """From the commit on this key does not work; the source's others do. Revoked twice is revoked once."""
    source = await queries.source(session, source_id, for_update=True)
    keys = await queries.keys_for_update(session, source_id)
    key = SourceKeyNotFound.unless(keys.get(prefix), "no such API key of this source", source_id=source_id)
    match key.obstacle(source, datetime.now(UTC)):
        case None:
            key.revoked_at = now
            await tell_source(session, source)
            await _record_revocation(session, key, reason, by)
        case Obstacle.REVOKED:
            pass
        case obstacle:
            raise KeyNotWorking(f"{obstacle}: there is nothing to revoke", source_id=source_id)
    return source


async def _record_revocation(session: AsyncSession, key: LeadSourceKey, reason: str, by: Actor) -> None:
    await audit.record(
        session,
        actor=by,
        action="revoke_lead_source_key",
        subject=Subject(SUBJECT, key.source_id),
        before={"revoked_at": None},
        after={"key": key.begins, "revoked_at": key.revoked_at},
        reason_text=reason,
    )


async def note_use(session: AsyncSession, prefix: str, now: datetime) -> None:
    """A key is in use. Whoever changes it at this moment, or has noted it, is not waited for."""
    known = LeadSourceKey.last_used_at
    stale = (
        select(LeadSourceKey.prefix)
        .where(LeadSourceKey.prefix == prefix, or_(known.is_(None), known <= now - USE_TOLD_EVERY))
        .with_for_update(skip_locked=True, key_share=True)
    )
    await session.execute(
        update(LeadSourceKey).where(LeadSourceKey.prefix.in_(stale)).values(last_used_at=now),
        execution_options={"synchronize_session": False},
    )


def add_key(session: AsyncSession, source_id: UUID, now: datetime) -> str:
    prefix = "".join(secrets.choice(PREFIX_LETTERS) for _ in range(PREFIX_LENGTH))
    api_key = f"wbk_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    digest = sha256(api_key.encode()).digest()
    session.add(LeadSourceKey(prefix=prefix, source_id=source_id, key_sha256=digest, created_at=now))
    return api_key
