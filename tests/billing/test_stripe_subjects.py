"""Refunds, disputes, credit notes and voids at Stripe: known by their webhooks, looked up, and compared at once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.commands.stripe_subjects import Answer, compare_subject
from services.billing.domain.reconciliation import About, ItemKind, StripeItem
from services.billing.domain.voids import VoidReason
from services.billing.domain.webhooks import EventSubject
from services.billing.models import Invoice, SeenItem, StripeEvent
from services.billing.queries import differences
from services.billing.settling import KeylessSettler
from tests.billing.arrangements import NOW, Books
from tests.billing.arrangements_reconciliation import (
    StripeSide,
    difference,
    issued_reference,
    open_codes,
    reconcile,
    told,
)
from tests.billing.arrangements_settlement import void_whole
from tests.billing.arrangements_stripe import hear, webhook, work_off
from tests.billing.fake_stripe import FakeStripe
from tests.billing.windows import Window

PAYMENT = "pi_of_a_customer"


@pytest.fixture
def stripe() -> FakeStripe:
    return FakeStripe()


@pytest.fixture
def theirs(stripe: FakeStripe) -> StripeSide:
    return StripeSide(stripe, NOW - timedelta(hours=2))


@pytest.fixture
async def invoice(books: Books, stripe: FakeStripe, theirs: StripeSide) -> Invoice:
    """$93.50, paid at Stripe and here; the night's comparison found that both agree."""
    invoice = await books.issued_invoice()
    theirs.invoice(issued_reference(invoice), 9_350, "paid")
    await books.pay(invoice.id, 9_350, "bank 1", external_payment_ref=PAYMENT)
    theirs.charge(PAYMENT, 9_350)
    await reconcile(books, stripe)
    assert await told(books) == {}
    return invoice


async def events(books: Books) -> dict[str, str]:
    return {row.event_id: row.state for row in await books.rows("SELECT event_id, state FROM stripe_events")}


def dispute(dispute_id: str = "du_1") -> dict[str, object]:
    return {"object": "dispute", "id": dispute_id, "charge": "ch_fake000000000002", "payment_intent": PAYMENT}


class TestComparing:
    async def test_a_chargeback_is_a_difference_at_once_and_its_fee_in_the_books(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        row = theirs.movement("adjustment", -9_350, 2_500, "du_1")
        await hear(books, "charge.dispute.funds_withdrawn", dispute())
        assert await work_off(books, stripe) == 1
        found = await difference(books, "movement_not_here")
        assert (found.about_key, found.stripe_id, found.theirs_cents, found.state) == (row, "du_1", -9_350, "open")
        assert await open_codes(books) == {"movement_not_here"}
        assert (await books.trial_balance())["stripe_fees"] == 2_500
        (event,) = await books.published("difference.changed")
        assert (event["code"], event["state"]) == ("movement_not_here", "open")
        assert await events(books) == {"evt_1": "compared"}

    async def test_one_that_has_moved_nothing_differs_in_nothing(
        self, books: Books, stripe: FakeStripe, invoice: Invoice
    ) -> None:
        await hear(books, "charge.dispute.created", dispute())
        await work_off(books, stripe)
        assert (await told(books), await events(books)) == ({}, {"evt_1": "compared"})

    async def test_a_refund_and_its_end_open_and_close_a_difference(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        refund = theirs.refund(PAYMENT, 300)
        about = {"object": "refund", "id": refund, "payment_intent": PAYMENT}
        await hear(books, "refund.created", about)
        await work_off(books, stripe)
        assert await told(books) == {"refund_not_here": "open"}
        assert (await difference(books, "refund_not_here")).invoice_id == invoice.id
        theirs.change(refund, state="failed")
        await hear(books, "refund.failed", about, "evt_2")
        await work_off(books, stripe)
        assert await told(books) == {"refund_not_here": "gone"}

    async def test_what_is_settled_while_it_is_compared_has_an_event_for_each_of_its_versions(
        self,
        books: Books,
        stripe: FakeStripe,
        theirs: StripeSide,
        invoice: Invoice,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """As where another transaction commits between the two statements of a comparison."""
        refund = theirs.refund(PAYMENT, 300)
        close = differences.close_agreeing

        async def settled_meanwhile(session: AsyncSession, *given: Any) -> set[UUID]:
            await session.execute(update(SeenItem).where(SeenItem.stripe_id == refund).values(state="failed"))
            return await close(session, *given)

        monkeypatch.setattr(differences, "close_agreeing", settled_meanwhile)
        await hear(books, "refund.created", {"object": "refund", "id": refund, "payment_intent": PAYMENT})
        await work_off(books, stripe)
        told_of = await books.published("difference.changed")
        assert [(each["version"], each["state"]) for each in told_of] == [(1, "open"), (2, "gone")]

    async def test_a_credit_note_and_a_void_there_are_known_too(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        reference = issued_reference(invoice)
        theirs.credit_note(reference, 1_100)
        await hear(books, "credit_note.created", {"object": "credit_note", "id": "cn_1", "invoice": reference})
        theirs.change(reference, state="void")
        await hear(books, "invoice.voided", {"object": "invoice", "id": reference}, "evt_2")
        assert await work_off(books, stripe) == 2
        assert await open_codes(books) == {"credit_note_not_here", "invoice_state_differs"}

    async def test_what_both_sides_did_differs_in_nothing_and_nothing_else_is_judged(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        other = await books.issued_invoice(stripe_invoice_id="in_never_seen_there")
        theirs.invoice("in_both_void", 9_350, "void")
        void = await books.issue(await books.draft_of(await books.priced_installer()), stripe_invoice_id="in_both_void")
        await void_whole(books, void.id, VoidReason.DUPLICATE)
        await hear(books, "invoice.voided", {"object": "invoice", "id": "in_both_void"})
        await work_off(books, stripe)
        assert (await told(books), other.stripe_invoice_id) == ({}, "in_never_seen_there")


class TestOrder:
    async def test_doubled_events_of_one_thing_are_one_question_and_one_difference(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        theirs.movement("adjustment", -9_350, 0, "du_1")
        for number, turn in enumerate(("created", "funds_withdrawn", "updated", "created")):
            await hear(books, f"charge.dispute.{turn}", dispute(), f"evt_{number % 3}")
        asked = stripe.questions
        assert await work_off(books, stripe) == 1
        assert stripe.questions == asked + 1
        assert await events(books) == {f"evt_{number}": "compared" for number in range(3)}
        assert len(await books.published("difference.changed")) == 1

    async def test_silence_is_asked_again_later(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        theirs.movement("adjustment", -9_350, 0, "du_1")
        await hear(books, "charge.dispute.created", dispute())
        stripe.silent = 1
        await work_off(books, stripe)
        assert (await events(books), await told(books)) == ({"evt_1": "pending"}, {})
        books.clock.advance(timedelta(minutes=1))
        await work_off(books, stripe)
        assert await open_codes(books) == {"movement_not_here"}

    async def test_an_answer_that_a_later_one_overtook_moves_nothing_back(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
    ) -> None:
        refund = theirs.refund(PAYMENT, 300)
        await hear(books, "refund.created", {"object": "refund", "id": refund, "payment_intent": PAYMENT})
        earlier = StripeItem(ItemKind.REFUND, refund, "pending", 200, "aud", NOW, payment_ref=PAYMENT)
        asked_at = books.clock.now()
        books.clock.advance(timedelta(seconds=5))
        await work_off(books, stripe)
        async with books.unit() as session:
            event = (await session.scalars(select(StripeEvent))).one()
            subject = EventSubject(About.REFUND, PAYMENT)
            await compare_subject(session, event, subject, Answer([earlier], asked_at), books.clock.now())
        assert (await difference(books, "refund_not_here")).theirs_cents == 300
        assert len(await books.published("difference.changed")) == 1


class TestWithoutAKey:
    async def test_what_comes_is_told_to_wait_and_goes_on_once_there_is_one(
        self, books: Books, stripe: FakeStripe, window: Window
    ) -> None:
        issued = await books.issued_invoice(stripe_invoice_id=stripe.add_invoice(9_350))
        stripe.pay(issued_reference(issued), 9_350)
        await webhook(books, "evt_paid", issued.stripe_invoice_id)
        await hear(books, "charge.dispute.created", dispute())
        assert await KeylessSettler(books.database).step() is False
        assert await events(books) == {"evt_paid": "unasked", "evt_1": "unasked"}
        id_ = await books.value("SELECT id FROM stripe_events WHERE event_id = 'evt_paid'")
        page = await window.open(f"/console/stripe-events/{id_}")
        assert "Nobody can ask Stripe: set STRIPE_API_KEY" in page
        assert "it goes on by itself once one is" in page
        queue = await window.open("/console/stripe-events?state=held&state=unmatched&state=unasked")
        assert "2 events<" in queue
        assert await work_off(books, stripe) == 2
        assert await events(books) == {"evt_paid": "processed", "evt_1": "compared"}

    async def test_a_person_settles_it_who_did_by_hand_what_stripe_shows(self, books: Books, window: Window) -> None:
        await hear(books, "charge.dispute.created", dispute())
        await KeylessSettler(books.database).step()
        id_ = await books.value("SELECT id FROM stripe_events")
        await window.send(f"/console/stripe-events/{id_}/ignore", reason="Reversed by hand")
        await KeylessSettler(books.database).step()
        assert await events(books) == {"evt_1": "ignored"}


class TestThePage:
    async def test_says_what_was_compared_and_leads_to_what_differs(
        self, books: Books, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice, window: Window
    ) -> None:
        theirs.movement("adjustment", -9_350, 0, "du_1")
        await hear(books, "charge.dispute.funds_withdrawn", dispute())
        await work_off(books, stripe)
        found: Any = await difference(books, "movement_not_here")
        id_ = await books.value("SELECT id FROM stripe_events")
        page = await window.open(f"/console/stripe-events/{id_}")
        assert "Compared with our books" in page
        assert "Ignored" not in page
        assert f"/console/differences/{found.id}" in page

    async def test_says_that_the_night_looks_at_what_is_only_kept(self, books: Books, window: Window) -> None:
        await hear(books, "payout.failed", {"object": "payout", "id": "po_1"})
        id_ = await books.value("SELECT id FROM stripe_events")
        assert "The nightly comparison looks at what it is about." in await window.open(f"/console/stripe-events/{id_}")
