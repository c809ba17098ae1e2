"""The equalities of a certificate: all hold of true books, and each is seen to fail of books that are false in it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from chassis.clock import FixedClock
from chassis.database import create_engine
from services.billing.domain.certificate import Outcome, Verdict, failed
from services.billing.queries.books import ALL, STRIPE_IS_CLEARING, compare, compare_all
from tests.billing.arrangements import NOW, Books
from tests.billing.arrangements_books import fill
from tests.billing.falsehoods import FALSEHOODS, GUARDS_OFF, Falsehood
from tests.kit.databases import Databases, RolledBackDatabase

NOT_RELEASED = (
    "UPDATE delivery_events SET cap_status = 'counted', cap_release_reason = NULL WHERE event_status = 'credited'"
)


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
    async def test_hold_in_every_equality(self, owned: Books) -> None:
        verdicts = await compared(owned)
        assert {verdict.outcome for verdict in verdicts} == {Outcome.HOLDS}
        assert [verdict.name for verdict in verdicts] == list(ALL)

    async def test_have_something_to_compare_in_each(self, owned: Books) -> None:
        """Nothing equals nothing: an equality over no rows would hold whatever it says."""
        empty = {verdict.name for verdict in await compared(owned) if not verdict.compared_count}
        assert empty == set()

    async def test_are_not_held_against_what_stripe_said_the_day_before(self, owned: Books) -> None:
        async with owned.database.reading() as session:
            for hours, outcome in ((23, Outcome.HOLDS), (25, Outcome.NOT_COMPARED)):
                *_, found = await compare_all(session, NOW + timedelta(hours=hours))
                assert (found.name, found.outcome) == (STRIPE_IS_CLEARING.name, outcome)

    async def test_give_a_credit_an_hour_to_release_its_cap(self, owned: Books) -> None:
        async with owned.database.reading() as session:
            for statement in (*GUARDS_OFF, NOT_RELEASED):
                await session.execute(text(statement))
            for minutes, outcome in ((59, Outcome.HOLDS), (61, Outcome.FAILS)):
                found = await compare(session, ALL["credits_release_caps"], NOW + timedelta(minutes=minutes))
                assert found.outcome is outcome

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

    async def test_tell_a_number_as_it_is_printed(self, owned: Books) -> None:
        (falsehood,) = [each for each in FALSEHOODS if each.equality == "invoice_numbers_have_no_gaps"]
        async with owned.database.reading() as session:
            for statement in (*GUARDS_OFF, falsehood.statement):
                await session.execute(text(statement))
            found = await compare(session, ALL[falsehood.equality], NOW)
        assert {offender.key for offender in found.offenders} == {"2", "WB-000999"}

    def test_are_tried_in_every_equality(self) -> None:
        assert [falsehood.equality for falsehood in FALSEHOODS] == list(ALL)
