"""What billing's gauges say of the books and of what waits."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from services.billing.commands.journal import post
from services.billing.domain.journal import LedgerAccount, Posting, PostingKind, transfer
from services.billing.measures import books as gauges
from services.billing.measures.books import measure_books
from services.billing.measures.deliveries import measure_held
from services.billing.measures.stripe_events import measure_stripe_events
from tests.billing.arrangements import NOW, Books, march, sent
from tests.billing.arrangements_stripe import webhook, work_off
from tests.billing.fake_stripe import FakeStripe
from tests.kit.metrics import gauge

HOURLY = 3600


def difference(check: str) -> float:
    return gauge("waybill_books_difference_cents", check=check)


class TestMeasureBooks:
    async def test_certifies_books_that_tie(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        await books.pay(invoice.id, 1_000, "part")
        gauges.BOOKS_CHECKED.set(0)
        async with books.database.reading() as session:
            await measure_books(HOURLY)(session)
        assert (difference("journal"), difference("receivable")) == (0, 0)
        assert gauge("waybill_books_checked_timestamp_seconds") > 0

    async def test_says_by_how_many_cents_the_receivable_is_off(self, books: Books) -> None:
        """A posting that no invoice knows of, as only a fault of the program could make it."""
        await books.issued_invoice()
        entries = transfer(LedgerAccount.CASH, LedgerAccount.RECEIVABLE, 7)
        async with books.database.reading() as session:
            await post(session, [Posting("stray", PostingKind.PAYMENT_RECEIVED, NOW, entries)], NOW)
            await measure_books(HOURLY)(session)
        assert (difference("journal"), difference("receivable")) == (0, -7)

    async def test_says_by_how_many_cents_the_journal_is_off(self, books: Books) -> None:
        """Half a posting: it could not be committed, and is seen before it would be."""
        await books.issued_invoice()
        async with books.database.reading() as session:
            entries = transfer(LedgerAccount.CASH, LedgerAccount.REVENUE, 7)
            await post(session, [Posting("half", PostingKind.PAYMENT_RECEIVED, NOW, entries)], NOW)
            await session.execute(
                text(
                    "INSERT INTO journal_entries (posting_id, entry_no, account, amount_cents, currency)"
                    " SELECT id, 3, 'cash', 5, 'AUD' FROM journal_postings WHERE source_key = 'half'"
                )
            )
            await measure_books(HOURLY)(session)
        assert (difference("journal"), difference("receivable")) == (5, 0)

    async def test_sums_the_journal_only_as_often_as_it_is_told_to(
        self, books: Books, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seconds = 1_000.0
        monkeypatch.setattr(gauges, "monotonic", lambda: seconds)
        measure = measure_books(HOURLY)

        async def is_summed() -> bool:
            gauges.BOOKS_CHECKED.set(0)
            async with books.database.reading() as session:
                await measure(session)
            return gauge("waybill_books_checked_timestamp_seconds") > 0

        assert await is_summed()
        seconds += HOURLY - 1
        assert not await is_summed()
        seconds += 1
        assert await is_summed()


class TestMeasureHeld:
    async def test_ages_deliveries_without_a_price(self, books: Books) -> None:
        installer_id = await books.installer()
        await books.deliver(sent(installer_id, march(10)), sent(installer_id, march(11)))
        books.clock.advance(timedelta(hours=3))
        async with books.database.reading() as session:
            await measure_held(books.clock)(session)
        assert gauge("waybill_deliveries_held") == 2
        assert gauge("waybill_deliveries_held_oldest_age_seconds") == 3 * 3600


class TestMeasureStripeEvents:
    async def test_tells_a_payment_that_waits_for_a_person_from_one_that_is_being_asked_about(
        self, books: Books
    ) -> None:
        stripe = FakeStripe()
        stripe_invoice_id = stripe.add_invoice(9_350)
        invoice = await books.issued_invoice(stripe_invoice_id=stripe_invoice_id)
        reference = stripe.pay(stripe_invoice_id, 9_350)
        await books.pay(invoice.id, 9_349, "a cent too little", external_payment_ref=reference)
        await webhook(books, "evt_1", stripe_invoice_id)
        books.clock.advance(timedelta(minutes=5))
        async with books.database.reading() as session:
            await measure_stripe_events(books.clock)(session)
        assert (waiting("pending"), waiting("held")) == ((1, 300), (0, 0))
        await work_off(books, stripe)
        async with books.database.reading() as session:
            await measure_stripe_events(books.clock)(session)
        assert (waiting("pending"), waiting("held")) == ((0, 0), (1, 300))


def waiting(state: str) -> tuple[float, float]:
    """How many, and for how long the first has waited, in seconds."""
    return (
        gauge("waybill_stripe_events_waiting", state=state),
        gauge("waybill_stripe_events_oldest_age_seconds", state=state),
    )
