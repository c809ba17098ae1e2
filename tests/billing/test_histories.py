"""Any history of issues, payments, receipts, reversals, credits, debits, write-offs and voids: the books tie.

After every step they are what a model says that was only told what happened; at the end every equality of a
certificate holds, and each delivery is billed with the month that it fell into.
"""

import copy
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.billing.commands.documents import Rendered, keep_document
from services.billing.domain.certificate import failed
from services.billing.queries import documents
from services.billing.queries.books import compare_all
from tests.billing.arrangements import NOW, Books
from tests.billing.histories import EDGES, History, Step
from tests.kit.databases import RolledBackDatabase

pytestmark = pytest.mark.slow

SUMS = text(
    """
    SELECT (SELECT jsonb_object_agg(account, cents) FROM
                (SELECT account, sum(amount_cents) AS cents FROM journal_entries GROUP BY 1) AS a WHERE cents <> 0)
               AS ledger,
           (SELECT count(*) FROM (SELECT FROM journal_entries GROUP BY posting_id
                                  HAVING sum(amount_cents) <> 0 OR count(*) < 2) AS found) AS unbalanced,
           (SELECT jsonb_object_agg(id, CASE document_status WHEN 'issued' THEN balance_cents ELSE 0 END)
            FROM invoices WHERE issued_at IS NOT NULL) AS owed,
           (SELECT jsonb_object_agg(id, customer_credit_cents) FROM invoices WHERE issued_at IS NOT NULL) AS left_over,
           (SELECT sum(customer_credit_cents) FROM accounts)::int AS account_credit,
           (SELECT min(customer_credit_cents) FROM accounts) AS least_credit,
           (SELECT count(*) FROM invoices WHERE document_status = 'issued' AND balance_cents = 0
                   AND written_off_cents = 0 AND paid_at IS NULL AND (kind = 'client' OR paid_cents > 0))
               AS settled_unsaid
    """
)


async def check(history: History) -> None:
    """What the database says, invoice by invoice and account by account, against the model."""
    model = history.model
    async with history.books.database.reading() as session:
        sums = (await session.execute(SUMS)).one()
    assert sums.unbalanced == 0
    assert (sums.ledger or {}) == model.balances()
    assert sum(model.balances().values()) == 0
    assert sums.owed == {str(id_): model.owed[id_] for id_ in history.invoices}
    assert sums.left_over == {str(id_): model.left[id_] for id_ in history.invoices}
    assert sums.account_credit == sum(model.left.values()) + model.rests
    assert sums.least_credit >= 0
    assert sums.settled_unsaid == 0


async def keep_documents(books: Books) -> None:
    """Of all that is issued, as the renderer does it within the hour; what is printed on them matters to no sum."""
    async with books.unit() as session:
        while (found := await documents.next_unrendered(session, [])) is not None:
            await keep_document(session, Rendered(*found, b"%PDF-1.7"), books.clock.now())
            await session.flush()


async def certify(books: Books) -> None:
    await keep_documents(books)
    async with books.database.reading() as session:
        assert failed(await compare_all(session, books.clock.now())) == ()


async def check_months(history: History) -> Counter[str]:
    """How many deliveries each month is invoiced with: none but its own."""
    query = (
        "SELECT d.assignment_id, i.period FROM invoice_lines l JOIN invoices i ON i.id = l.invoice_id "
        "JOIN delivery_events d ON d.id = l.delivery_event_id WHERE l.is_live"
    )
    billed = {row.assignment_id: row.period for row in await history.books.rows(query)}
    assert billed.items() <= history.months.items()
    return Counter(billed.values())


async def check_what_was_told(books: Books) -> None:
    """That it is paid is said as often as it became so, and of those alone."""
    paid = [event["invoice_id"] for event in await books.published("invoice.paid")]
    said = await books.rows("SELECT id FROM invoices, generate_series(1, paid_no)")
    assert sorted(str(row.id) for row in said) == sorted(paid)


@pytest.fixture
async def begun(books: Books) -> History:
    history = History(books)
    await history.begin()
    return history


@asynccontextmanager
async def undone(begun: History) -> AsyncIterator[History]:
    """A history that goes on from there, and of which nothing is left."""
    assert isinstance(begun.books.database, RolledBackDatabase)
    savepoint = await begun.books.database.connection.begin_nested()
    try:
        own = (copy.deepcopy(begun.model), list(begun.invoices), begun.installer_id, dict(begun.months))
        yield History(begun.books, *own)
    finally:
        begun.books.clock.instant = NOW
        await savepoint.rollback()


NAMES = (
    *("pay", "pay_at_stripe", "receive", "take_payment_back", "take_rest_back", "credit", "approve", "debit"),
    *("deliver_late", "release", "apply_credit", "unapply", "write_off", "undo_write_off", "void", "bill_again"),
    *("turn_down_void", "jump", "close_months"),
)
STEPS = st.builds(
    Step,
    name=st.sampled_from(NAMES),
    place=st.integers(0, 11),
    cents=st.integers(1, 15_000),
    whole=st.booleans(),
)


@pytest.mark.timeout(600)
@given(steps=st.lists(STEPS, min_size=1, max_size=14))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_books_tie_after_every_step_of_any_history(begun: History, steps: list[Step]) -> None:
    async with undone(begun) as history:
        for step in steps:
            await history.take(step)
            await check(history)
        await certify(history.books)
        await check_months(history)
        await check_what_was_told(history.books)


async def test_the_steps_reach_what_they_are_meant_to(books: Books, begun: History) -> None:
    """One history that uses every step with effect: a property over refusals alone would say nothing."""
    async with undone(begun) as history:
        for step in (
            Step("pay", 0, 20_000, whole=True),
            Step("pay", 1, 1_000, whole=False),
            Step("apply_credit", 1, 500, whole=False),
            Step("unapply", 0, 0, whole=True),
            Step("unapply", 0, 0, whole=True),
            Step("credit", 0, 1_000, whole=False),
            Step("debit", 2, 500, whole=False),
            Step("void", 2, 0, whole=True),
            Step("turn_down_void", 0, 0, whole=False),
            Step("void", 2, 0, whole=True),
            Step("approve", 0, 0, whole=False),
            Step("bill_again", 2, 0, whole=False),
            Step("pay_at_stripe", 2, 7_000, whole=False),
            Step("take_payment_back", 2, 500, whole=False),
            Step("deliver_late", 3, 0, whole=False),
            Step("release", 1, 0, whole=False),
            Step("void", 3, 0, whole=False),
            Step("bill_again", 3, 0, whole=False),
            Step("credit", 5, 3_000 * 3, whole=False),
            Step("receive", 1, 3_001, whole=False),
            Step("take_rest_back", 0, 100, whole=False),
            Step("write_off", 1, 0, whole=False),
            Step("undo_write_off", 1, 0, whole=False),
            Step("receive", 1, 25_000, whole=True),
        ):
            await history.take(step)
            await check(history)
        assert history.refused == []
        await certify(history.books)
        kinds = {row.kind for row in await books.rows("SELECT DISTINCT kind FROM journal_postings")}
        assert kinds == {
            "invoice_issued",
            "invoice_voided",
            "payment_received",
            "payment_reversed",
            "cash_unapplied",
            "credit_given",
            "debit_charged",
            "credit_applied",
            "credit_unapplied",
            "written_off",
            "write_off_reversed",
        }


async def test_each_delivery_falls_into_its_month_whatever_the_clocks_do(begun: History) -> None:
    """Months are closed at every edge, money moves in between, and one month is billed again from the next year."""
    async with undone(begun) as history:
        for place in range(len(EDGES)):
            await history.take(Step("jump", 0, 0, whole=False))
            await history.take(Step("close_months", 0, 0, whole=False))
            await history.take(Step("pay", place, 1_000, whole=True))
            await check(history)
            this_month = EDGES[history.books.clock.now()]
            assert max(await check_months(history)) < this_month
        await history.take(Step("void", 7, 0, whole=False))
        await history.take(Step("close_months", 0, 0, whole=False))
        await check(history)
        assert history.refused == []
        assert await check_months(history) == {
            "2026-03": 3,
            "2026-04": 3,
            "2026-05": 1,
            "2026-09": 1,
            "2026-10": 4,
            "2026-11": 1,
            "2026-12": 1,
        }
        await certify(history.books)
