"""Any history of deliveries, requests, issues and decisions: each request ends in one answer, and the books tie.

What is looked at is the database and what was published; what was asked for is counted here.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from chassis.errors import Refusal
from contracts.values import AdjustmentType, CreditReason
from services.billing.commands.adjustments import approve_adjustment, reject_adjustment
from services.billing.commands.credit_proposals import agree_to_credit, decline_credit
from services.billing.commands.credit_requests import AskedCredit
from services.billing.commands.late_deliveries import VoidDelivery, void_delivery
from services.billing.commands.pricing import SentAssignment
from services.billing.commands.voids import VoidInvoice, void_invoice
from services.billing.domain.adjustments import DebitReason
from services.billing.domain.credit_requests import FINAL, CreditResult
from services.billing.domain.voids import VoidReason
from tests.billing.arrangements import CHECKER, LONG_AGO, MAKER, NOW, Books, march, sent
from tests.billing.credits import DEAR_CENTS, ask, asked, proposed
from tests.kit.databases import RolledBackDatabase

pytestmark = pytest.mark.slow

REFUSALS = {
    "adjustment_already_decided",
    "credit_exceeds_balance",
    "credit_proposal_decided",
    "credit_proposal_not_ready",
    "deliveries_not_late",
    "delivery_is_billed",
    "invoice_not_a_draft",
    "invoice_not_issued",
    "not_ready_to_issue",
    "line_not_found",
    "second_operator_needed",
}
FINALS = {str(result) for result in FINAL}


@dataclass(frozen=True)
class Step:
    """`place` chooses the delivery, the request or the invoice; `flag` the variant."""

    name: str
    place: int
    flag: bool


@dataclass
class History:
    """Three installers, of whom one is cheap, one dear and one without prices, and what happened to their leads."""

    books: Books
    installers: list[UUID] = field(default_factory=list)
    assignments: list[SentAssignment] = field(default_factory=list)
    requests: list[AskedCredit] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    async def begin(self) -> None:
        cheap, dear = await self.books.priced_installer(3_333, 1_111), await self.books.priced_installer(DEAR_CENTS)
        self.installers = [cheap, dear, await self.books.installer()]

    async def take(self, step: Step) -> None:
        try:
            await getattr(self, step.name)(step)
        except Refusal as refusal:
            self.refused.append(refusal.code)
        assert set(self.refused) <= REFUSALS, self.refused

    async def deliver(self, step: Step) -> None:
        """With `flag`, the request is there before the delivery."""
        assignment = sent(self.installers[step.place % 3], march(step.place % 28 + 1))
        self.assignments.append(assignment)
        if step.flag:
            await self.ask(Step("ask", len(self.assignments) - 1, flag=False))
        await self.books.deliver(assignment, assignment)

    async def ask(self, step: Step) -> None:
        """With `flag`, what was asked before is asked once more: the same message, played again."""
        if step.flag and self.requests:
            await ask(self.books, self.requests[step.place % len(self.requests)])
        elif self.assignments:
            self.requests.append(asked(self.assignments[step.place % len(self.assignments)]))
            await ask(self.books, self.requests[-1])

    async def propose(self, step: Step) -> None:
        if self.assignments:
            self.requests.append(proposed(self.assignments[step.place % len(self.assignments)]))
            await ask(self.books, self.requests[-1])

    async def decide(self, step: Step) -> None:
        if not self.requests:
            return
        id_ = self.requests[step.place % len(self.requests)].request_id
        async with self.books.unit() as session:
            if step.flag:
                await agree_to_credit(session, id_, MAKER, self.books.house.approval, NOW)
            else:
                await decline_credit(session, id_, MAKER, "Not proven", NOW)

    async def price(self, _step: Step) -> None:
        await self.books.plan(self.installers[2], LONG_AGO, 8_500, 3_850)

    async def draft(self, step: Step) -> None:
        """One installer's, so that another's held deliveries hold nothing up."""
        await self.books.drafts(installer_ids=[self.installers[step.place % 2 if step.flag else 0]])

    async def issue(self, step: Step) -> None:
        for row in await self._invoices("draft", step):
            await self.books.issue(row)

    async def second(self, step: Step) -> None:
        pending = await self.books.rows("SELECT id FROM adjustments WHERE state = 'pending' ORDER BY created_at, id")
        for row in pending[step.place % 3 : step.place % 3 + 1]:
            async with self.books.unit() as session:
                if step.flag:
                    await approve_adjustment(session, row.id, CHECKER, self.books.house.numbering, NOW)
                else:
                    await reject_adjustment(session, row.id, CHECKER, NOW)

    async def void_invoice(self, step: Step) -> None:
        for row in await self._invoices("issued" if step.flag else "draft", step):
            async with self.books.unit() as session:
                await void_invoice(session, VoidInvoice(row, VoidReason.WRONG_DETAILS, "Robin Field"), NOW)

    async def void_delivery(self, step: Step) -> None:
        found = await self.books.rows("SELECT id FROM delivery_events ORDER BY id")
        if found:
            id_ = found[step.place % len(found)].id
            async with self.books.unit() as session:
                await void_delivery(session, VoidDelivery(id_, CreditReason.SYSTEM_FAULT, 20_000), NOW)

    async def credit(self, step: Step) -> None:
        """By an operator's own hand: part of an invoice, or all that is left of a line."""
        for invoice_id in await self._invoices("issued", step):
            line = {} if step.flag else {"line_no": 1}
            await self.books.credit(invoice_id, 500 if step.flag else None, **line)

    async def charge_late(self, step: Step) -> None:
        for invoice_id in await self._invoices("issued", step):
            late = await self.books.rows(
                "SELECT d.id FROM delivery_events d JOIN invoices i ON i.account_id = d.installer_id "
                "WHERE i.id = :id AND event_status = 'billable' AND NOT EXISTS (SELECT FROM invoice_lines l "
                "WHERE l.delivery_event_id = d.id AND l.is_live) AND NOT EXISTS (SELECT FROM adjustment_deliveries a "
                "WHERE a.delivery_event_id = d.id AND a.is_live)",
                id=invoice_id,
            )
            if late:
                debit = {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.LATE_DELIVERY}
                await self.books.credit(invoice_id, None, delivery_event_ids=frozenset(row.id for row in late), **debit)

    async def _invoices(self, status: str, step: Step) -> list[UUID]:
        found = await self.books.rows(
            "SELECT id FROM invoices WHERE document_status = :status ORDER BY created_at, id", status=status
        )
        return [found[step.place % len(found)].id] if found else []

    async def finish(self) -> None:
        """All that is open is worked off as people would: priced, billed, decided."""
        for assignment in self.assignments:
            await self.books.deliver(assignment)
        await self.take(Step("price", 0, flag=False))
        for place in range(len(self.requests)):
            await self.take(Step("decide", place, flag=place % 2 == 0))
        for _ in range(2):
            await self.books.drafts()
            for _ in await self.books.rows("SELECT id FROM invoices WHERE document_status = 'draft'"):
                await self.take(Step("issue", 0, flag=True))
            for _ in await self.books.rows("SELECT id FROM adjustments WHERE state = 'pending'"):
                before = len(self.refused)
                await self.take(Step("second", 0, flag=True))
                if len(self.refused) > before:
                    await self.take(Step("second", 0, flag=False))
        for place, _ in enumerate(await self.books.rows("SELECT id FROM invoices WHERE document_status = 'issued'")):
            await self.take(Step("charge_late", place, flag=True))
        for place in range(len(self.requests)):
            await self.take(Step("decide", place, flag=False))


SUMS = text(
    """
    WITH ledger AS (
        SELECT account, sum(amount_cents)::bigint AS cents FROM journal_entries GROUP BY account
    ), issued AS (
        SELECT i.*, coalesce(changes.cents, 0) AS adjusted_cents
        FROM invoices i LEFT JOIN (
            SELECT invoice_id, sum(CASE type WHEN 'debit' THEN 1 ELSE -1 END * (ex_gst_cents + gst_cents)) AS cents
            FROM adjustments WHERE state = 'approved' GROUP BY invoice_id
        ) AS changes ON changes.invoice_id = i.id
        WHERE i.document_status = 'issued'
    )
    SELECT (SELECT coalesce(sum(cents), 0) FROM ledger)::int AS all_accounts,
           (SELECT coalesce(sum(cents), 0) FROM ledger WHERE account = 'receivable')::int AS receivable,
           (SELECT coalesce(-sum(cents), 0) FROM ledger WHERE account = 'customer_credit')::int AS credit,
           (SELECT coalesce(sum(cents), 0) FROM ledger WHERE account IN ('cash', 'stripe_clearing'))::int AS money,
           (SELECT coalesce(-sum(cents), 0) FROM ledger WHERE account = 'gst_payable')::int AS gst,
           (SELECT count(*) FROM (SELECT FROM journal_entries GROUP BY posting_id
                                  HAVING sum(amount_cents) <> 0 OR count(*) < 2) AS found) AS unbalanced,
           (SELECT coalesce(sum(balance_cents), 0) FROM issued)::int AS balances,
           (SELECT coalesce(sum(total_cents + adjusted_cents), 0) FROM issued)::int AS asked,
           (SELECT coalesce(sum(gst_cents + adjusted_gst_cents), 0) FROM issued)::int AS invoiced_gst,
           (SELECT sum(customer_credit_cents) FROM accounts)::int AS account_credit,
           (SELECT min(customer_credit_cents) FROM accounts) AS least_credit,
           (SELECT sum(customer_credit_cents) FROM invoices)::int AS left_over,
           (SELECT coalesce(sum(amount_cents), 0) FROM payments)::int AS payments,
           (SELECT count(*) FROM issued WHERE balance_cents = 0 AND paid_at IS NULL
                   AND (kind = 'client' OR paid_cents > 0)) AS settled_unsaid,
           (SELECT coalesce(max(substring(number FROM 4)::int), 0) - count(*) FROM invoices
            WHERE number IS NOT NULL) AS gaps,
           (SELECT count(*) FROM adjustment_deliveries d JOIN invoice_lines l USING (delivery_event_id)
            WHERE d.is_live AND l.is_live) AS billed_twice
    """
)


async def check(history: History) -> None:
    books = history.books
    told: dict[str, list[str]] = defaultdict(list)
    for event in await books.published("delivery.credit_answered"):
        told[event["request_id"]].append(event["result"])
    rows = {str(row.request_id): row for row in await books.rows("SELECT * FROM credit_requests")}
    assert set(rows) == {str(request.request_id) for request in history.requests}
    for id_, row in rows.items():
        # The last answer stands, and after a final one there is none.
        assert row.result == (told[id_][-1] if told[id_] else None)
        assert [result for result in told[id_][:-1] if result in FINALS] == []
    await _check_money(books)
    await _check_versions(books)
    async with books.database.reading() as session:
        sums = (await session.execute(SUMS)).one()
    assert (sums.all_accounts, sums.unbalanced) == (0, 0)
    assert sums.receivable == sums.balances == sums.asked
    assert sums.gst == sums.invoiced_gst
    assert (sums.gaps, sums.billed_twice) == (0, 0)


async def _check_money(books: Books) -> None:
    """What was answered as credited is what stands in the books; no delivery gives its price back twice."""
    credited = await books.rows("SELECT request_id, amount_cents FROM credit_requests WHERE result = 'credited'")
    booked = await books.rows(
        "SELECT a.id, ex_gst_cents FROM adjustments a JOIN credit_requests r ON r.request_id = a.id "
        "WHERE a.state = 'approved' AND type = 'credit'"
    )
    assert {tuple(row) for row in credited} == {tuple(row) for row in booked}
    moved = await books.rows(
        "SELECT assignment_id, count(*) FROM credit_requests WHERE result IN ('credited', 'voided') "
        "GROUP BY 1 HAVING count(*) > 1"
    )
    assert moved == []
    over = await books.rows(
        "SELECT invoice_id, line_no FROM invoice_lines l JOIN (SELECT invoice_id, line_no, sum(ex_gst_cents) AS cents "
        "FROM adjustment_lines GROUP BY 1, 2) AS given USING (invoice_id, line_no) WHERE cents > l.ex_gst_cents"
    )
    assert over == []


async def _check_versions(books: Books) -> None:
    versions: dict[str, list[int]] = defaultdict(list)
    for event in await books.published():
        if event["type"].startswith("delivery."):
            versions[event["key"]].append(event["version"])
    assert all(found == list(range(1, len(found) + 1)) for found in versions.values())


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
        yield History(begun.books, list(begun.installers))
    finally:
        await savepoint.rollback()


NAMES = (
    *("deliver", "ask", "propose", "decide", "price", "draft", "issue", "second"),
    *("void_invoice", "void_delivery", "credit", "charge_late"),
)
STEPS = st.builds(Step, name=st.sampled_from(NAMES), place=st.integers(0, 8), flag=st.booleans())


@pytest.mark.timeout(600)
@given(steps=st.lists(STEPS, min_size=12, max_size=24))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_request_ends_in_one_answer_and_the_books_tie(begun: History, steps: list[Step]) -> None:
    async with undone(begun) as history:
        for place in range(3):
            await history.take(Step("deliver", place, flag=False))
        for step in steps:
            await history.take(step)
            await check(history)
        await history.finish()
        await check(history)
        open_ = await history.books.rows(
            "SELECT result, detail FROM credit_requests WHERE result <> ALL(:f)", f=[*FINALS]
        )
        assert open_ == []
        assert await history.books.value("SELECT count(*) FROM credit_requests WHERE result IS NULL") == 0


async def test_the_steps_reach_every_answer(books: Books, begun: History) -> None:
    """One history in which each road is gone: a property over refusals alone would say nothing."""
    script = (
        ("deliver", 0, False),
        ("ask", 0, False),
        ("ask", 0, False),
        ("deliver", 1, True),
        ("deliver", 3, False),
        ("propose", 2, False),
        ("deliver", 2, False),
        ("ask", 3, False),
        ("draft", 1, True),
        ("draft", 0, False),
        ("decide", 3, True),
        ("issue", 0, False),
        ("issue", 0, False),
        ("second", 0, True),
        ("deliver", 6, False),
        ("propose", 4, False),
        ("decide", 5, False),
    )
    async with undone(begun) as history:
        for name, place, flag in script:
            await history.take(Step(name, place, flag=flag))
            await check(history)
        assert history.refused == []
        told = Counter(event["result"] for event in await books.published("delivery.credit_answered"))
        assert set(told) == {str(result) for result in CreditResult}
