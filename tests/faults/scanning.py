"""Everything there is, looked through for words: each table of each database, each topic from its start, each log."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import asyncpg

from tests.faults.log_reader import LogReader

FORMS_AT_ONCE = 100
"""In one expression: PostgreSQL walks over a text once for all of them, and keeps a state for each of their letters."""
PORTION_CHARACTERS = 1_000_000
"""Of rows that are looked through together: how to walk is found out anew for each text."""

_TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
"""


async def found_in_tables(pools: Mapping[str, asyncpg.Pool], words: Collection[str]) -> list[str]:
    """As text, and as bytes: a column of those stands in a row's text as hexadecimal digits."""
    patterns = _alternations([form for word in words for form in _forms(word)], FORMS_AT_ONCE)
    found = []
    for service, pool in pools.items():
        for (table,) in await pool.fetch(_TABLES):
            if not await pool.fetchval(_any_row_of(table), patterns, PORTION_CHARACTERS):
                continue
            query = f"SELECT count(*) FROM {table} AS scanned WHERE lower(scanned::text) ~ ANY ($1::text[])"
            found.append(f"{await pool.fetchval(query, patterns)} rows of {service}'s {table}")
    return found


def _any_row_of(table: str) -> str:
    """No word has a line's end in it, so that none is found across two rows."""
    return f"""
        SELECT bool_or(told ~ ANY ($1::text[]))
        FROM (
            SELECT string_agg(told, E'\n') AS told
            FROM (
                SELECT told, sum(length(told)) OVER (ROWS UNBOUNDED PRECEDING) / $2::bigint AS portion
                FROM (SELECT lower(scanned::text) AS told FROM {table} AS scanned) AS each
            ) AS counted
            GROUP BY portion
        ) AS portions
    """


def _forms(word: str) -> Iterator[str]:
    yield word.lower()
    for written in {word, word.lower(), word.upper()}:
        yield written.encode().hex()


def _alternations(forms: Sequence[str], number: int) -> list[str]:
    """So many in each; every one of them stands for its letters alone."""
    escaped = [re.escape(form) for form in forms]
    return ["|".join(escaped[first : first + number]) for first in range(0, len(escaped), number)]


async def found_in_topics(bootstrap_servers: str, topics: Collection[str], words: Collection[str]) -> list[str]:
    """Keys, headers and bodies of all records that are still there."""
    reader = LogReader(bootstrap_servers, list(topics))
    try:
        records = await reader.fresh()
    finally:
        await reader.close()
    sought = [word.lower().encode() for word in words]
    found = []
    for record in records:
        headers = b" ".join(name.encode() + (value or b"") for name, value in record.headers)
        told = b" ".join((record.key or b"", record.value or b"", headers)).lower()
        if any(word in told for word in sought):
            found.append(f"{record.topic} {record.partition} {record.offset}")
    return found


def found_in_logs(directory: Path, words: Collection[str]) -> list[str]:
    sought = [word.lower().encode() for word in words]
    return [
        path.name
        for path in sorted(directory.rglob("*"))
        if path.is_file() and any(word in path.read_bytes().lower() for word in sought)
    ]
