"""What happened to a thing: who did what, what it was before and is now, and why."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, Row, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import BULK_JOB, Subject, audit_entries
from chassis.console.cells import Kind, html_of
from chassis.console.wording import DASH, Wording, words
from chassis.database import locked_by_name
from chassis.errors import Refusal

MOST = 100
MOST_SHOWN = 3
_IS_A_WORD = re.compile("[a-z]+(_[a-z]+)+")
"""A state or a reason of the API's."""

AT = "at"
"""Where an audit's `after` tells it, the instant of business time at which it happened: it takes its place among what
came with events, whatever the machine's clock said.
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One field, told as the pages tell such a value; a dash where there was or is nothing."""

    name: str
    before: Markup
    after: Markup
    was_there: bool = True
    """Whether there is anything to tell of before: of what was made there is not."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`what` goes on after the name: "Robin Field issued the invoice"."""

    at: datetime
    who: str
    what: str
    changes: Sequence[Change] = ()
    reason: str = ""
    request_id: str = ""
    bulk_job: str = ""
    """The bulk action that it was a part of."""

    @property
    def is_made(self) -> bool:
        """Whether it is how the thing began: then what it began with is told to who asks."""
        return len(self.changes) > MOST_SHOWN and not any(change.was_there for change in self.changes)


class ChangedMeanwhile(Refusal):
    """What one decided on is not what is there any more."""

    code = "changed_meanwhile"
    title = "Changed meanwhile"


async def moments_of(
    session: AsyncSession,
    subjects: Sequence[Subject],
    verbs: Mapping[str, str],
    wording: Wording,
    only: ColumnElement[bool] | None = None,
) -> list[Moment]:
    """The audit of the subjects, the latest first. `verbs` says an action in the past: `void_invoice`: "voided it".

    `only` narrows it where a subject's audit is of several things: `audit_entries.c.after["line_no"].astext == "3"`.
    """
    query = (
        select(audit_entries)
        .where(_any_of(subjects))
        .order_by(audit_entries.c.occurred_at.desc(), audit_entries.c.id.desc())
        .limit(MOST)
    )
    if only is not None:
        query = query.where(only)
    return [_moment(row, verbs, wording) for row in await session.execute(query)]


def in_order(*told: Sequence[Moment]) -> list[Moment]:
    """Of several sources, the latest first."""
    return sorted((moment for each in told for moment in each), key=lambda moment: moment.at, reverse=True)


async def seen_of(session: AsyncSession, subject: Subject) -> str:
    """What a form carries so that it is refused where somebody changed the subject after its page was shown."""
    found = await _latest(session, subject)
    return str(found.id) if found else ""


async def refuse_if_changed(session: AsyncSession, subject: Subject, seen: UUID | None) -> None:
    """Call it first in the deed's transaction: until that ends, no other deed that asks passes it."""
    await locked_by_name(session, f"{subject.kind} {subject.id}")
    found = await _latest(session, subject)
    if found is not None and found.id != seen:
        raise ChangedMeanwhile(
            f"{found.actor_name} changed it meanwhile ({words(found.action).lower()}): open its page again and look",
            errors=(),
            **{f"{subject.kind}_id": subject.id},
        )


async def _latest(session: AsyncSession, subject: Subject) -> Row[Any] | None:
    query = (
        select(audit_entries)
        .where(_any_of([subject]))
        .order_by(audit_entries.c.occurred_at.desc(), audit_entries.c.id.desc())
        .limit(1)
    )
    return (await session.execute(query)).one_or_none()


def _any_of(subjects: Sequence[Subject]) -> Any:
    columns = tuple_(audit_entries.c.subject_kind, audit_entries.c.subject_id)
    if len(subjects) == 1:
        return or_(columns == (subjects[0].kind, str(subjects[0].id)))
    return columns.in_([(each.kind, str(each.id)) for each in subjects])


def changes_of(row: Row[Any], wording: Wording) -> list[Change]:
    """What an entry of the audit says was changed."""
    after = {key: value for key, value in (row.after or {}).items() if key not in (AT, BULK_JOB)}
    return list(_changes(row.before or {}, after, wording))


def _moment(row: Row[Any], verbs: Mapping[str, str], wording: Wording) -> Moment:
    after = row.after or {}
    at, bulk_job = after.get(AT), after.get(BULK_JOB)
    return Moment(
        at=datetime.fromisoformat(at) if at else row.occurred_at,
        who="Waybill" if row.actor_id is None else row.actor_name,
        what=verbs.get(row.action) or f"did: {words(row.action).lower()}",
        changes=changes_of(row, wording),
        reason=": ".join(part for part in (words(row.reason_code or ""), row.reason_text or "") if part),
        request_id=row.request_id or "",
        bulk_job=bulk_job or "",
    )


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], wording: Wording) -> list[Change]:
    return [
        Change(
            _name(key),
            _told(key, before.get(key), wording),
            _told(key, after.get(key), wording),
            was_there=before.get(key) not in (None, "", [], {}),
        )
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]


def _name(key: str) -> str:
    return words(key.removesuffix("_cents").removesuffix("_at"))


def _told(key: str, value: Any, wording: Wording) -> Markup:
    match value:
        case list():
            return _joined(_told("", each, wording) for each in value)
        case dict():
            return _joined(Markup("{} {}").format(_name(n), _told(n, each, wording)) for n, each in value.items())
        case str() if key.endswith("_at") and value:
            return html_of(Kind.INSTANT, datetime.fromisoformat(value), wording)
        case _:
            return html_of(_kind_of(key, value), value, wording)


def _kind_of(key: str, value: Any) -> Kind:
    """By the field's name, which ends with its unit, and by the kind of the value."""
    if isinstance(value, bool):
        return Kind.YES_NO
    if isinstance(value, int) and key.endswith("_cents"):
        return Kind.MONEY
    return Kind.WORD if isinstance(value, str) and _IS_A_WORD.fullmatch(value) else Kind.TEXT


def _joined(told: Iterable[Markup]) -> Markup:
    return Markup(", ").join(told) or escape(DASH)
