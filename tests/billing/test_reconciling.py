"""Our books beside Stripe's: each way in which they differ is found, told, and gone once it is mended."""

from datetime import timedelta
from typing import Any

import pytest

from chassis.ids import new_id
from contracts.values import CreditReason
from services.billing.commands.payouts import PayoutMoved, PayoutStep, post_payouts
from services.billing.commands.reconciling import StartRun, start_run
from services.billing.domain.voids import VoidReason
from services.billing.models import Invoice
from services.billing.reconciling import Reconciler
from tests.billing.arrangements import NOW, Books
from tests.billing.arrangements_reconciliation import (
    StripeSide,
    difference,
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
        assert (by_hand.is_new, by_hand.run.due_at) == (False, NOW)
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
