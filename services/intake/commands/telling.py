"""What others are told of who hands leads in, and of what operators set of holding and escalating them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.audit import Actor
from contracts.intake import IntakePolicyChanged, LeadSourceChanged, SettingChange, SourceKey
from services.intake import queries
from services.intake.models import LeadSource


async def tell_source(session: AsyncSession, source: LeadSource) -> None:
    """All of it, with the keys that work now. Lock the source first, and change its keys before."""
    await session.flush()
    keys = await queries.working_keys(session, source.id)
    event = LeadSourceChanged(
        source_id=source.id,
        name=source.name,
        mode=source.mode,
        is_active=source.revoked_at is None,
        rate_per_minute=source.rate_per_minute,
        keys=tuple(SourceKey(begins=key.begins, expires_at=key.expires_at) for key in keys),
    )
    outbox.add(session, event, version=source.next_version())


@dataclass(frozen=True, slots=True)
class ChangedPolicy:
    """`id` is what its events are keyed by. `version` is the one that this change gives it."""

    id: str
    kind: str
    version: int
    name: str | None = None


def tell_policy(
    session: AsyncSession,
    policy: ChangedPolicy,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    by: Actor,
    now: datetime,
) -> None:
    """The settings of `after` that changed. Why stays in the audit: it is in somebody's own words."""
    changes = [
        SettingChange(name=name, before=before.get(name), after=value)
        for name, value in after.items()
        if before.get(name) != value
    ]
    event = IntakePolicyChanged(
        policy=policy.id,
        kind=policy.kind,
        name=policy.name,
        version=policy.version,
        changes=tuple(changes),
        changed_by_id=by.id,
        changed_by_name=by.name,
        changed_at=now,
    )
    outbox.add(session, event, version=policy.version)
