"""Webhooks worked off: whatever comes twice, late or in reverse, each Stripe payment is recorded once."""

from datetime import timedelta
from typing import Any

import pytest

from chassis.ids import new_id
from contracts.values import InvoiceKind
from services.billing.commands.stripe_events import receive_event, retry_event
from services.billing.domain.statuses import InvoiceStatus
from services.billing.domain.webhooks import ReceivedEvent
from services.billing.errors import StripeAway, StripeEventNotFound
from services.billing.models import Invoice
from services.billing.settling import StripeSettler, look_up
from services.billing.stripe_gateway import Refused
from tests.billing.arrangements import Books
from tests.billing.fake_stripe import FakeStripe


@pytest.fixture
def stripe() -> FakeStripe:
    return FakeStripe()


@pytest.fixture
async def invoice(books: Books, stripe: FakeStripe) -> Invoice:
    """$93.50 are owed, at Stripe as with us."""
    return await books.issued_invoice(stripe_invoice_id=stripe.add_invoice(9_350))


async def webhook(books: Books, event_id: str, stripe_invoice_id: str | None, type_: str = "invoice.paid") -> None:
    async with books.unit() as session:
        await receive_event(session, ReceivedEvent(event_id, type_, stripe_invoice_id), books.clock.now())


async def work_off(books: Books, stripe: FakeStripe) -> int:
    settler, count = StripeSettler(books.database, stripe, books.clock), 0
    while await settler.step():
        count += 1
    return count


async def states(books: Books) -> dict[str, str]:
    return {row.event_id: row.state for row in await books.rows("SELECT event_id, state FROM stripe_events")}


class TestSettling:
    async def test_records_what_stripe_has(self, books: Books, stripe: FakeStripe, invoice: Invoice) -> None:
        reference = stripe.pay(invoice.stripe_invoice_id or "", 9_350)
        await webhook(books, "evt_1", invoice.stripe_invoice_id)
        assert await work_off(books, stripe) == 1
        assert (await books.invoice(invoice.id)).status is InvoiceStatus.PAID
        (row,) = await books.rows("SELECT * FROM payments")
        assert (row.external_payment_ref, row.method, row.recorded_by) == (reference, "stripe", "stripe")
        assert await states(books) == {"evt_1": "processed"}
        assert len(await books.published("invoice.paid")) == 1

    async def test_replayed_doubled_and_reordered_webhooks_change_nothing(
        self, books: Books, stripe: FakeStripe, invoice: Invoice
    ) -> None:
        stripe.pay(invoice.stripe_invoice_id or "", 350)
        stripe.pay(invoice.stripe_invoice_id or "", 9_000)
        for event_id in ("evt_2", "evt_1", "evt_2", "evt_1", "evt_3"):
            await webhook(books, event_id, invoice.stripe_invoice_id)
        assert await work_off(books, stripe) == 3
        await webhook(books, "evt_1", invoice.stripe_invoice_id)
        assert await work_off(books, stripe) == 0
        assert await books.value("SELECT count(*) FROM payments") == 2
        assert len(await books.published("invoice.paid")) == 1

    async def test_an_event_is_not_believed(self, books: Books, stripe: FakeStripe, invoice: Invoice) -> None:
        """It says paid; Stripe, asked, has no payment."""
        await webhook(books, "evt_1", invoice.stripe_invoice_id)
        await work_off(books, stripe)
        assert (await books.invoice(invoice.id)).status is InvoiceStatus.ISSUED

    async def test_a_payment_that_was_typed_in_under_stripes_id_is_not_recorded_again(
        self, books: Books, stripe: FakeStripe, invoice: Invoice
    ) -> None:
        reference = stripe.pay(invoice.stripe_invoice_id or "", 9_350)
        await books.pay(invoice.id, 9_350, "bank 1", external_payment_ref=reference)
        await webhook(books, "evt_1", invoice.stripe_invoice_id)
        await work_off(books, stripe)
        assert await states(books) == {"evt_1": "processed"}
        assert await books.value("SELECT count(*) FROM payments") == 1

    async def test_money_beyond_the_balance_waits_for_a_person(
        self, books: Books, stripe: FakeStripe, invoice: Invoice
    ) -> None:
        await books.pay(invoice.id, 9_350, "bank 1")
        stripe.pay(invoice.stripe_invoice_id or "", 9_350)
        await webhook(books, "evt_1", invoice.stripe_invoice_id)
        await work_off(books, stripe)
        (row,) = await books.rows("SELECT * FROM stripe_events")
        assert row.state == "held"
        assert "$93.50 was given and $0.00 is owed" in row.detail

    async def test_one_that_comes_before_the_issue_has_its_turn_after_it(
        self, books: Books, stripe: FakeStripe
    ) -> None:
        stripe_invoice_id = stripe.add_invoice(9_350)
        stripe.pay(stripe_invoice_id, 9_350)
        await webhook(books, "evt_1", stripe_invoice_id)
        await work_off(books, stripe)
        assert await states(books) == {"evt_1": "unmatched"}
        invoice = await books.issued_invoice(stripe_invoice_id=stripe_invoice_id)
        books.clock.advance(timedelta(minutes=2))
        await work_off(books, stripe)
        assert (await books.invoice(invoice.id)).status is InvoiceStatus.PAID

    async def test_that_stripe_refuses_to_answer_for_is_over(
        self, books: Books, stripe: FakeStripe, invoice: Invoice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def refuse(_invoice_id: str) -> Refused:
            return Refused("resource_missing")

        monkeypatch.setattr(stripe, "payments", refuse)
        await webhook(books, "evt_1", invoice.stripe_invoice_id)
        await work_off(books, stripe)
        assert await states(books) == {"evt_1": "ignored"}

    async def test_about_something_else_is_kept_and_nothing_is_asked(self, books: Books, stripe: FakeStripe) -> None:
        await webhook(books, "evt_1", None, "customer.created")
        assert await work_off(books, stripe) == 0
        assert await states(books) == {"evt_1": "ignored"}

    async def test_while_stripe_is_silent_it_waits_longer_and_longer(
        self, books: Books, stripe: FakeStripe, invoice: Invoice
    ) -> None:
        stripe.pay(invoice.stripe_invoice_id or "", 9_350)
        await webhook(books, "evt_1", invoice.stripe_invoice_id)
        stripe.silent = 3
        waits = []
        for _ in range(3):
            assert await work_off(books, stripe) == 1
            due = await books.value("SELECT next_attempt_at FROM stripe_events")
            waits.append((due - books.clock.now()).total_seconds())
            books.clock.instant = due
        assert waits == [2, 4, 8]
        assert await work_off(books, stripe) == 1
        assert (await books.invoice(invoice.id)).status is InvoiceStatus.PAID

    async def test_a_process_that_died_leaves_its_event_to_the_next(
        self, books: Books, stripe: FakeStripe, invoice: Invoice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stripe.pay(invoice.stripe_invoice_id or "", 9_350)
        await webhook(books, "evt_1", invoice.stripe_invoice_id)

        async def killed(_invoice_id: str) -> Any:
            raise SystemExit

        with monkeypatch.context() as dying:
            dying.setattr(stripe, "payments", killed)
            with pytest.raises(SystemExit):
                await work_off(books, stripe)
        assert await work_off(books, stripe) == 0
        books.clock.advance(timedelta(seconds=61))
        assert await work_off(books, stripe) == 1
        assert (await books.invoice(invoice.id)).status is InvoiceStatus.PAID


class TestSweep:
    async def test_finds_what_no_webhook_told_of(self, books: Books, stripe: FakeStripe, invoice: Invoice) -> None:
        stripe.pay(invoice.stripe_invoice_id or "", 9_350)
        due_at = books.clock.now()
        settler = StripeSettler(books.database, stripe, books.clock)
        await settler.sweep(due_at)
        await settler.sweep(due_at)
        assert await work_off(books, stripe) == 1
        assert (await books.invoice(invoice.id)).status is InvoiceStatus.PAID
        await settler.sweep(due_at + timedelta(days=1))
        assert await work_off(books, stripe) == 0


class TestRetryEvent:
    async def test_gives_a_held_one_another_turn(self, books: Books, stripe: FakeStripe, invoice: Invoice) -> None:
        await books.pay(invoice.id, 9_000, "bank 1")
        stripe.pay(invoice.stripe_invoice_id or "", 350)
        stripe.pay(invoice.stripe_invoice_id or "", 9_000)
        await webhook(books, "evt_1", invoice.stripe_invoice_id)
        await work_off(books, stripe)
        assert await states(books) == {"evt_1": "held"}
        stripe.paid[invoice.stripe_invoice_id or ""].pop()
        id_ = await books.value("SELECT id FROM stripe_events")
        async with books.unit() as session:
            await retry_event(session, id_, books.clock.now())
        await work_off(books, stripe)
        assert await states(books) == {"evt_1": "processed"}

    async def test_refuses_an_unknown_one(self, books: Books) -> None:
        with pytest.raises(StripeEventNotFound):
            async with books.unit() as session:
                await retry_event(session, new_id(), books.clock.now())


class TestLookUp:
    async def test_without_a_key_or_a_reference_there_is_nothing_to_compare(self, stripe: FakeStripe) -> None:
        assert await look_up(None, "in_123456789") is None
        assert await look_up(stripe, None) is None

    async def test_brings_what_stripe_has(self, stripe: FakeStripe) -> None:
        facts = await look_up(stripe, stripe.add_invoice(9_350, customer_id="cus_1"))
        assert facts is not None
        assert (facts.found, facts.total_cents, facts.currency, facts.customer_id) == (True, 9_350, "aud", "cus_1")

    async def test_says_that_there_is_none(self, stripe: FakeStripe) -> None:
        facts = await look_up(stripe, "in_nowhere0000")
        assert facts is not None
        assert not facts.found

    async def test_a_stripe_that_does_not_answer_decides_nothing(self, stripe: FakeStripe) -> None:
        stripe.silent = 1
        with pytest.raises(StripeAway):
            await look_up(stripe, stripe.add_invoice(9_350))


async def test_a_clients_invoice_is_settled_alike(books: Books, stripe: FakeStripe) -> None:
    stripe_invoice_id = stripe.add_invoice(1_320_000)
    invoice = await books.issue(await books.board_draft(), kind=InvoiceKind.CLIENT, stripe_invoice_id=stripe_invoice_id)
    stripe.pay(stripe_invoice_id, 1_320_000)
    await webhook(books, "evt_1", stripe_invoice_id)
    await work_off(books, stripe)
    (event,) = await books.published("invoice.paid")
    assert (event["invoice_id"], event["kind"], event["board_id"]) == (
        str(invoice.id),
        "client",
        str(invoice.board_id),
    )
