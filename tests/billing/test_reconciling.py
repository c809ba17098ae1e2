"""Our books beside Stripe's: each way in which they differ is found, told, and gone once it is mended."""

from datetime import timedelta
from typing import Any

import pytest

from chassis.ids import new_id
from contracts.values import CreditReason, InvoiceKind
from services.billing.commands.differences import (
    AcceptDifference,
    RecordDifference,
    accept_difference,
    record_difference,
    refer_invoice,
    refresh_difference,
)
from services.billing.commands.payouts import PayoutMoved, PayoutStep, post_payouts
from services.billing.commands.reconciling import StartRun, TakeReport, start_run, take_report
from services.billing.commands.reviews import Review, review_last
from services.billing.commands.voids import VoidReason
from services.billing.domain.reconciliation import AcceptReason, Report
from services.billing.domain.statuses import PaymentMethod
from services.billing.domain.stripe_reports import read_report
from services.billing.errors import DeedNotPossible, NothingReconciled, ReferenceDiffers
from services.billing.models import Invoice
from services.billing.reconciling import Reconciler
from tests.billing.arrangements import NOW, Books
from tests.billing.arrangements_reconciliation import (
    StripeSide,
    issued_reference,
    open_codes,
    reconcile,
    told,
    work_off_runs,
)
from tests.billing.arrangements_settlement import void_whole
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


async def difference(books: Books, code: str) -> Any:
    (row,) = await books.rows("SELECT * FROM differences WHERE code = :code", code=code)
    return row


class TestFinding:
    async def test_books_that_agree_have_no_difference_and_stripes_fees_are_in_them(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        await books.pay(invoice.id, 9_350, "bank 1", external_payment_ref="pi_of_a_customer")
        theirs.change(issued_reference(invoice), state="paid")
        theirs.charge("pi_of_a_customer", 9_350, fee_cents=180)
        theirs.movement("payout", -5_000, 0, "po_1")
        theirs.movement("stripe_fee", -77)
        run = await reconcile(books, stripe)
        assert await told(books) == {}
        assert (run.ours_balance_cents, run.theirs_balance_cents) == (4_093, 4_093)
        balances = await books.trial_balance()
        assert (balances["stripe_fees"], balances["cash"], balances["stripe_clearing"]) == (257, 5_000, 4_093)
        again = await reconcile(books, stripe)
        assert (again.opened_count, await books.trial_balance()) == (0, balances)

    async def test_invoices_missing_here_and_there_and_with_another_total_or_state(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        await books.issued_invoice(stripe_invoice_id="in_typed_wrongly")
        await books.issue(await books.draft_of(await books.priced_installer()), stripe_invoice_id="in_of_another_sum")
        theirs.invoice("in_of_another_sum", 9_351, "paid")
        theirs.invoice("in_made_by_hand", 5_000)
        theirs.invoice("in_a_draft_there", 5_000, "draft")
        theirs.invoice("in_void_and_never_ours", 5_000, "void")
        run = await reconcile(books, stripe)
        rows = await books.rows("SELECT about_key, code, ours_cents, theirs_cents FROM differences ORDER BY code")
        assert [tuple(row) for row in rows] == [
            ("in_of_another_sum", "invoice_amount_differs", 9_350, 9_351),
            ("in_typed_wrongly", "invoice_not_at_stripe", 9_350, None),
            ("in_made_by_hand", "invoice_not_here", None, 5_000),
            ("in_of_another_sum", "invoice_state_differs", 9_350, 9_351),
        ]
        assert (run.opened_count, run.open_count) == (4, 4)
        events = await books.published("difference.changed")
        assert {(event["code"], event["version"]) for event in events} == {(row.code, 1) for row in rows}
        (finished,) = await books.published("reconciliation.finished")
        assert (finished["opened"], finished["open"], finished["closed"]) == (4, 4, 0)

    async def test_payments_missing_here_and_there_of_another_amount_or_failed(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        for reference, cents in (("pi_of_less", 1_000), ("pi_bounced", 2_000), ("pi_typed_wrongly", 3_000)):
            await books.pay(invoice.id, cents, f"bank {cents}", external_payment_ref=reference)
        theirs.charge("pi_of_less", 999)
        theirs.charge("pi_bounced", 2_000, state="failed")
        theirs.charge("pi_never_told", 400)
        theirs.charge("pi_declined", 400, state="failed")
        await reconcile(books, stripe)
        rows = await books.rows("SELECT about_key, code FROM differences WHERE about = 'payment' ORDER BY code")
        assert [tuple(row) for row in rows] == [
            ("pi_of_less", "payment_amount_differs"),
            ("pi_typed_wrongly", "payment_not_at_stripe"),
            ("pi_never_told", "payment_not_here"),
            ("pi_bounced", "payment_state_differs"),
        ]

    async def test_a_payment_known_by_its_charge_is_the_same(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        charge = theirs.charge("pi_of_a_customer", 1_000)
        await books.pay(invoice.id, 1_000, "bank", external_payment_ref=charge)
        await reconcile(books, stripe)
        assert await told(books) == {}

    async def test_refunds_credit_notes_transfers_and_money_that_went_otherwise(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        await books.pay(invoice.id, 1_000, "bank", external_payment_ref="pi_refunded")
        theirs.charge("pi_refunded", 1_000)
        theirs.refund("pi_refunded", 300)
        await books.credit(invoice.id, 1_000, reason_code=CreditReason.INVALID_CONTACT)
        theirs.credit_note(issued_reference(invoice), 1_099)
        await self._send_payout(books, "tr_only_here", 500)
        await self._send_payout(books, "tr_of_another_sum", 600)
        theirs.movement("transfer", -601, 0, "tr_of_another_sum")
        theirs.movement("transfer", -700, 0, "tr_only_there")
        theirs.movement("adjustment", -250, 1_500, "dp_a_dispute")
        await reconcile(books, stripe)
        rows = await books.rows("SELECT code, ours_cents, theirs_cents FROM differences ORDER BY code")
        assert [tuple(row) for row in rows] == [
            ("balance_amount_differs", 1_000 - 500 - 600 - 1_500, 1_000 - 300 - 601 - 700 - 250 - 1_500),
            ("credit_note_amount_differs", 1_100, 1_099),
            ("movement_not_here", None, -250),
            ("refund_not_here", None, 300),
            ("transfer_amount_differs", 600, 601),
            ("transfer_not_at_stripe", 500, None),
            ("transfer_not_here", None, 700),
        ]

    async def _send_payout(self, books: Books, transfer: str, cents: int) -> None:
        async with books.unit() as session:
            move = PayoutMoved(PayoutStep.SENT, transfer, new_id(), new_id(), cents, NOW - timedelta(hours=1))
            await post_payouts(session, [move], NOW)

    async def test_another_currency_is_told_and_not_added_up(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        theirs.change(issued_reference(invoice), currency="usd")
        await reconcile(books, stripe)
        row = await difference(books, "currency_not_kept")
        assert (row.about_key, row.kind, row.theirs_state) == (invoice.stripe_invoice_id, "state", "usd")
        assert await open_codes(books) == {"currency_not_kept"}

    async def test_a_void_invoice_is_void_there_too(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        await void_whole(books, invoice.id, VoidReason.DUPLICATE)
        await reconcile(books, stripe)
        row = await difference(books, "invoice_state_differs")
        assert (row.ours_state, row.theirs_state) == ("void", "open")
        theirs.change(issued_reference(invoice), state="void")
        await reconcile(books, stripe)
        assert await told(books) == {"invoice_state_differs": "gone"}

    async def test_closes_itself_and_opens_again_with_the_version_that_follows(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        for total_cents in (9_351, 9_350, 9_352):
            theirs.change(issued_reference(invoice), amount_cents=total_cents)
            await reconcile(books, stripe)
            books.clock.advance(timedelta(hours=1))
        row = await difference(books, "invoice_amount_differs")
        assert (row.state, row.version, row.first_seen_at) == ("open", 3, NOW + timedelta(hours=2))
        events = await books.published("difference.changed")
        assert [(event["state"], event["version"]) for event in events] == [("open", 1), ("gone", 2), ("open", 3)]


class TestRunning:
    async def test_stripes_silence_is_waited_for_and_nothing_is_decided(
        self, books: Books, stripe: FakeStripe, invoice: Invoice
    ) -> None:
        stripe.silent = 1
        run = await reconcile(books, stripe)
        assert (run.stage, run.detail) == ("invoices", "no_answer")
        assert await told(books) == {}
        books.clock.advance(timedelta(seconds=3))
        await work_off_runs(books, stripe)
        assert await books.value("SELECT stage FROM reconciliations") == "finished"

    async def test_a_process_that_died_leaves_its_run_where_its_last_page_ended(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(5):
            theirs.invoice(f"in_number_{number}", 100 + number)
        theirs.movement("payout", -300, 0, "po_1")
        reconciler = Reconciler(books.database, stripe, books.clock)
        async with books.unit() as session:
            await start_run(session, StartRun("Robin Field"), NOW)
        await reconciler.step()
        with monkeypatch.context() as dying:
            dying.setattr(stripe, "listed", _die)
            with pytest.raises(SystemExit):
                await reconciler.step()
        assert not await reconciler.step()
        books.clock.advance(timedelta(minutes=2))
        await work_off_runs(books, stripe)
        assert await books.value("SELECT count(*) FROM differences WHERE code = 'invoice_not_here'") == 5
        assert await books.value("SELECT item_count FROM reconciliations") == 6
        assert (await books.trial_balance())["cash"] == 300

    async def test_the_nights_run_is_started_once_and_one_at_a_time_asks(
        self, books: Books, stripe: FakeStripe
    ) -> None:
        reconciler = Reconciler(books.database, stripe, books.clock)
        await reconciler.start(NOW)
        await reconciler.start(NOW)
        async with books.unit() as session:
            by_hand = await start_run(session, StartRun("Robin Field"), NOW)
        assert by_hand is not None
        assert by_hand.due_at == NOW
        await work_off_runs(books, stripe)
        await reconciler.start(NOW)
        assert await books.value("SELECT count(*) FROM reconciliations") == 1

    async def test_what_is_open_there_is_listed_however_old_it_is(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide
    ) -> None:
        theirs.at = NOW - timedelta(days=400)
        theirs.invoice("in_long_open", 100)
        await reconcile(books, stripe)
        books.clock.advance(timedelta(days=1))
        theirs.change("in_long_open", state="void")
        await reconcile(books, stripe)
        assert await told(books) == {"invoice_not_here": "gone"}


async def _die(*_args: Any) -> Any:
    raise SystemExit


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
