"""A database is filled table by table, with or without what its triggers say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.filled import tables
from deploy.local.postgres import PostgresAddress, ServiceDatabase
from tests.kit.databases import Databases

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("benchmarks")]


@dataclass
class Stage:
    """The part of a stage that filling asks for."""

    address: PostgresAddress

    def postgres(self) -> "Stage":
        return self


def made(rows: int) -> Mapping[str, str]:
    return {
        "number_series": f"INSERT INTO number_series SELECT 'e' || n, 'note', 1 FROM generate_series(1, {rows}) n",
        "of them": "UPDATE number_series SET last_number = 0 WHERE entity = 'e1'",
    }


async def test_is_filled_by_statements_in_their_order(
    databases: Databases, fresh_database: Callable[[str], ServiceDatabase]
) -> None:
    stage: Any = Stage(databases.address)
    database = fresh_database("billing")
    with pytest.raises(Exception, match="written once"):
        await tables(made)(stage, database, 3)
    again = fresh_database("billing")
    await tables(made, triggers=False)(stage, again, 3)
    name = again.url.rpartition("/")[2]
    query = "SELECT string_agg(last_number::text, ',' ORDER BY entity) FROM number_series"
    assert databases.address.execute(query, database=name).strip() == "0,1,1"
