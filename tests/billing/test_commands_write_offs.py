"""Write-offs: asked for, agreed to by another over the limit, in the books with their GST, and taken back."""

import pytest

from chassis.ids import new_id
from contracts.values import AdjustmentType
from services.billing.commands.payments import MarkPaid, mark_paid
from services.billing.domain.adjustments import DebitReason
from services.billing.domain.settlement import WriteOffObstacle, WriteOffReason, WriteOffState
from services.billing.domain.statuses import InvoiceStatus, PaymentMethod
from services.billing.errors import (
    InvoiceWrittenOff,
    MakerCannotApprove,
    NothingOwed,
    NotIssued,
    OwedOtherwise,
    WriteOffDecided,
    WriteOffIdTaken,
    WriteOffNotFound,
    WriteOffStands,
)
from services.billing.models import Invoice
from tests.billing.arrangements import MAKER, NOW, Books
from tests.billing.arrangements_settlement import (
    approve_writing_off,
    ask_to_write_off,
    client_invoices,
    reject_writing_off,
    take_payment_back,
    undo_write_off,
    void_whole,
)


@pytest.fixture
async def invoice(books: Books) -> Invoice:
    """$93.50 with GST are owed on it: one operator may write it off."""
    return await books.issued_invoice()


@pytest.fixture
async def large(books: Books) -> Invoice:
    """$330.00 of a client: a second operator has to agree."""
    (id_,) = await client_invoices(books, 30_000)
    return await books.invoice(id_)


class TestWithinTheLimit:
    async def test_is_in_the_books_at_once(self, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 1_350, "bank 1")
        written = await ask_to_write_off(books, invoice.id, notes="The company is wound up")
        assert (written.state, written.amount_cents, written.gst_cents) == (WriteOffState.APPROVED, 8_000, 727)
        after = await books.invoice(invoice.id)
        assert (after.status, after.balance_cents, after.paid_at) == (InvoiceStatus.WRITTEN_OFF, 0, None)
        (event,) = await books.published("invoice.written_off")
        assert (event["amount_cents"], event["gst_cents"], event["reason_code"]) == (8_000, 727, "insolvent")
        assert await books.published("invoice.paid") == []
        assert await books.trial_balance() == {
            "cash": 1_350,
            "revenue": -8_500,
            "gst_payable": 727 - 850,
            "bad_debts": 7_273,
        }

    async def test_all_of_it_takes_exactly_its_gst_with_credits_and_debits(
        self, books: Books, invoice: Invoice
    ) -> None:
        await books.credit(invoice.id, 1_005)
        written = await ask_to_write_off(books, invoice.id)
        assert (written.amount_cents, written.gst_cents) == (8_244, 749)
        assert (await books.trial_balance()).get("gst_payable") is None

    async def test_reversed_is_owed_again_and_can_be_paid(self, books: Books, invoice: Invoice) -> None:
        written = await ask_to_write_off(books, invoice.id)
        for _ in range(2):
            await undo_write_off(books, written.id)
        after = await books.invoice(invoice.id)
        assert (after.status, after.balance_cents) == (InvoiceStatus.ISSUED, 9_350)
        (event,) = await books.published("invoice.write_off_reversed")
        assert (event["balance_cents"], event["write_off_id"]) == (9_350, str(written.id))
        await books.pay(invoice.id, 9_350, "bank 1")
        assert len(await books.published("invoice.paid")) == 1
        assert await books.trial_balance() == {"cash": 9_350, "revenue": -8_500, "gst_payable": -850}

    async def test_a_payment_that_bounced_since_is_owed_beside_it(self, books: Books, invoice: Invoice) -> None:
        paid = await books.pay(invoice.id, 1_350, "bank 1")
        await ask_to_write_off(books, invoice.id)
        await take_payment_back(books, paid.payment.id)
        after = await books.invoice(invoice.id)
        assert (after.status, after.balance_cents) == (InvoiceStatus.ISSUED, 1_350)
        with pytest.raises(WriteOffStands):
            await ask_to_write_off(books, invoice.id)

    async def test_twice_under_one_id_is_once(self, books: Books, invoice: Invoice) -> None:
        id_ = new_id()
        for _ in range(2):
            await ask_to_write_off(books, invoice.id, write_off_id=id_)
        assert len(await books.published("invoice.written_off")) == 1
        with pytest.raises(WriteOffIdTaken):
            await ask_to_write_off(books, invoice.id, write_off_id=id_, reason=WriteOffReason.OTHER)

    async def test_what_stands_keeps_its_invoice_as_it_is(self, books: Books, invoice: Invoice) -> None:
        """Money and notes would be reckoned against an amount that nobody waits for."""
        await ask_to_write_off(books, invoice.id)
        with pytest.raises(InvoiceWrittenOff):
            await books.pay(invoice.id, 100, "bank 1")
        with pytest.raises(InvoiceWrittenOff):
            async with books.unit() as session:
                await mark_paid(session, MarkPaid(invoice.id, NOW, PaymentMethod.CASH, "Robin Field"), NOW)
        with pytest.raises(InvoiceWrittenOff):
            await books.credit(invoice.id, 100)
        with pytest.raises(InvoiceWrittenOff):
            debit = {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.PRICE_CORRECTION}
            await books.credit(invoice.id, 100, **debit)
        with pytest.raises(InvoiceWrittenOff):
            await void_whole(books, invoice.id)

    async def test_what_stripe_takes_all_the_same_is_the_customers(self, books: Books, invoice: Invoice) -> None:
        await ask_to_write_off(books, invoice.id)
        at_stripe = {"method": PaymentMethod.STRIPE, "external_payment_ref": "pi_123456", "excess_to_credit": True}
        await books.pay(invoice.id, 9_350, "card", **at_stripe)
        assert (await books.trial_balance())["customer_credit"] == -9_350
        assert (await books.invoice(invoice.id)).status is InvoiceStatus.WRITTEN_OFF

    async def test_of_what_owes_nothing_is_refused(self, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 9_350, "bank 1")
        with pytest.raises(NothingOwed):
            await ask_to_write_off(books, invoice.id)
        with pytest.raises(NotIssued):
            await ask_to_write_off(books, await books.board_draft())


class TestOverTheLimit:
    async def test_waits_for_another_operator(self, books: Books, large: Invoice) -> None:
        written = await ask_to_write_off(books, large.id)
        assert (written.state, (await books.invoice(large.id)).balance_cents) == (WriteOffState.PENDING, 33_000)
        assert await books.published("invoice.written_off") == []
        (asked,) = await books.published("invoice.write_off_asked")
        assert (asked["state"], asked["amount_cents"], asked["gst_cents"]) == ("pending", 33_000, 3_000)
        with pytest.raises(MakerCannotApprove):
            await approve_writing_off(books, written.id, MAKER)
        with pytest.raises(WriteOffDecided, match=WriteOffObstacle.PENDING):
            await undo_write_off(books, written.id)
        for _ in range(2):
            approved = await approve_writing_off(books, written.id)
        assert (approved.state, approved.gst_cents, approved.decided_by_name) == (
            WriteOffState.APPROVED,
            3_000,
            "Chris Checker",
        )
        assert (await books.invoice(large.id)).status is InvoiceStatus.WRITTEN_OFF
        with pytest.raises(WriteOffDecided):
            await reject_writing_off(books, written.id)

    async def test_turned_down_leaves_room_for_another(self, books: Books, large: Invoice) -> None:
        written = await ask_to_write_off(books, large.id)
        with pytest.raises(WriteOffStands):
            await ask_to_write_off(books, large.id)
        for _ in range(2):
            assert (await reject_writing_off(books, written.id)).state is WriteOffState.REJECTED
        with pytest.raises(WriteOffDecided):
            await approve_writing_off(books, written.id)
        assert (await ask_to_write_off(books, large.id)).state is WriteOffState.PENDING
        told = await books.published("invoice.write_off_asked")
        assert [event["state"] for event in told] == ["pending", "rejected", "pending"]
        with pytest.raises(WriteOffNotFound):
            await approve_writing_off(books, new_id())

    async def test_is_of_what_is_owed_when_it_is_agreed_to(self, books: Books, large: Invoice) -> None:
        written = await ask_to_write_off(books, large.id)
        await books.pay(large.id, 1, "bank 1")
        with pytest.raises(OwedOtherwise):
            await approve_writing_off(books, written.id)

    async def test_of_an_invoice_that_is_voided_is_turned_down(self, books: Books, large: Invoice) -> None:
        written = await ask_to_write_off(books, large.id)
        await void_whole(books, large.id)
        state = await books.value("SELECT state FROM write_offs WHERE id = :id", id=written.id)
        assert state == WriteOffState.REJECTED
        told = await books.published("invoice.write_off_asked")
        assert [event["state"] for event in told] == ["pending", "rejected"]
