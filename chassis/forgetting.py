"""What a service forgets of a person, place by place: a list of its columns, and one statement for each table.

A list is whole where each column that can hold text is on it, or is named beside it with why it holds nobody; a test
holds it against the database's own catalogue, so that a table that comes later is not forgotten.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from sqlalchemy import Text, TextClause, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.redaction import ERASED, SHORTEST

BLANK = "''"
NOTHING = "NULL"
EMPTY = "'{}'::jsonb"
SAID_SO = f"'{ERASED}'"
BY_LEAD = "lead_id = ANY (:ids)"
"""How the rows are found: a condition over the table, `:ids` the leads."""


@dataclass(frozen=True, slots=True)
class Place:
    """A column that tells of the person, and the SQL of what it becomes; ours alone, never a value that was given."""

    table: str
    column: str
    becomes: str = NOTHING
    found_by: str = BY_LEAD


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Columns that a statement of their own forgets; `how` names it."""

    table: str
    columns: tuple[str, ...]
    how: str


@dataclass(frozen=True, slots=True)
class Harmless:
    """Columns that can hold text and tell of nobody, or of none but our own people; `why` is a sentence."""

    table: str
    columns: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Map:
    """All that a service keeps about leads."""

    places: tuple[Place, ...]
    elsewhere: tuple[Elsewhere, ...] = ()
    harmless: tuple[Harmless, ...] = ()

    def columns(self) -> Iterator[tuple[str, str]]:
        yield from ((place.table, place.column) for place in self.places)
        for several in (self.elsewhere, self.harmless):
            yield from ((known.table, column) for known in several for column in known.columns)


CHASSIS = Map(
    places=(),
    elsewhere=(
        Elsewhere("audit_entries", ("before", "after", "reason_text"), "by the database's function redact_audit"),
        Elsewhere("saved_views", ("name", "query"), "forget_views deletes those that search for the person"),
        Elsewhere("bulk_jobs", ("form",), "scrub_bulk"),
        Elsewhere("bulk_rows", ("name", "detail"), "scrub_bulk"),
        Elsewhere("parked_events", ("body", "reason_detail", "settled_reason"), "scrub_parked"),
        Elsewhere("outbox", ("body",), "it goes once it is relayed, and holds the person sealed: the key is destroyed"),
    ),
    harmless=(
        Harmless("alembic_version", ("version_num",), "the number of a migration"),
        Harmless(
            "audit_entries",
            ("action", "subject_kind", "subject_id", "reason_code", "request_id", "actor_name"),
            "words of ours, ids, and names of operators",
        ),
        Harmless("saved_views", ("list", "owner_name"), "the name of a list, and of an operator"),
        Harmless("bulk_jobs", ("list", "action", "state", "actor_name"), "words of ours, and names of operators"),
        Harmless("bulk_jobs", ("request_id", "correlation_id"), "ids"),
        Harmless("bulk_rows", ("state",), "words of ours"),
        Harmless(
            "parked_events",
            ("consumer", "topic", "key", "headers", "event_type", "state", "reason_code", "settled_by"),
            "words of ours, ids, and names of operators",
        ),
        Harmless("outbox", ("topic", "key", "headers"), "words of ours, and ids"),
        Harmless("inbox", ("consumer",), "the name of a consumer"),
        Harmless("consumer_positions", ("consumer", "key"), "the name of a consumer, and an id"),
        Harmless("schedule_runs", ("job", "error"), "the name of a job; what fails is logged, not kept"),
    ),
)
"""What stands in the chassis's own tables of each service: chassis/redaction.py forgets it."""


async def forget(session: AsyncSession, places: Sequence[Place], lead_ids: Collection[UUID]) -> Mapping[str, int]:
    """Rows changed, by table. Done twice it changes nothing."""
    ids = sorted(lead_ids)
    changed: dict[str, int] = {}
    for (table, found_by), those in groupby(sorted(places, key=_of_one_statement), key=_of_one_statement):
        rows = await session.execute(_statement(table, found_by, list(those)), {"ids": ids})
        changed[table] = changed.get(table, 0) + len(rows.all())
    return changed


def _of_one_statement(place: Place) -> tuple[str, str]:
    return place.table, place.found_by


def _statement(table: str, found_by: str, places: Sequence[Place]) -> TextClause:
    made = ", ".join(f"{place.column} = {place.becomes}" for place in places)
    differs = " OR ".join(f"{place.column} IS DISTINCT FROM {place.becomes}" for place in places)
    sql = f"UPDATE {table} SET {made} WHERE ({found_by}) AND ({differs}) RETURNING 1"  # noqa: S608  # declared in code
    return text(sql).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


@dataclass(frozen=True, slots=True)
class Typed:
    """Text, or a JSON document, in which anybody may have written anything: looked through for what is sought."""

    table: str
    columns: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    unless: str = "false"
    """Rows that are passed by."""


async def redact(session: AsyncSession, typed: Sequence[Typed], literals: Collection[str]) -> None:
    """Every text that holds one of the literals, and every text in a document that does, says that it was erased."""
    sought = [literal.strip() for literal in literals if len(literal.strip()) >= SHORTEST]
    if not sought:
        return
    for each in typed:
        await session.execute(_redaction(each), {"literals": sought, "erased": ERASED})


def _redaction(typed: Typed) -> TextClause:
    made = [
        *(f"{c} = CASE WHEN holds_pattern({c}, patterns) THEN :erased ELSE {c} END" for c in typed.columns),
        *(f"{c} = redacted({c}, patterns)" for c in typed.documents),
    ]
    holds = [
        *(f"holds_pattern({c}, patterns)" for c in typed.columns),
        *(f"{c} <> redacted({c}, patterns)" for c in typed.documents),
    ]
    sql = f"UPDATE {typed.table} SET {', '.join(made)} FROM literal_patterns(:literals) AS patterns"  # noqa: S608
    return text(f"{sql} WHERE NOT ({typed.unless}) AND ({' OR '.join(holds)})").bindparams(
        bindparam("literals", type_=ARRAY(Text)), bindparam("erased", type_=Text)
    )
