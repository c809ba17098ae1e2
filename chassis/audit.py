"""Who did what to what, and why: one row per change that an operator makes, written in the change's own transaction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import Column, ColumnElement, DateTime, Index, Row, Table, Text, Uuid, insert, or_, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
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


SEARCHED = tuple(audit_entries.c[name] for name in ("actor_name", "subject_id", "reason_text", "request_id"))
"""In which somebody's words are looked for."""


@dataclass(frozen=True, slots=True)
class Deeds:
    """Which entries: None is no filter, and the window of instants is half-open. `typed` is a part of any SEARCHED."""

    subject_kind: str | None = None
    subject_id: str | None = None
    actor_id: UUID | None = None
    action: str | None = None
    request_id: str | None = None
    occurred_from: datetime | None = None
    occurred_to: datetime | None = None
    typed: str | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        entry = audit_entries.c
        for column, wanted in (
            (entry.subject_kind, self.subject_kind),
            (entry.subject_id, self.subject_id),
            (entry.actor_id, self.actor_id),
            (entry.action, self.action),
            (entry.request_id, self.request_id),
        ):
            if wanted is not None:
                yield column == wanted
        if self.occurred_from is not None:
            yield entry.occurred_at >= self.occurred_from
        if self.occurred_to is not None:
            yield entry.occurred_at < self.occurred_to
        if self.typed is not None:
            yield or_(*(column.icontains(self.typed, autoescape=True) for column in SEARCHED))


ALL = Deeds()


async def list_entries(session: AsyncSession, page: PageRequest, deeds: Deeds = ALL) -> Sequence[Row[Any]]:
    """Newest first, one row more than the page holds: `page.page(rows, place, show)` makes the page of them."""
    query = select(audit_entries).where(*deeds.conditions())
    return (await session.execute(page.apply(query, audit_entries.c.occurred_at, audit_entries.c.id))).all()


async def find_entry(session: AsyncSession, entry_id: UUID) -> Row[Any]:
    found = (await session.execute(select(audit_entries).where(audit_entries.c.id == entry_id))).one_or_none()
    return NotFound.unless(found, "there is no such entry", entry_id=entry_id)


_ACTORS = text(
    """
    WITH RECURSIVE actors AS (
        (SELECT actor_id, actor_name FROM audit_entries WHERE actor_id IS NOT NULL
         ORDER BY actor_id DESC, occurred_at DESC, id DESC LIMIT 1)
        UNION ALL
        SELECT next.actor_id, next.actor_name FROM actors CROSS JOIN LATERAL (
            SELECT actor_id, actor_name FROM audit_entries WHERE actor_id < actors.actor_id
            ORDER BY actor_id DESC, occurred_at DESC, id DESC LIMIT 1
        ) AS next
    )
    SELECT actor_id, actor_name FROM actors ORDER BY lower(actor_name), actor_id
    """
).columns(actor_id=Uuid, actor_name=Text)


async def actors(session: AsyncSession) -> Sequence[Row[Any]]:
    """Who ever did something here, by the name they had last: a step through the index for each, not a look at all."""
    return (await session.execute(_ACTORS)).all()


async def actor_name(session: AsyncSession, actor_id: UUID) -> str | None:
    """The one they had last."""
    entry = audit_entries.c
    query = select(entry.actor_name).where(entry.actor_id == actor_id)
    return await session.scalar(query.order_by(entry.occurred_at.desc(), entry.id.desc()).limit(1))


def place_of(row: Row[Any]) -> tuple[datetime, UUID]:
    return row.occurred_at, row.id
