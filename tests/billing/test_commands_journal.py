"""Posting: one statement for any number of facts, each of them once."""

import asyncio

import pytest
from sqlalchemy.exc import DBAPIError

from chassis.ids import new_id
from services.billing.commands.journal import post
from services.billing.domain.journal import LedgerAccount, Posting, PostingKind, stripe_fee_entries, transfer
from tests.billing.arrangements import NOW, Books
from tests.kit.statements import statements_of


def moved(key: str, cents: int = 100) -> Posting:
    entries = transfer(LedgerAccount.CASH, LedgerAccount.STRIPE_CLEARING, cents)
    return Posting(key, PostingKind.STRIPE_MOVED, NOW, entries)


async def count(books: Books) -> tuple[int, int]:
    query = (
        "SELECT (SELECT count(*) FROM journal_postings) AS postings, (SELECT count(*) FROM journal_entries) AS entries"
    )
    (row,) = await books.rows(query)
    return row.postings, row.entries


class TestPost:
    async def test_writes_all_that_it_is_given(self, books: Books) -> None:
        party_id, payout_id = new_id(), new_id()
        entries = transfer(LedgerAccount.EXPERT_COST, LedgerAccount.EXPERT_PAYABLE, 700)
        allocated = Posting("a", PostingKind.PAYOUT_ALLOCATED, NOW, entries, party_id=party_id, payout_id=payout_id)
        async with books.unit() as session:
            await post(session, [allocated, moved("b"), moved("c", 250)], NOW)
        rows = await books.rows(
            "SELECT source_key, kind, party_id, invoice_id, payout_id, occurred_at, posted_at, "
            "array_agg(account || ' ' || amount_cents ORDER BY entry_no) AS entries "
            "FROM journal_postings p JOIN journal_entries e ON e.posting_id = p.id GROUP BY p.id ORDER BY source_key"
        )
        assert [(row.source_key, row.kind, row.entries) for row in rows] == [
            ("a", "payout_allocated", ["expert_cost 700", "expert_payable -700"]),
            ("b", "stripe_moved", ["cash 100", "stripe_clearing -100"]),
            ("c", "stripe_moved", ["cash 250", "stripe_clearing -250"]),
        ]
        assert (rows[0].party_id, rows[0].invoice_id, rows[0].payout_id) == (party_id, None, payout_id)
        assert {(row.occurred_at, row.posted_at) for row in rows} == {(NOW, NOW)}

    async def test_is_one_statement(self, books: Books) -> None:
        async with books.unit() as session:
            with statements_of((await session.connection()).sync_connection) as statements:
                await post(session, [moved(f"m{number}") for number in range(50)], NOW)
            assert len(statements) == 1
        assert await count(books) == (50, 100)

    async def test_of_the_same_fact_again_changes_nothing(self, books: Books) -> None:
        for given in ([moved("a"), moved("a", 900)], [moved("a", 500), moved("b")], [moved("b", 1)]):
            async with books.unit() as session:
                await post(session, given, NOW)
        assert await count(books) == (2, 4)
        assert (await books.trial_balance())["cash"] == 200

    async def test_of_what_moves_nothing_leaves_no_trace(self, books: Books) -> None:
        async with books.unit() as session:
            await post(session, [Posting("f", PostingKind.STRIPE_FEE, NOW, stripe_fee_entries(0))], NOW)
            await post(session, [], NOW)
        assert await count(books) == (0, 0)

    async def test_by_two_at_once_is_one(self, shared_books: Books) -> None:
        async def once() -> None:
            async with shared_books.database.transaction() as session:
                await post(session, [moved("a"), moved("b")], NOW)

        await asyncio.gather(*(once() for _ in range(4)))
        assert await count(shared_books) == (2, 4)

    async def test_in_a_currency_that_is_not_kept_is_refused(self, books: Books) -> None:
        entries = transfer(LedgerAccount.CASH, LedgerAccount.STRIPE_CLEARING, 1)
        with pytest.raises(DBAPIError, match="ck_journal_entries_currency"):
            async with books.unit() as session:
                await post(session, [Posting("x", PostingKind.STRIPE_MOVED, NOW, entries, currency="NZD")], NOW)
