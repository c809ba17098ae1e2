"""The journal, the trial balance and Stripe's events as rooms."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from contracts.identity import Role
from services.billing.domain.statuses import StripeEventState
from services.billing.domain.webhooks import SettlingObstacle, obstacle_to_retrying, obstacle_to_settling
from tests.billing.arrangements import Books
from tests.billing.arrangements_stripe import webhook, work_off
from tests.billing.fake_stripe import FakeStripe
from tests.billing.windows import OPERATOR, Window

PLANTED = "<b>bold</b>"


class TestTheJournal:
    async def test_says_what_each_posting_debits_and_credits(self, books: Books, window: Window) -> None:
        invoice = await books.issued_invoice()
        await books.pay(invoice.id, 9_350, "bank 1")
        page = await window.open("/console/journal")
        assert "2 postings" in page
        assert "Revenue, GST payable" in page
        assert page.count("$93.50") == 2

    async def test_is_narrowed_to_an_account(self, books: Books, window: Window) -> None:
        invoice = await books.issued_invoice()
        await books.pay(invoice.id, 9_350, "bank 1")
        assert "1 posting<" in await window.open("/console/journal?on=cash")
        assert "2 postings" in await window.open(f"/console/journal?on=receivable&invoice_id={invoice.id}")

    async def test_opens_a_posting_with_its_entries(self, books: Books, window: Window) -> None:
        await books.issued_invoice()
        posting_id = await books.value("SELECT id FROM journal_postings")
        page = await window.open(f"/console/journal/{posting_id}")
        assert "Invoice issued" in page
        assert "$8.50" in page
        await window.open(f"/console/journal/{UUID(int=1)}", status=404)

    async def test_is_exported_in_the_apis_words(self, books: Books, window: Window) -> None:
        await books.issued_invoice()
        answer = await window.send("/console/journal/export", status=200)
        assert '"revenue, gst_payable"' in answer.text


class TestTheTrialBalance:
    async def test_ties_with_nothing_in_it(self, window: Window) -> None:
        assert "The books tie" in await window.open("/console/journal/trial-balance")

    async def test_shows_both_sides_of_each_account(self, books: Books, window: Window) -> None:
        invoice = await books.issued_invoice()
        await books.pay(invoice.id, 5_000, "bank 1")
        page = await window.open("/console/journal/trial-balance")
        assert "The books tie" in page
        assert page.count("$43.50") == 3


@pytest.mark.parametrize(
    ("state", "obstacle"),
    [
        (StripeEventState.HELD, None),
        (StripeEventState.UNMATCHED, None),
        (StripeEventState.PENDING, SettlingObstacle.ASKED),
        (StripeEventState.PROCESSED, SettlingObstacle.RECORDED),
        (StripeEventState.COMPARED, SettlingObstacle.COMPARED),
        (StripeEventState.KEPT, SettlingObstacle.KEPT),
        (StripeEventState.IGNORED, SettlingObstacle.IGNORED),
    ],
)
def test_who_is_waited_for(state: StripeEventState, obstacle: SettlingObstacle | None) -> None:
    assert (obstacle_to_settling(state), obstacle_to_retrying(state)) == (obstacle, obstacle)


def test_without_a_key_a_person_settles_it_and_nobody_asks_again() -> None:
    assert obstacle_to_settling(StripeEventState.UNASKED) is None
    assert obstacle_to_retrying(StripeEventState.UNASKED) is SettlingObstacle.NO_KEY


class TestStripeEvents:
    @pytest.fixture
    async def unmatched(self, books: Books) -> UUID:
        stripe = FakeStripe()
        stripe_invoice_id = stripe.add_invoice(9_350)
        stripe.pay(stripe_invoice_id, 9_350)
        await webhook(books, f"evt_{PLANTED}", stripe_invoice_id)
        await work_off(books, stripe)
        return UUID(str(await books.value("SELECT id FROM stripe_events")))

    async def test_wait_in_the_queue(self, books: Books, window: Window, unmatched: UUID) -> None:
        page = await window.open("/console/stripe-events?state=held&state=unmatched")
        assert "1 event<" in page
        assert "No invoice has its reference" in page
        assert PLANTED not in page
        assert ", limit 1 h" not in page
        books.clock.instant += timedelta(hours=2)
        assert ", limit 1 h" in await window.open("/console/stripe-events")

    async def test_have_another_turn(self, books: Books, window: Window, unmatched: UUID) -> None:
        await window.send(f"/console/stripe-events/{unmatched}/retry")
        page = await window.open(f"/console/stripe-events/{unmatched}?done=retry")
        assert "About to be asked" in page
        assert "gave it another turn" in page
        assert page.count(": Stripe is about to be asked.") == 2

    async def test_are_ignored_with_a_reason(self, books: Books, window: Window, unmatched: UUID) -> None:
        path = f"/console/stripe-events/{unmatched}"
        await window.send(f"{path}/ignore", status=422)
        stale = {"mfa_at": datetime.now(UTC) - timedelta(minutes=10), "operator_id": OPERATOR}
        await window.send(f"{path}/ignore", status=403, reason="Of another business", options=stale)
        await window.send(f"{path}/ignore", reason="Of another business")
        assert "Of another business" in await window.open(path)
        assert await books.value("SELECT state FROM stripe_events") == "ignored"

    async def test_tell_who_can(self, window: Window, unmatched: UUID) -> None:
        page = await window.open(f"/console/stripe-events/{unmatched}", Role.EDITOR)
        assert page.count("Super admins and admins can do it.") == 2
