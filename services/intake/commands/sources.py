"""Lead sources and their API keys: a key is shown once, when it is made."""

import secrets
import string
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.ids import new_id
from services.intake import queries
from services.intake.domain import SourceAction, obstacle_to_source
from services.intake.errors import SourceNameTaken, SourceNotActive
from services.intake.models import LeadSource, LeadSourceKey

SUBJECT = "lead_source"
PREFIX_LETTERS = string.ascii_lowercase + string.digits
PREFIX_LENGTH = 12
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class KeyedSource:
    """`api_key` is nowhere else: only its hash is kept."""

    source: LeadSource
    api_key: str


async def create_source(session: AsyncSession, name: str, by: Actor, now: datetime) -> KeyedSource:
    """Names are unique whatever their case."""
    made = insert(LeadSource).values(id=new_id(), name=name, created_at=now)
    source = await session.scalar(made.on_conflict_do_nothing().returning(LeadSource))
    if source is None:
        raise SourceNameTaken("there is a lead source of this name already")
    await audit.record(
        session, actor=by, action="create_lead_source", subject=Subject(SUBJECT, source.id), after={"name": name}
    )
    return KeyedSource(source, _add_key(session, source.id, now))


async def rotate_key(
    session: AsyncSession, source_id: UUID, overlap: timedelta, by: Actor, now: datetime
) -> KeyedSource:
    """A new key; the ones before it work on for `overlap`, by the machine's clock, and never longer than they did."""
    source = await queries.source(session, source_id, for_update=True)
    if obstacle_to_source(SourceAction.ROTATE_KEY, is_revoked=source.revoked_at is not None):
        raise SourceNotActive("a revoked source gets no new key", source_id=source_id)
    end = func.now() + overlap
    await session.execute(
        update(LeadSourceKey)
        .where(LeadSourceKey.source_id == source_id)
        .where(or_(LeadSourceKey.expires_at.is_(None), LeadSourceKey.expires_at > end))
        .values(expires_at=end)
    )
    subject, told = Subject(SUBJECT, source_id), {"overlap_hours": overlap.total_seconds() / 3600}
    await audit.record(session, actor=by, action="rotate_lead_source_key", subject=subject, after=told)
    return KeyedSource(source, _add_key(session, source_id, now))


async def revoke_source(
    session: AsyncSession, source_id: UUID, reason: str | None, by: Actor, now: datetime
) -> LeadSource:
    """From the commit on none of its keys works. Revoked twice is revoked once."""
    source = await queries.source(session, source_id, for_update=True)
    if obstacle_to_source(SourceAction.REVOKE, is_revoked=source.revoked_at is not None):
        return source
    source.revoked_at = now
    await audit.record(
        session,
        actor=by,
        action="revoke_lead_source",
        subject=Subject(SUBJECT, source_id),
        before={"revoked_at": None},
        after={"revoked_at": now},
        reason_text=reason,
    )
    return source


def _add_key(session: AsyncSession, source_id: UUID, now: datetime) -> str:
    prefix = "".join(secrets.choice(PREFIX_LETTERS) for _ in range(PREFIX_LENGTH))
    api_key = f"wbk_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    digest = sha256(api_key.encode()).digest()
    session.add(LeadSourceKey(prefix=prefix, source_id=source_id, key_sha256=digest, created_at=now))
    return api_key
