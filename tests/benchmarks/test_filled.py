"""A database is filled table by table, with or without what its triggers say; those of lists, with what each shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.filled import INTAKE, ROUTING, Filled, tables
from benchmarks.programs.lists import SMALLEST
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


ROWS = 180
PAGE = 50


@pytest.mark.parametrize(
    ("filled", "listed", "queue"),
    [
        (INTAKE, ("leads", "follow_ups", "audit_entries"), "SELECT count(*) FROM follow_ups WHERE state = 'open'"),
        (
            ROUTING,
            ("assignments", "dispatch_exceptions", "returns"),
            "SELECT count(*) FROM returns WHERE state = 'requested'",
        ),
    ],
    ids=["intake", "routing"],
)
async def test_each_list_has_the_rows_that_are_asked_for_and_a_queue_in_them(
    databases: Databases,
    fresh_database: Callable[[str], ServiceDatabase],
    filled: Filled,
    listed: tuple[str, ...],
    queue: str,
) -> None:
    stage: Any = Stage(databases.address)
    database = fresh_database(filled.service)
    await filled.fill(stage, database, ROWS)
    name = database.url.rpartition("/")[2]
    number = [int(databases.address.execute(f"SELECT count(*) FROM {table}", database=name)) for table in listed]
    assert number == [ROWS] * len(listed)
    assert 0 < int(databases.address.execute(queue, database=name)) <= ROWS // 40
    if filled is INTAKE:
        delivered = "SELECT count(*) FROM leads WHERE status = 'delivered'"
        assert int(databases.address.execute(delivered, database=name)) / ROWS * SMALLEST > 99 * PAGE


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
