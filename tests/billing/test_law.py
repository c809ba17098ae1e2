"""The law of the ledger: every column of every table, tried by the role that serves and by the one that owns."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.clock import FixedClock
from chassis.database import create_engine
from chassis.tables import metadata as chassis_tables
from services.billing.certifying import SCHEDULE, Certifier
from services.billing.commands.journal import post
from services.billing.domain.journal import LedgerAccount, Posting, PostingKind, transfer
from services.billing.models import Table
from tests.billing.arrangements import NOW, Books
from tests.billing.arrangements_books import fill
from tests.billing.law import CHANGED, DELETABLE, DELETED, EVERYTHING, LAWS, REST, Law
from tests.billing.test_models import CHECK, NOT_GRANTED, WRITTEN_ONCE
from tests.kit.databases import Databases, RolledBackDatabase

GENERATED = "428C9"
LEFT_TO_THE_CHASSIS = set(chassis_tables.tables) - {"audit_entries"}
ROLES = ("serving", "owner")


@pytest.fixture(scope="module", params=ROLES)
async def role(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
async def books(role: str, databases: Databases) -> AsyncIterator[Books]:
    """Filled once as that role; what a test tries is undone."""
    database = databases.of_service("billing")
    engine = create_engine(database.owner_url if role == "owner" else database.url, pool_size=1, name="tests-law")
    async with engine.connect() as connection:
        outer = await connection.begin()
        await connection.exec_driver_sql("SELECT 1")
        filled = Books(RolledBackDatabase(connection, "/waybill/billing"), FixedClock(NOW))
        await fill(filled)
        async with filled.unit() as session:
            for statement in REST:
                await session.execute(text(statement))
            # An equality that does not hold, so that a certificate has rows of it.
            entries = transfer(LedgerAccount.CASH, LedgerAccount.RECEIVABLE, 7)
            await post(session, [Posting("stray", PostingKind.PAYMENT_RECEIVED, NOW, entries)], NOW)
        await Certifier(filled.database, filled.clock, None).certify(SCHEDULE)
        yield filled
        await outer.rollback()
    await engine.dispose()


async def refusal(books: Books, statement: str) -> str:
    """The SQLSTATE with which it is refused, at once or by the proofs of a commit; empty where it is not."""
    try:
        async with books.database.reading() as session:
            changed: Any = await session.execute(text(statement))
            if "TRUNCATE" not in statement and not changed.rowcount:
                return "nothing to change"
            await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    except DBAPIError as refused:
        return str(getattr(refused.orig, "sqlstate", ""))
    return ""


async def columns_of(books: Books, table: str) -> Sequence[Any]:
    query = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = :t ORDER BY 1"
    return await books.rows(query, t=table)


def expected(law: Law, column: str, role: str) -> set[str]:
    if column in law.proved:
        return {CHECK, WRITTEN_ONCE}
    return {NOT_GRANTED, WRITTEN_ONCE, GENERATED} if role == "serving" else {WRITTEN_ONCE, GENERATED}


class TestTheLaw:
    @pytest.mark.parametrize("law", [law for law in LAWS if law.open != EVERYTHING], ids=lambda law: law.title)
    async def test_lets_no_column_change_but_those_that_it_names(self, books: Books, role: str, law: Law) -> None:
        tried = {}
        for column, data_type in await columns_of(books, law.table):
            if column not in law.open:
                value = CHANGED[data_type].format(column)
                statement = f"UPDATE {law.table} SET {column} = {value} WHERE {law.rows}"
                tried[column] = await refusal(books, statement)
        assert tried
        assert {name: state for name, state in tried.items() if state not in expected(law, name, role)} == {}

    @pytest.mark.parametrize("table", sorted({law.table for law in LAWS} - DELETABLE))
    async def test_lets_no_row_be_deleted(self, books: Books, role: str, table: str) -> None:
        """A draft's lines are replaced; those of what was issued stay."""
        allowed = {NOT_GRANTED, WRITTEN_ONCE} if role == "serving" else {WRITTEN_ONCE}
        assert await refusal(books, DELETED.get(table, f"DELETE FROM {table}")) in allowed

    @pytest.mark.parametrize("table", sorted({law.table for law in LAWS}))
    async def test_lets_no_table_be_emptied(self, books: Books, role: str, table: str) -> None:
        if role == "serving":
            assert await refusal(books, f"TRUNCATE {table} CASCADE") == NOT_GRANTED

    async def test_lets_no_number_be_given_again(self, books: Books) -> None:
        assert await refusal(books, "UPDATE number_series SET last_number = last_number - 1") == WRITTEN_ONCE

    async def test_lets_nothing_be_posted_that_does_not_balance(self, books: Books) -> None:
        entry = "INSERT INTO journal_entries SELECT id, 9, 'cash', 1, 'AUD' FROM journal_postings LIMIT 1"
        assert await refusal(books, entry) == CHECK


def test_is_about_every_table() -> None:
    assert {law.table for law in LAWS} == (
        set(Table.metadata.tables) | set(chassis_tables.tables)
    ) - LEFT_TO_THE_CHASSIS


async def test_is_about_every_table_that_there_is(books: Books) -> None:
    query = (
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    tables = {row.table_name for row in await books.rows(query)}
    ring = {name for name in tables if name.startswith("outbox_")}
    assert tables - ring - LEFT_TO_THE_CHASSIS - {"alembic_version"} == {law.table for law in LAWS}


async def test_names_columns_that_there_are(books: Books) -> None:
    for law in LAWS:
        columns = {row.column_name for row in await columns_of(books, law.table)}
        assert set(law.proved) | (set(law.open) - set(EVERYTHING)) <= columns, law.title
