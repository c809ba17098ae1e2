"""Everything there is, looked through for words: each table of each database, each topic from its start, each log."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import asyncpg

from tests.faults.log_reader import LogReader

_TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
"""


async def found_in_tables(pools: Mapping[str, asyncpg.Pool], words: Collection[str]) -> list[str]:
    """As text, and as bytes: a column of those stands in a row's text as hexadecimal digits."""
    patterns = [f"%{form}%" for word in words for form in _forms(word)]
    found = []
    for service, pool in pools.items():
        for (table,) in await pool.fetch(_TABLES):
            query = f"SELECT count(*) FROM {table} AS scanned WHERE lower(scanned::text) LIKE ANY ($1::text[])"
            if count := await pool.fetchval(query, patterns):
                found.append(f"{count} rows of {service}'s {table}")
    return found


def _forms(word: str) -> Iterator[str]:
    """No word has a letter that LIKE takes for something else."""
    yield word.lower()
    for written in {word, word.lower(), word.upper()}:
        yield written.encode().hex()


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
