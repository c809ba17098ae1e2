"""Who did what to what, and why: one row per change that an operator makes, written in the change's own transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import Column, DateTime, Index, Row, Table, Text, Uuid, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from chassis.paging import PageRequest
from chassis.tables import metadata
from chassis.telemetry.context import current_request

BULK_JOB = "bulk_job"
"""Where `after` tells of which bulk action the change is a part, and the kind of subject that such an action is."""

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("actor_id", Uuid),
    Column("actor_name", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("before", JSONB(none_as_null=True)),
    Column("after", JSONB(none_as_null=True)),
    Column("reason_code", Text),
    Column("reason_text", Text),
    Column("request_id", Text),
)
Index(
    "ix_audit_entries_subject",
    audit_entries.c.subject_kind,
    audit_entries.c.subject_id,
    audit_entries.c.occurred_at,
)
Index("ix_audit_entries_occurred_at", audit_entries.c.occurred_at, audit_entries.c.id)
Index("ix_audit_entries_actor", audit_entries.c.actor_id, audit_entries.c.occurred_at, audit_entries.c.id)


class Actor(Protocol):
    """An operator, or `SYSTEM`."""

    @property
    def id(self) -> UUID | None: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class System:
    """What happens by itself: a schedule, a consumer."""

    name: str = "system"
    id: None = None


SYSTEM = System()


@dataclass(frozen=True, slots=True)
class Subject:
    """What was changed: the noun as the domain says it, and its id."""

    kind: str
    id: UUID | str


@dataclass(frozen=True, slots=True)
class Change:
    """`before` and `after` hold the fields that changed."""

    subject: Subject
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


async def record(
    session: AsyncSession,
    *,
    actor: Actor,
    action: str,
    subject: Subject,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason_code: str | None = None,
    reason_text: str | None = None,
) -> UUID:
    """Writes the row; it is committed with the change, or neither is. `action` is imperative: `release_cap`.

    `before` and `after` hold the fields that changed. The instant is the machine's, whatever business time is.
    """
    change = Change(subject, before, after)
    entry = _entry(actor, action, change, reason_code, reason_text)
    await session.execute(insert(audit_entries).values(entry))
    return UUID(str(entry["id"]))


async def record_all(
    session: AsyncSession,
    changes: Sequence[Change],
    *,
    actor: Actor,
    action: str,
    reason_code: str | None = None,
    reason_text: str | None = None,
) -> None:
    """One deed on many subjects: a row for each, as `record` writes it, by one statement."""
    entries = [_entry(actor, action, change, reason_code, reason_text) for change in changes]
    if entries:
        await session.execute(insert(audit_entries), entries)


def _entry(
    actor: Actor, action: str, change: Change, reason_code: str | None, reason_text: str | None
) -> dict[str, object]:
    request = current_request()
    after = change.after
    if request is not None and request.bulk_job_id is not None:
        after = {**(after or {}), BULK_JOB: request.bulk_job_id}
    return {
        "id": new_id(),
        "occurred_at": datetime.now(UTC),
        "actor_id": actor.id,
        "actor_name": actor.name,
        "action": action,
        "subject_kind": change.subject.kind,
        "subject_id": str(change.subject.id),
        "before": to_jsonable_python(change.before),
        "after": to_jsonable_python(after),
        "reason_code": reason_code,
        "reason_text": reason_text,
        "request_id": request.request_id if request else None,
    }


async def list_entries(
    session: AsyncSession,
    page: PageRequest,
    *,
    subject: Subject | None = None,
    actor_id: UUID | None = None,
    action: str | None = None,
) -> Sequence[Row[Any]]:
    """Newest first, one row more than the page holds: `page.page(rows, place, show)` makes the page of them."""
    query = select(audit_entries)
    if subject is not None:
        query = query.where(audit_entries.c.subject_kind == subject.kind, audit_entries.c.subject_id == str(subject.id))
    if actor_id is not None:
        query = query.where(audit_entries.c.actor_id == actor_id)
    if action is not None:
        query = query.where(audit_entries.c.action == action)
    query = page.apply(query, audit_entries.c.occurred_at, audit_entries.c.id)
    return (await session.execute(query)).all()


def place_of(row: Row[Any]) -> tuple[datetime, UUID]:
    return row.occurred_at, row.id
