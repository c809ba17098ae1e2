"""A service's list of what it forgets, held against the catalogue of its database."""

from typing import Any

from sqlalchemy import text

from chassis.database import Database
from chassis.forgetting import CHASSIS, Map

# A table tells of leads where a column of it names one, or an assignment, or where it refers to one that does.
_COLUMNS = text(
    """
    WITH RECURSIVE about AS (
        SELECT DISTINCT c.table_name::text AS name FROM information_schema.columns c
        JOIN information_schema.tables t USING (table_schema, table_name)
        WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
            AND (c.column_name = ANY (:names) OR c.table_name = ANY (:roots))
        UNION
        SELECT child.relname::text FROM about
        JOIN pg_class parent ON parent.relname = about.name AND parent.relnamespace = 'public'::regnamespace
        JOIN pg_constraint f ON f.confrelid = parent.oid AND f.contype = 'f'
        JOIN pg_class child ON child.oid = f.conrelid
    )
    SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN about ON about.name = c.table_name
    WHERE c.table_schema = 'public'
        AND c.udt_name IN ('text', 'varchar', 'json', 'jsonb', 'bytea', '_text', '_varchar', '_jsonb')
    ORDER BY 1, 2
    """
)
NAMES_OF_LEADS = (
    "lead_id", "other_lead_id", "other_id", "survivor_id", "loser_id", "lead_ids", "assignment_id", "waits_for_lead_id"
)  # fmt: skip


# All tables but the parts of a table, which are that table.
_ALL_COLUMNS = text(
    """
    SELECT c.table_name, c.column_name FROM information_schema.columns c
    JOIN pg_class t ON t.relname = c.table_name AND t.relnamespace = 'public'::regnamespace
    WHERE c.table_schema = 'public' AND t.relkind IN ('r', 'p') AND NOT t.relispartition
        AND c.udt_name IN ('text', 'varchar', 'json', 'jsonb', 'bytea', '_text', '_varchar', '_jsonb')
    ORDER BY 1, 2
    """
)


async def undeclared_anywhere(database: Database, known: Map) -> dict[str, list[Any]]:
    """As `undeclared`, of every table there is: what names no lead may hold a person's words all the same."""
    async with database.reading() as session:
        rows = await session.execute(_ALL_COLUMNS)
    return _held_against({(row.table_name, row.column_name) for row in rows}, [*known.columns(), *CHASSIS.columns()])


async def undeclared(database: Database, known: Map, roots: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    """Columns that can hold text and are on no list, and those on a list that are not there or are on it twice."""
    async with database.reading() as session:
        rows = await session.execute(_COLUMNS, {"names": list(NAMES_OF_LEADS), "roots": list(roots)})
    return _held_against({(row.table_name, row.column_name) for row in rows}, list(known.columns()))


def _held_against(there: set[tuple[str, str]], declared: list[tuple[str, str]]) -> dict[str, list[Any]]:
    return {
        "not on the list": sorted(there - set(declared)),
        "not there": sorted(set(declared) - there),
        "twice": sorted({each for each in declared if declared.count(each) > 1}),
    }
