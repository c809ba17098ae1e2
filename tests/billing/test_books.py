"""The equalities of a certificate: all hold of true books, and each is seen to fail of books that are false in it."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from chassis.clock import FixedClock
from chassis.database import create_engine
from services.billing.domain.certificate import Outcome, Verdict, failed
from services.billing.queries.books import ALL, STRIPE_IS_CLEARING, compare_all
from services.billing.queries.equalities import EQUALITIES
from tests.billing.arrangements import NOW, Books
from tests.billing.arrangements_books import fill
from tests.billing.falsehoods import FALSEHOODS, GUARDS_OFF, Falsehood
from tests.kit.databases import Databases, RolledBackDatabase


async def compared(books: Books) -> tuple[Verdict, ...]:
    async with books.database.reading() as session:
        return await compare_all(session, NOW)


@pytest.fixture(scope="module")
async def owned(databases: Databases) -> AsyncIterator[Books]:
    """Filled once as the role that owns the tables; each test's falsehood is undone after it."""
    engine = create_engine(databases.of_service("billing").owner_url, pool_size=1, name="tests-books")
    async with engine.connect() as connection:
        outer = await connection.begin()
        await connection.exec_driver_sql("SELECT 1")
        books = Books(RolledBackDatabase(connection, "/waybill/billing"), FixedClock(NOW))
        await fill(books)
        yield books
        await outer.rollback()
    await engine.dispose()


class TestTrueBooks:
    async def test_hold_in_every_equality_that_can_be_compared(self, owned: Books) -> None:
        verdicts = await compared(owned)
        assert [verdict for verdict in verdicts if verdict.outcome is Outcome.FAILS] == []
        assert [verdict.name for verdict in verdicts] == list(ALL)

    async def test_have_something_to_compare_in_each(self, owned: Books) -> None:
        """Nothing equals nothing: an equality over no rows would hold whatever it says."""
        empty = {verdict.name for verdict in await compared(owned) if not verdict.compared_count}
        assert empty == {"voided_deliveries_are_unbilled", STRIPE_IS_CLEARING.name}

    async def test_hold_where_nothing_was_ever_billed(self, books: Books) -> None:
        verdicts = await compared(books)
        assert {verdict.outcome for verdict in verdicts} == {Outcome.HOLDS, Outcome.NOT_COMPARED}

    async def test_are_at_least_fifteen_equalities(self) -> None:
        assert len(ALL) >= 15


class TestFalseBooks:
    @pytest.mark.parametrize("falsehood", FALSEHOODS, ids=lambda falsehood: falsehood.equality)
    async def test_are_found_out(self, owned: Books, falsehood: Falsehood) -> None:
        async with owned.database.reading() as session:
            for statement in (*GUARDS_OFF, falsehood.statement):
                await session.execute(text(statement))
            verdicts = await compare_all(session, NOW)
        assert set(failed(verdicts)) == {falsehood.equality, *falsehood.also}
        (found,) = [verdict for verdict in verdicts if verdict.name == falsehood.equality]
        assert found.offender_count == len(found.offenders) > 0

    def test_are_tried_in_every_equality(self) -> None:
        assert [falsehood.equality for falsehood in FALSEHOODS] == [each.name for each in EQUALITIES]
