"""Webhooks worked off: whatever comes twice, late or in reverse, each Stripe payment is recorded once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.values import InvoiceKind
from services.billing.commands.stripe_events import (
    forget_event,
    ignore_event,
    retry_event,
    try_event_later,
)
from services.billing.domain.statuses import InvoiceStatus, PaymentMethod
from services.billing.domain.voids import VoidReason
from services.billing.errors import StripeAway, StripeEventNotFound, StripeEventNotWaiting, StripePaymentIdMissing
from services.billing.models import Invoice
from services.billing.settling import StripeSettler, look_up
from services.billing.stripe_gateway import Refused
from tests.billing.arrangements import Books
from tests.billing.arrangements_settlement import void_whole
from tests.billing.arrangements_stripe import webhook, work_off
from tests.billing.fake_stripe import FakeStripe

TYPED_IN = """
    INSERT INTO payments (id, invoice_id, amount_cents, currency, received_at, method, reference, recorded_by,
                          recorded_at)
    VALUES (:id, :invoice_id, 4675, 'AUD', now(), 'other', :reference, 'Robin Field', now())
"""


@pytest.fixture
def stripe() -> FakeStripe:
    return FakeStripe()


@pytest.fixture
async def invoice(books: Books, stripe: FakeStripe) -> Invoice:
    """$93.50 are owed, at Stripe as with us."""
    return await books.issued_invoice(stripe_invoice_id=stripe.add_invoice(9_350))


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

    async def test_money_beyond_the_balance_is_in_the_books_whole_and_the_customers(
        self, books: Books, stripe: FakeStripe, invoice: Invoice
    ) -> None:
        await books.credit(invoice.id, 1_000)
        stripe.pay(invoice.stripe_invoice_id or "", 9_350)
        await webhook(books, "evt_1", invoice.stripe_invoice_id)
        await work_off(books, stripe)
        assert await states(books) == {"evt_1": "processed"}
        after = await books.invoice(invoice.id)
        assert (after.status, after.paid_cents, after.customer_credit_cents) == (InvoiceStatus.PAID, 9_350, 1_100)
        balances = await books.trial_balance()
        assert (balances["stripe_clearing"], balances["customer_credit"]) == (9_350, -1_100)

    async def test_money_for_a_void_invoice_is_in_the_books_too(
        self, books: Books, stripe: FakeStripe, invoice: Invoice
    ) -> None:
        await void_whole(books, invoice.id, VoidReason.DUPLICATE)
        stripe.pay(invoice.stripe_invoice_id or "", 9_350)
        await webhook(books, "evt_1", invoice.stripe_invoice_id)
        await work_off(books, stripe)
        assert await books.trial_balance() == {"stripe_clearing": 9_350, "customer_credit": -9_350}

    async def test_a_payment_of_nothing_stands_in_nobodys_way(
        self, books: Books, stripe: FakeStripe, invoice: Invoice
    ) -> None:
        stripe.pay(invoice.stripe_invoice_id or "", 0)
        stripe.pay(invoice.stripe_invoice_id or "", 9_350)
        await webhook(books, "evt_1", invoice.stripe_invoice_id)
        await work_off(books, stripe)
        assert await states(books) == {"evt_1": "processed"}
        assert await books.value("SELECT count(*) FROM payments") == 1

    async def test_a_payment_that_was_typed_in_as_a_reference_is_not_recorded_again(
        self, books: Books, stripe: FakeStripe, invoice: Invoice
    ) -> None:
        """As rows of earlier releases have it: new ones are refused without Stripe's id in its place."""
        reference = stripe.pay(invoice.stripe_invoice_id or "", 4_675)
        with pytest.raises(StripePaymentIdMissing):
            await books.pay(invoice.id, 4_675, reference, method=PaymentMethod.STRIPE)
        with pytest.raises(StripePaymentIdMissing):
            await books.pay(invoice.id, 4_675, reference)
        async with books.unit() as session:
            await session.execute(text(TYPED_IN), {"id": new_id(), "invoice_id": invoice.id, "reference": reference})
            await session.execute(text("UPDATE invoices SET paid_cents = 4675"))
        await webhook(books, "evt_1", invoice.stripe_invoice_id)
        await work_off(books, stripe)
        assert await states(books) == {"evt_1": "processed"}
        assert (await books.invoice(invoice.id)).paid_cents == 4_675

    async def test_what_cannot_be_recorded_waits_for_a_person_who_is_told_once(
        self, books: Books, stripe: FakeStripe, invoice: Invoice
    ) -> None:
        reference = stripe.pay(invoice.stripe_invoice_id or "", 9_350)
        await books.pay(invoice.id, 8_250, "bank 1", external_payment_ref=reference)
        for event_id in ("evt_1", "evt_2"):
            await webhook(books, event_id, invoice.stripe_invoice_id)
            await work_off(books, stripe)
        assert await states(books) == {"evt_1": "held", "evt_2": "held"}
        (event,) = await books.published("invoice.payment_held")
        assert (event["external_payment_ref"], event["amount_cents"]) == (reference, 9_350)
        assert (event["payment_currency"], event["reason_code"]) == ("AUD", "payment_reference_taken")

    async def test_another_currency_is_held(self, books: Books, stripe: FakeStripe, invoice: Invoice) -> None:
        reference = stripe.pay(invoice.stripe_invoice_id or "", 9_350)
        (payment,) = stripe.paid[invoice.stripe_invoice_id or ""]
        stripe.paid[invoice.stripe_invoice_id or ""] = [replace(payment, currency="usd")]
        await webhook(books, "evt_1", invoice.stripe_invoice_id)
        await work_off(books, stripe)
        (row,) = await books.rows("SELECT state, detail, held_references FROM stripe_events")
        assert tuple(row) == ("held", f"{reference}: it is in USD", [reference])
        (event,) = await books.published("invoice.payment_held")
        assert (event["payment_currency"], event["reason_code"]) == ("USD", "currency_not_kept")

    async def test_one_that_comes_before_the_issue_has_its_turn_after_it(
        self, books: Books, stripe: FakeStripe
    ) -> None:
        stripe_invoice_id = stripe.add_invoice(9_350)
        stripe.pay(stripe_invoice_id, 9_350)
        await webhook(books, "evt_1", stripe_invoice_id)
        await work_off(books, stripe)
        assert await states(books) == {"evt_1": "unmatched"}
        invoice = await books.issued_invoice(stripe_invoice_id=stripe_invoice_id)
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

    async def test_finds_what_came_in_for_an_invoice_that_was_settled_otherwise(
        self, books: Books, stripe: FakeStripe, invoice: Invoice
    ) -> None:
        await books.pay(invoice.id, 9_350, "bank 1")
        stripe.pay(invoice.stripe_invoice_id or "", 9_350)
        settler, due_at = StripeSettler(books.database, stripe, books.clock), books.clock.now()
        await settler.sweep(due_at)
        assert await work_off(books, stripe) == 1
        assert (await books.trial_balance())["customer_credit"] == -9_350
        await settler.sweep(due_at + timedelta(days=1))
        assert await work_off(books, stripe) == 0

    async def test_asks_no_more_about_what_was_settled_long_ago(
        self, books: Books, stripe: FakeStripe, invoice: Invoice
    ) -> None:
        await books.pay(invoice.id, 9_350, "bank 1")
        books.clock.advance(timedelta(days=91))
        await StripeSettler(books.database, stripe, books.clock).sweep(books.clock.now())
        assert await work_off(books, stripe) == 0

    async def test_gives_what_is_held_another_turn_and_adds_no_row_each_night(
        self, books: Books, stripe: FakeStripe, invoice: Invoice
    ) -> None:
        reference = stripe.pay(invoice.stripe_invoice_id or "", 9_350)
        await books.pay(invoice.id, 8_250, "bank 1", external_payment_ref=reference)
        settler = StripeSettler(books.database, stripe, books.clock)
        for night in range(3):
            await settler.sweep(books.clock.now() + timedelta(days=night))
            assert await work_off(books, stripe) == 1
        assert await books.value("SELECT count(*) FROM stripe_events") == 1
        assert len(await books.published("invoice.payment_held")) == 1


class TestRetryEvent:
    async def test_gives_a_held_one_another_turn(self, books: Books, stripe: FakeStripe, invoice: Invoice) -> None:
        reference = stripe.pay(invoice.stripe_invoice_id or "", 350)
        await books.pay(invoice.id, 349, "bank 1", external_payment_ref=reference)
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


class TestIgnoreEvent:
    async def ignore(self, books: Books, event_id: str) -> str:
        id_ = await books.value("SELECT id FROM stripe_events WHERE event_id = :id", id=event_id)
        async with books.unit() as session:
            return (await ignore_event(session, id_, "Refunded at Stripe", books.clock.now())).state

    @pytest.fixture
    async def held(self, books: Books, stripe: FakeStripe, invoice: Invoice) -> str:
        """Ours says a dollar less than Stripe's, and nothing that comes from Stripe can change it."""
        reference = stripe.pay(invoice.stripe_invoice_id or "", 350)
        await books.pay(invoice.id, 250, "bank 1", external_payment_ref=reference)
        await webhook(books, "evt_1", invoice.stripe_invoice_id)
        await work_off(books, stripe)
        return reference

    async def test_passes_its_payments_over_for_good(
        self, books: Books, stripe: FakeStripe, invoice: Invoice, held: str
    ) -> None:
        assert await self.ignore(books, "evt_1") == "ignored"
        assert await self.ignore(books, "evt_1") == "ignored"
        await StripeSettler(books.database, stripe, books.clock).sweep(books.clock.now())
        stripe.pay(invoice.stripe_invoice_id or "", 1_000)
        await webhook(books, "evt_2", invoice.stripe_invoice_id)
        assert await work_off(books, stripe) == 2
        assert "held" not in (await states(books)).values()
        assert (await books.invoice(invoice.id)).paid_cents == 1_250

    async def test_refuses_what_waits_for_nobody(
        self, books: Books, stripe: FakeStripe, invoice: Invoice, held: str
    ) -> None:
        await webhook(books, "evt_2", invoice.stripe_invoice_id)
        with pytest.raises(StripeEventNotWaiting):
            await self.ignore(books, "evt_2")

    async def test_what_stripe_forgets_leaves_a_settled_event_as_it_is(
        self, books: Books, stripe: FakeStripe, invoice: Invoice, held: str
    ) -> None:
        id_ = await books.value("SELECT id FROM stripe_events")
        async with books.unit() as session:
            await forget_event(session, id_, "resource_missing", books.clock.now())
            await try_event_later(session, id_, "no_answer", books.clock.now() + timedelta(days=1))
        (row,) = await books.rows("SELECT state, detail, next_attempt_at FROM stripe_events")
        assert row.state == "held"
        assert held in row.detail
        assert row.next_attempt_at < books.clock.now() + timedelta(days=1)


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
