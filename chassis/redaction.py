"""Erasure of what the chassis's own tables say of a person: by their literals, as name, e-mail and telephone number.

What is replaced is the whole text that holds a literal, whatever its case. One of fewer than three letters is passed
over: it would stand in half of all words.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from sqlalchemy import BigInteger, LargeBinary, Text, Uuid, bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.tables import parked_events, saved_views

ERASED = "Erased on request"
SHORTEST = 3
"""Letters of a literal; chassis/migrations.py has both again."""
_BODIES_AT_ONCE = 200


def _texts(name: str) -> Any:
    return bindparam(name, type_=ARRAY(Text))


_REDACT = (
    text("SELECT redact_audit(:kinds, :ids, :literals) AS number")
    .bindparams(_texts("kinds"), _texts("ids"), _texts("literals"))
    .columns(number=BigInteger)
)


_TAKE_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('chassis.redaction', 0))")


async def take_turn(session: AsyncSession) -> None:
    """Before any other lock: each looks through all rows in no order, and two at once would wait in a circle."""
    await session.execute(_TAKE_TURN)


async def redact_audit(session: AsyncSession, subjects: Sequence[Subject], literals: Sequence[str]) -> int:
    """Reasons of the subjects' entries, and every text of any entry that holds a literal. How many were changed.

    Who did what to what and when stays as it was written: the database lets nothing else through.
    """
    values = {
        "kinds": [subject.kind for subject in subjects],
        "ids": [str(subject.id) for subject in subjects],
        "literals": _telling(literals),
    }
    return int(await session.scalar(_REDACT, values) or 0)


async def forget_views(session: AsyncSession, literals: Sequence[str]) -> int:
    """Saved views that search for a literal or are named by one go, whoever saved them. How many."""
    sought = _sought(literals)
    views = await session.execute(select(saved_views.c.id, saved_views.c.name, saved_views.c.query))
    found = [view.id for view in views if _holds([view.name, *_sent(view.query)], sought)]
    if found:
        await session.execute(delete(saved_views).where(saved_views.c.id.in_(found)))
    return len(found)


def _sent(query: str) -> Iterator[str]:
    return (value for _, value in parse_qsl(query, keep_blank_values=True))


_SCRUB_PARKED = text("""
    UPDATE parked_events SET body = scrubbed.body
    FROM unnest(:ids, :bodies) AS scrubbed (id, body) WHERE parked_events.id = scrubbed.id
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("bodies", type_=ARRAY(LargeBinary)))

_SCRUB_REASONS = text("""
    UPDATE parked_events SET
        reason_detail = CASE WHEN holds_pattern(reason_detail, patterns) THEN :erased ELSE reason_detail END,
        settled_reason = CASE WHEN holds_pattern(settled_reason, patterns) THEN :erased ELSE settled_reason END
    FROM literal_patterns(:literals) AS patterns
    WHERE holds_pattern(reason_detail, patterns) OR holds_pattern(settled_reason, patterns)
""").bindparams(_texts("literals"), bindparam("erased", ERASED, type_=Text))


async def scrub_parked(session: AsyncSession, lead_ids: Collection[UUID], literals: Sequence[str]) -> int:
    """The leads' parked events lose their contact; a body that holds a literal all the same goes whole. How many.

    One without a body can only be discarded: what is left of it might say something that never happened.
    """
    sought, ids = _sought(literals), {str(id_) for id_ in lead_ids}
    scrubbed: dict[UUID, bytes | None] = {}
    # Nothing else ever changes a body: what was read is what is written over.
    query = select(parked_events.c.id, parked_events.c.body).where(parked_events.c.body.is_not(None))
    stream = await session.stream(query, execution_options={"yield_per": _BODIES_AT_ONCE})
    async for row in stream:
        body = _scrubbed(row.body, ids, sought)
        if body != row.body:
            scrubbed[row.id] = body
    if scrubbed:
        await session.execute(_SCRUB_PARKED, {"ids": list(scrubbed), "bodies": list(scrubbed.values())})
    await session.execute(_SCRUB_REASONS, {"literals": _telling(literals)})
    return len(scrubbed)


def _scrubbed(body: bytes, ids: Collection[str], sought: Sequence[str]) -> bytes | None:
    told = body.decode("utf-8", "replace")
    try:
        event = json.loads(told)
    except (ValueError, RecursionError):
        return None if _holds([told], sought) else body
    if isinstance(event, dict) and "contact" in event and str(event.get("lead_id")).lower() in ids:
        del event["contact"]
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    return None if _holds(_strings(event), sought) else body


def _strings(value: Any) -> Iterator[str]:
    """Of a document; the names of its fields are ours."""
    match value:
        case dict():
            for each in value.values():
                yield from _strings(each)
        case list():
            for each in value:
                yield from _strings(each)
        case str():
            yield value


_SCRUB_ROWS = text("""
    UPDATE bulk_rows SET
        name = CASE WHEN holds_pattern(name, patterns) THEN :erased ELSE name END,
        detail = CASE WHEN holds_pattern(detail, patterns) THEN :erased ELSE detail END
    FROM literal_patterns(:literals) AS patterns
    WHERE holds_pattern(name, patterns) OR holds_pattern(detail, patterns)
""").bindparams(_texts("literals"), bindparam("erased", ERASED, type_=Text))

_SCRUB_FORMS = text("""
    UPDATE bulk_jobs SET form = redacted(form, patterns) FROM literal_patterns(:literals) AS patterns
    WHERE form <> redacted(form, patterns)
""").bindparams(_texts("literals"))


async def scrub_bulk(session: AsyncSession, literals: Sequence[str]) -> None:
    """Bulk actions keep what each row is called, and what was typed for all of them."""
    values = {"literals": _telling(literals)}
    await session.execute(_SCRUB_ROWS, values)
    await session.execute(_SCRUB_FORMS, values)


def _telling(literals: Sequence[str]) -> list[str]:
    stripped = (literal.strip() for literal in literals)
    return list(dict.fromkeys(literal for literal in stripped if len(literal) >= SHORTEST))


def _sought(literals: Sequence[str]) -> list[str]:
    return [literal.lower() for literal in _telling(literals)]


def _holds(told: Sequence[str] | Iterator[str], sought: Sequence[str]) -> bool:
    return any(literal in each.lower() for each in told for literal in sought)
