"""The scan for words finds them wherever a row has them, and takes none for another."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from deploy.local.postgres import ServiceDatabase
from tests.faults import scanning
from tests.faults.scanning import found_in_tables

MANY = [f"Nobody{number}" for number in range(250)]
"""Words of three expressions."""


@pytest.fixture
async def connection(service_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[asyncpg.Connection]:
    """To a database with one table that has rows, which goes with the connection."""
    connection = await asyncpg.connect(service_database("billing").owner_url)
    await connection.execute("CREATE TEMPORARY TABLE told (id int, words text, body bytea)")
    await connection.execute(
        "INSERT INTO told SELECT n, 'Person of nobody ' || n, sha256(n::text::bytea) FROM generate_series(1, 100) AS n"
    )
    yield connection
    await connection.close()


async def found(connection: asyncpg.Connection, *words: str) -> list[str]:
    pools: Any = {"billing": connection}
    return [each.partition("pg_temp")[0] for each in await found_in_tables(pools, words)]


@pytest.mark.parametrize("portion", [1_000, scanning.PORTION_CHARACTERS])
@pytest.mark.parametrize(
    "told",
    [
        "'so said vXQKRR to me', NULL",
        "NULL, 'so said Vxqkrr to me'",
        "NULL, 'so said VXQKRR to me'",
        "NULL, 'so said vxqkrr to me'",
    ],
    ids=["text", "bytes", "capital bytes", "small bytes"],
)
async def test_finds_a_word_among_many(
    connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, told: str, portion: int
) -> None:
    monkeypatch.setattr(scanning, "PORTION_CHARACTERS", portion)
    assert await found(connection, *MANY, "Vxqkrr") == []
    await connection.execute(f"INSERT INTO told VALUES (50, {told}), (51, {told})")
    assert await found(connection, *MANY, "Vxqkrr") == ["2 rows of billing's "]


async def test_a_word_stands_for_its_letters(connection: asyncpg.Connection) -> None:
    await connection.execute("INSERT INTO told VALUES (0, 'mia-lang@post.example (04)', NULL)")
    assert await found(connection, "mia.lang@post.example", "04)|Person") == []
    assert await found(connection, "Mia-Lang@post.example", "(04)") == ["1 rows of billing's "]
