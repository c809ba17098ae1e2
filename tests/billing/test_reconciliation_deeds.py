"""What a person does about a difference, and reports that stand for Stripe where no key is set."""

from datetime import timedelta
from typing import Any

import pytest

from chassis.ids import new_id
from contracts.values import InvoiceKind
from services.billing.commands.differences import (
    AcceptDifference,
    RecordDifference,
    accept_difference,
    record_difference,
    refer_invoice,
    refresh_difference,
)
from services.billing.commands.reconciling import TakeReport, take_report
from services.billing.commands.reviews import Review, review_last
from services.billing.domain.reconciliation import AcceptReason, Report
from services.billing.domain.statuses import PaymentMethod
from services.billing.domain.stripe_reports import read_report
from services.billing.errors import DeedNotPossible, NothingReconciled, ReferenceDiffers
from services.billing.models import Invoice
from tests.billing.arrangements import NOW, Books
from tests.billing.arrangements_reconciliation import (
    StripeSide,
    difference,
    issued_reference,
    open_codes,
    reconcile,
    work_off_runs,
)
from tests.billing.fake_stripe import FakeStripe


@pytest.fixture
def stripe() -> FakeStripe:
    return FakeStripe()


@pytest.fixture
def theirs(stripe: FakeStripe) -> StripeSide:
    return StripeSide(stripe, NOW - timedelta(hours=2))


@pytest.fixture
async def invoice(books: Books, theirs: StripeSide) -> Invoice:
    """$93.50, open on both sides."""
    invoice = await books.issued_invoice()
    theirs.invoice(issued_reference(invoice), 9_350)
    return invoice


class TestDeeds:
    async def test_a_payment_is_recorded_on_the_invoice_that_a_person_names(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        theirs.charge("pi_never_told", 9_350)
        theirs.change(issued_reference(invoice), state="paid")
        await reconcile(books, stripe)
        assert await open_codes(books) == {"payment_not_here", "invoice_state_differs", "balance_amount_differs"}
        row = await difference(books, "payment_not_here")
        with pytest.raises(DeedNotPossible):
            await self._record(books, RecordDifference(row.id, "Robin Field"))
        await self._record(books, RecordDifference(row.id, "Robin Field", invoice.id))
        (payment,) = await books.rows("SELECT * FROM payments")
        assert (payment.external_payment_ref, payment.method) == ("pi_never_told", PaymentMethod.STRIPE)
        assert payment.received_at == NOW - timedelta(hours=2)
        with pytest.raises(DeedNotPossible):
            await self._record(books, RecordDifference(row.id, "Robin Field", invoice.id))
        await reconcile(books, stripe)
        assert await open_codes(books) == set()

    async def _record(self, books: Books, command: RecordDifference) -> None:
        async with books.unit() as session:
            await record_difference(session, command, books.clock.now())

    async def test_a_reference_is_put_right_where_the_total_is_the_same(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide
    ) -> None:
        board = await books.board_draft(10_000)
        sent = await books.issue(board, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
        theirs.invoice("in_made_by_hand", 11_000)
        theirs.invoice("in_of_another_sum", 11_001)
        await reconcile(books, stripe)
        ids = {row.about_key: row.id for row in await books.rows("SELECT id, about_key FROM differences")}
        with pytest.raises(ReferenceDiffers):
            await self._refer(books, ids["in_of_another_sum"], sent.id)
        await self._refer(books, ids["in_made_by_hand"], sent.id)
        assert (await books.invoice(sent.id)).stripe_invoice_id == "in_made_by_hand"
        assert await books.value("SELECT state FROM differences WHERE about_key = 'in_made_by_hand'") == "gone"
        with pytest.raises(ReferenceDiffers):
            await self._refer(books, ids["in_of_another_sum"], sent.id)

    async def _refer(self, books: Books, difference_id: Any, invoice_id: Any) -> None:
        async with books.unit() as session:
            await refer_invoice(session, difference_id, invoice_id, books.clock.now())

    async def test_an_accepted_one_stays_until_what_is_said_changes(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        theirs.change(issued_reference(invoice), amount_cents=9_351)
        await reconcile(books, stripe)
        row = await difference(books, "invoice_amount_differs")
        async with books.unit() as session:
            command = AcceptDifference(row.id, AcceptReason.IMMATERIAL, "A cent of rounding", "Robin Field")
            await accept_difference(session, command, NOW)
        assert (await reconcile(books, stripe)).open_count == 0
        theirs.change(issued_reference(invoice), amount_cents=9_352)
        await reconcile(books, stripe)
        row = await difference(books, "invoice_amount_differs")
        assert (row.state, row.reason_code, row.theirs_cents) == ("open", None, 9_352)

    async def test_stripes_newer_word_settles_it_at_once(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        theirs.change(issued_reference(invoice), amount_cents=9_351)
        await reconcile(books, stripe)
        row = await difference(books, "invoice_amount_differs")
        theirs.change(issued_reference(invoice), amount_cents=9_350)
        items = [item for item in stripe.items if item.stripe_id == invoice.stripe_invoice_id]
        async with books.unit() as session:
            assert (await refresh_difference(session, row.id, items, NOW)).state == "gone"

    async def test_a_review_is_of_a_comparison_that_was_not_reviewed(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide
    ) -> None:
        theirs.invoice("in_made_by_hand", 11_000)
        command = Review(new_id(), "Robin Field", "One is being asked about")
        with pytest.raises(NothingReconciled):
            await self._review(books, command)
        await reconcile(books, stripe)
        await self._review(books, command)
        with pytest.raises(NothingReconciled):
            await self._review(books, command)
        (row,) = await books.rows("SELECT open_count, owner_missing_count FROM reconciliation_reviews")
        assert tuple(row) == (1, 1)

    async def _review(self, books: Books, command: Review) -> None:
        async with books.unit() as session:
            await review_last(session, command, books.clock.now())


BALANCE = """balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,payment_intent_id
txn_one,2026-04-01 10:00:00,aud,93.50,1.80,91.70,charge,ch_one,pi_of_a_customer
txn_two,2026-04-01 11:00:00,aud,-50.00,0.00,-50.00,payout,po_one,
"""


class TestUploads:
    async def test_a_report_stands_for_stripe_and_what_it_lacks_of_its_days_is_missing_there(
        self, books: Books, invoice: Invoice
    ) -> None:
        at = NOW - timedelta(hours=14)
        await books.pay(invoice.id, 9_000, "bank", external_payment_ref="pi_of_a_customer", received_at=at)
        await books.pay(invoice.id, 100, "later", external_payment_ref="pi_after_the_report")
        await self._upload(books, BALANCE)
        assert await open_codes(books) == {"payment_amount_differs", "fee_differs", "movement_not_here"}
        for code in ("fee_differs", "movement_not_here"):
            async with books.unit() as session:
                command = RecordDifference((await difference(books, code)).id, "Robin Field")
                await record_difference(session, command, NOW)
        balances = await books.trial_balance()
        assert (balances["stripe_fees"], balances["cash"]) == (180, 5_000)
        assert await open_codes(books) == {"payment_amount_differs"}

    async def _upload(self, books: Books, content: str) -> None:
        read = read_report(Report.BALANCE, content)
        assert not read.faults
        async with books.unit() as session:
            await take_report(session, TakeReport(Report.BALANCE, read.items, "Robin Field", new_id()), NOW)
        await work_off_runs(books, None)
