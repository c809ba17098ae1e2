"""Payments: partial and whole, each reference once, never more than is owed, paid said once."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.values import AdjustmentType
from services.billing.commands.payments import MarkPaid, mark_paid
from services.billing.domain.adjustments import DebitReason
from services.billing.domain.statuses import InvoiceStatus, PaymentMethod
from services.billing.errors import (
    NotIssued,
    PaymentExceedsBalance,
    PaymentReferenceTaken,
    ReceivedInTheFuture,
    StripePaymentIdMissing,
)
from services.billing.models import Invoice
from services.billing.queries import journal
from tests.billing.arrangements import NOW, Books


@pytest.fixture
async def invoice(books: Books) -> Invoice:
    """$93.50 with GST are owed on it."""
    return await books.issued_invoice()


class TestRecordPayment:
    async def test_a_part_leaves_the_rest_to_pay(self, books: Books, invoice: Invoice) -> None:
        recorded = await books.pay(invoice.id, 3_350, "bank 1")
        assert recorded.invoice.balance_cents == 6_000
        assert (await books.invoice(invoice.id)).status is InvoiceStatus.PARTIALLY_PAID
        (event,) = await books.published("invoice.payment_recorded")
        assert (event["amount_cents"], event["balance_cents"], event["method"]) == (3_350, 6_000, "bank_transfer")
        assert await books.published("invoice.paid") == []

    async def test_the_last_part_pays_it_and_says_so_once(self, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 3_350, "bank 1")
        await books.pay(invoice.id, 6_000, "bank 2")
        paid = await books.invoice(invoice.id)
        assert (paid.status, paid.balance_cents, paid.paid_at) == (InvoiceStatus.PAID, 0, NOW)
        (event,) = await books.published("invoice.paid")
        assert (event["total_cents"], event["number"]) == (9_350, "WB-000001")

    async def test_posts_cash_or_stripe_clearing_against_the_receivable(self, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 350, "bank 1")
        await books.pay(invoice.id, 9_000, "card", method=PaymentMethod.STRIPE, external_payment_ref="pi_123456")
        balances = await books.trial_balance()
        assert balances == {"cash": 350, "stripe_clearing": 9_000, "revenue": -8_500, "gst_payable": -850}

    async def test_twice_under_one_reference_is_once(self, books: Books, invoice: Invoice) -> None:
        first = await books.pay(invoice.id, 350, "bank 1")
        second = await books.pay(invoice.id, 350, "bank 1")
        assert (second.is_new, second.payment.id) == (False, first.payment.id)
        assert len(await books.published("invoice.payment_recorded")) == 1

    async def test_another_payment_under_a_reference_is_told(self, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 350, "bank 1")
        with pytest.raises(PaymentReferenceTaken):
            await books.pay(invoice.id, 351, "bank 1")
        with pytest.raises(PaymentReferenceTaken):
            await books.pay((await books.issued_invoice()).id, 350, "bank 1")

    async def test_under_stripes_id_is_that_payment_and_no_other(self, books: Books, invoice: Invoice) -> None:
        first = await books.pay(invoice.id, 350, "bank 1", external_payment_ref="pi_123456")
        for again in ({"external_payment_ref": "pi_123456"}, {}):
            second = await books.pay(invoice.id, 350, "bank 1", **again)
            assert (second.is_new, second.payment.id) == (False, first.payment.id)
        with pytest.raises(PaymentReferenceTaken):
            await books.pay(invoice.id, 350, "bank 1", external_payment_ref="pi_234567")

    async def test_two_payments_under_the_references_of_one_are_told(self, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 350, "bank 1", external_payment_ref="pi_123456")
        await books.pay(invoice.id, 350, "bank 2", external_payment_ref="pi_234567")
        with pytest.raises(PaymentReferenceTaken):
            await books.pay(invoice.id, 350, "bank 1", external_payment_ref="pi_234567")
        await books.pay(invoice.id, 350, "bank 3")
        with pytest.raises(PaymentReferenceTaken):
            await books.pay(invoice.id, 350, "bank 3", external_payment_ref="pi_345678")

    async def test_what_has_stripes_id_lies_at_stripe_whatever_it_was_paid_with(
        self, books: Books, invoice: Invoice
    ) -> None:
        await books.pay(invoice.id, 350, "bank 1", external_payment_ref="py_123456")
        assert (await books.trial_balance())["stripe_clearing"] == 350

    async def test_refuses_more_than_is_owed(self, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 350, "bank 1")
        with pytest.raises(PaymentExceedsBalance, match=r"\$90\.01 was given and \$90\.00 is owed"):
            await books.pay(invoice.id, 9_001, "bank 2")

    async def test_refuses_what_has_not_come_in_yet(self, books: Books, invoice: Invoice) -> None:
        with pytest.raises(ReceivedInTheFuture):
            await books.pay(invoice.id, 350, "bank 1", received_at=NOW + timedelta(seconds=1))

    async def test_refuses_a_draft(self, books: Books) -> None:
        draft = await books.draft_of(await books.priced_installer())
        with pytest.raises(NotIssued):
            await books.pay(draft, 350, "bank 1")

    async def test_a_debit_after_the_last_payment_owes_again_and_paid_is_not_said_twice(
        self, books: Books, invoice: Invoice
    ) -> None:
        await books.pay(invoice.id, 9_350, "bank 1")
        await books.credit(
            invoice.id, 1_000, type=AdjustmentType.DEBIT, reason_code=DebitReason.PRICE_CORRECTION, notes="Late lead"
        )
        assert (await books.invoice(invoice.id)).status is InvoiceStatus.PARTIALLY_PAID
        await books.pay(invoice.id, 1_100, "bank 2")
        assert (await books.invoice(invoice.id)).status is InvoiceStatus.PAID
        assert len(await books.published("invoice.paid")) == 1


class TestMarkPaid:
    async def mark(self, books: Books, invoice: Invoice, **changed: Any) -> Invoice:
        command: dict[str, Any] = {"method": PaymentMethod.BANK_TRANSFER, "by": "Robin Field", **changed}
        async with books.unit() as session:
            return await mark_paid(session, MarkPaid(invoice_id=invoice.id, received_at=NOW, **command), NOW)

    async def test_under_the_reference_of_an_earlier_part_is_told(self, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 4_675, "bank 1")
        with pytest.raises(PaymentReferenceTaken, match="still owed"):
            await self.mark(books, invoice, reference="bank 1")
        assert (await books.invoice(invoice.id)).balance_cents == 4_675

    async def test_at_stripe_names_stripes_id(self, books: Books, invoice: Invoice) -> None:
        with pytest.raises(StripePaymentIdMissing):
            await self.mark(books, invoice, method=PaymentMethod.STRIPE, reference="by card")
        paid = await self.mark(books, invoice, method=PaymentMethod.STRIPE, external_payment_ref="pi_123456")
        assert paid.status is InvoiceStatus.PAID
        assert (await books.trial_balance())["stripe_clearing"] == 9_350

    async def test_pays_the_rest_under_a_reference_of_ours(self, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 350, "bank 1")
        assert (await self.mark(books, invoice)).status is InvoiceStatus.PAID
        assert await books.value("SELECT reference FROM payments WHERE amount_cents = 9000") == "WB-000001/2"

    async def test_twice_is_once(self, books: Books, invoice: Invoice) -> None:
        await self.mark(books, invoice)
        await self.mark(books, invoice)
        assert await books.value("SELECT count(*) FROM payments") == 1
        assert len(await books.published("invoice.paid")) == 1

    async def test_refuses_a_draft(self, books: Books) -> None:
        draft = await books.invoice(await books.draft_of(await books.priced_installer()))
        with pytest.raises(NotIssued):
            await self.mark(books, draft)


async def test_the_receivable_of_the_books_is_what_the_invoices_owe(books: Books) -> None:
    first, second = await books.issued_invoice(), await books.issued_invoice()
    await books.issued_invoice()
    await books.pay(first.id, 9_350, "bank 1")
    await books.pay(second.id, 350, "bank 2")
    await books.credit(second.id, 1_000)
    async with books.database.reading() as session:
        control = await journal.receivable_control(session)
    assert control.ties
    assert control.ledger_cents == control.invoices_cents == 9_350 + 9_000 - 1_100
