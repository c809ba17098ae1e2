"""Any history of issues, payments, over-payments, credits, debits and voids: after every step the books tie.

What is looked at is the database alone, by sums that share no code with the service; what came in is counted here.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from chassis.errors import Refusal
from chassis.ids import new_id
from contracts.values import AdjustmentType, GstTreatment, InvoiceKind
from services.billing.commands.adjustments import approve_adjustment
from services.billing.commands.client_invoices import DraftLine, SetLines, redraft_board_invoice, set_lines
from services.billing.commands.customer_credit import ApplyCredit, apply_customer_credit
from services.billing.commands.voids import VoidInvoice, VoidReason, void_invoice
from services.billing.domain.adjustments import DebitReason
from tests.billing.arrangements import CHECKER, NOW, Books, client_state, march, sent
from tests.billing.arrangements_stripe import pay_at_stripe
from tests.kit.databases import RolledBackDatabase

pytestmark = pytest.mark.slow

LINES = (
    DraftLine("Advisory board", 1, 9_995),
    DraftLine("Travel, at cost", 1, 1_233, GstTreatment.GST_FREE),
    DraftLine("Goodwill", 1, -2_501),
)
REFUSALS = {
    "adjustment_already_decided",
    "credit_exceeds_balance",
    "customer_credit_exceeded",
    "deliveries_not_late",
    "invoice_has_payments",
    "invoice_not_a_draft",
    "invoice_not_issued",
    "invoice_not_void",
    "invoice_of_another_kind",
    "line_not_found",
    "payment_exceeds_balance",
}


@dataclass(frozen=True)
class Step:
    """`place` chooses the invoice, `whole` the variant: all of it, or what is typed in twice."""

    name: str
    place: int
    cents: int
    whole: bool


@dataclass
class History:
    """A client with three boards and an installer with three deliveries, all invoiced; and what came in since."""

    books: Books
    invoices: list[UUID] = field(default_factory=list)
    installer_id: UUID | None = None
    received_cents: int = 0
    refused: list[str] = field(default_factory=list)

    async def begin(self) -> None:
        client = client_state(new_id())
        for lines in (LINES, LINES[:1], LINES[:2]):
            draft = await self.books.board_draft(client=client)
            async with self.books.unit() as session:
                await set_lines(session, SetLines(draft, 1, lines))
            await self.books.issue(draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
            self.invoices.append(draft)
        self.installer_id = await self.books.priced_installer(3_333, 1_111)
        invoice = await self.books.issued_invoice(*(sent(self.installer_id, march(day)) for day in (3, 4, 5)))
        self.invoices.append(invoice.id)

    async def take(self, step: Step) -> None:
        invoice_id = self.invoices[step.place % len(self.invoices)]
        try:
            await getattr(self, step.name)(invoice_id, step)
        except Refusal as refusal:
            self.refused.append(refusal.code)
        assert set(self.refused) <= REFUSALS

    async def pay(self, invoice_id: UUID, step: Step) -> None:
        """By transfer; typed in twice it is one payment."""
        reference = f"bank {new_id()}"
        for _ in range(1 + step.whole):
            recorded = await self.books.pay(invoice_id, step.cents, reference, excess_to_credit=step.whole)
            self.received_cents += step.cents if recorded.is_new else 0

    async def pay_at_stripe(self, invoice_id: UUID, step: Step) -> None:
        """Whatever is owed, also of a void invoice."""
        await pay_at_stripe(self.books, invoice_id, step.cents)
        self.received_cents += step.cents

    async def credit(self, invoice_id: UUID, step: Step) -> None:
        line_no = step.place % 3 + 1 if step.whole else None
        await self.books.credit(invoice_id, None if step.cents % 3 == 0 else step.cents, line_no=line_no)

    async def approve(self, _invoice_id: UUID, _step: Step) -> None:
        for row in await self.books.rows("SELECT id FROM adjustments WHERE state = 'pending' ORDER BY created_at, id"):
            async with self.books.unit() as session:
                await approve_adjustment(session, row.id, CHECKER, self.books.house.numbering, NOW)

    async def debit(self, invoice_id: UUID, step: Step) -> None:
        debit = {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.PRICE_CORRECTION}
        await self.books.credit(invoice_id, step.cents, **debit)

    async def deliver_late(self, invoice_id: UUID, _step: Step) -> None:
        assert self.installer_id is not None
        await self.books.deliver(late := sent(self.installer_id, march(30)))
        id_ = await self.books.value("SELECT id FROM delivery_events WHERE assignment_id = :a", a=late.assignment_id)
        debit = {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.LATE_DELIVERY}
        await self.books.credit(invoice_id, None, delivery_event_ids=frozenset([id_]), **debit)

    async def apply_credit(self, invoice_id: UUID, step: Step) -> None:
        async with self.books.unit() as session:
            command = ApplyCredit(new_id(), invoice_id, None if step.whole else step.cents)
            await apply_customer_credit(session, command, NOW)

    async def void(self, invoice_id: UUID, _step: Step) -> None:
        async with self.books.unit() as session:
            await void_invoice(session, VoidInvoice(invoice_id, VoidReason.WRONG_DETAILS, "Robin Field"), NOW)

    async def bill_again(self, invoice_id: UUID, _step: Step) -> None:
        if invoice_id == self.invoices[3]:
            results = {result.installer_id: result for result in await self.books.drafts()}
            draft = results[self.installer_id].invoice_id if self.installer_id in results else None
            if draft is not None and draft not in self.invoices:
                await self.books.issue(draft)
                self.invoices.append(draft)
            return
        async with self.books.unit() as session:
            draft = (await redraft_board_invoice(session, invoice_id, NOW)).id
        if draft not in self.invoices:
            await self.books.issue(draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
            self.invoices.append(draft)


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
    """Every equality; each side is summed up from another table, or counted here."""
    async with history.books.database.reading() as session:
        sums = (await session.execute(SUMS)).one()
    assert (sums.all_accounts, sums.unbalanced) == (0, 0)
    assert sums.receivable == sums.balances
    assert sums.credit == sums.account_credit == sums.left_over
    assert sums.least_credit >= 0
    assert sums.money == sums.payments == history.received_cents
    assert sums.receivable - sums.credit == sums.asked - sums.money
    assert sums.gst == sums.invoiced_gst
    assert (sums.settled_unsaid, sums.gaps, sums.billed_twice) == (0, 0, 0)


async def check_what_was_told(books: Books) -> None:
    """That it is paid is said once of an invoice, and of those alone that are or were."""
    paid = [event["invoice_id"] for event in await books.published("invoice.paid")]
    assert len(paid) == len(set(paid))
    said = await books.rows("SELECT id FROM invoices WHERE paid_at IS NOT NULL")
    assert {str(row.id) for row in said} == set(paid)


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
        yield History(begun.books, list(begun.invoices), begun.installer_id)
    finally:
        await savepoint.rollback()


NAMES = ("pay", "pay_at_stripe", "credit", "approve", "debit", "deliver_late", "apply_credit", "void", "bill_again")
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
        await check_what_was_told(history.books)


async def test_the_steps_reach_what_they_are_meant_to(books: Books, begun: History) -> None:
    """One history that uses every step with effect: a property over refusals alone would say nothing."""
    async with undone(begun) as history:
        for step in (
            Step("pay", 0, 20_000, whole=True),
            Step("pay", 1, 1_000, whole=False),
            Step("apply_credit", 1, 0, whole=True),
            Step("credit", 0, 1_000, whole=False),
            Step("debit", 2, 500, whole=False),
            Step("void", 2, 0, whole=False),
            Step("bill_again", 2, 0, whole=False),
            Step("pay_at_stripe", 2, 7_000, whole=False),
            Step("deliver_late", 3, 0, whole=False),
            Step("void", 3, 0, whole=False),
            Step("bill_again", 3, 0, whole=False),
            Step("credit", 5, 3_000 * 3, whole=False),
        ):
            await history.take(step)
            await check(history)
        assert history.refused == []
        kinds = {row.kind for row in await books.rows("SELECT DISTINCT kind FROM journal_postings")}
        assert kinds == {
            "invoice_issued",
            "invoice_voided",
            "payment_received",
            "credit_given",
            "debit_charged",
            "credit_applied",
        }
