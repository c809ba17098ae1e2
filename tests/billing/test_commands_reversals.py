"""What takes money back: of a payment, of a receipt in one act, of its rest, and of credit that was applied."""

from uuid import UUID

import pytest

from chassis.ids import new_id
from services.billing.domain.settlement import ReversalReason
from services.billing.domain.statuses import InvoiceStatus, PaymentMethod
from services.billing.errors import (
    CreditApplicationNotFound,
    CreditCameBack,
    CustomerCreditSpent,
    PaymentNotFound,
    ReceiptNotFound,
    ReversalIdTaken,
    ReversalReferenceTaken,
    ReversalTooLarge,
)
from services.billing.models import Invoice
from tests.billing.arrangements import CHECKER, NOW, Books
from tests.billing.arrangements_settlement import (
    apply_credit,
    client_invoices,
    receive,
    take_payment_back,
    take_receipt_back,
    take_rest_back,
    unapply,
    void_whole,
)


@pytest.fixture
async def invoice(books: Books) -> Invoice:
    """$93.50 with GST are owed on it."""
    return await books.issued_invoice()


async def credit_of(books: Books, account_id: UUID) -> int:
    return int(await books.value("SELECT customer_credit_cents FROM accounts WHERE id = :id", id=account_id))


class TestReversePayment:
    async def test_is_owed_again_and_told_as_paid_no_more(self, books: Books, invoice: Invoice) -> None:
        paid = await books.pay(invoice.id, 9_350, "bank 1")
        taken = await take_payment_back(books, paid.payment.id)
        after = await books.invoice(invoice.id)
        assert (after.status, after.balance_cents, after.paid_at) == (InvoiceStatus.ISSUED, 9_350, None)
        (event,) = await books.published("invoice.payment_reversed")
        assert (event["amount_cents"], event["balance_cents"], event["was_paid"]) == (9_350, 9_350, True)
        assert (event["reason_code"], event["reversal_id"]) == ("bounced", str(taken.reversals[0].id))
        assert await books.trial_balance() == {"receivable": 9_350, "revenue": -8_500, "gst_payable": -850}

    async def test_a_part_of_it(self, books: Books, invoice: Invoice) -> None:
        paid = await books.pay(invoice.id, 9_000, "bank 1")
        await take_payment_back(books, paid.payment.id, 1_000)
        after = await books.invoice(invoice.id)
        assert (after.status, after.balance_cents) == (InvoiceStatus.PARTIALLY_PAID, 1_350)
        (event,) = await books.published("invoice.payment_reversed")
        assert event["was_paid"] is False
        with pytest.raises(ReversalTooLarge, match=r"\$80\.00 is left"):
            await take_payment_back(books, paid.payment.id, 8_001)
        await take_payment_back(books, paid.payment.id)
        with pytest.raises(ReversalTooLarge):
            await take_payment_back(books, paid.payment.id)

    async def test_paid_again_is_told_again(self, books: Books, invoice: Invoice) -> None:
        paid = await books.pay(invoice.id, 9_350, "bank 1")
        await take_payment_back(books, paid.payment.id)
        await books.pay(invoice.id, 9_350, "bank 2")
        assert len(await books.published("invoice.paid")) == 2

    async def test_what_was_too_much_goes_first(self, books: Books, invoice: Invoice) -> None:
        paid = await books.pay(invoice.id, 10_000, "bank 1", excess_to_credit=True)
        await take_payment_back(books, paid.payment.id, 650, reason=ReversalReason.REFUNDED)
        after = await books.invoice(invoice.id)
        assert (after.status, after.paid_at, await credit_of(books, after.account_id)) == (InvoiceStatus.PAID, NOW, 0)
        assert (await books.trial_balance()) == {"cash": 9_350, "revenue": -8_500, "gst_payable": -850}

    async def test_goes_out_of_where_it_lay(self, books: Books, invoice: Invoice) -> None:
        at_stripe = {"method": PaymentMethod.STRIPE, "external_payment_ref": "pi_123456"}
        paid = await books.pay(invoice.id, 9_350, "card", **at_stripe)
        await take_payment_back(books, paid.payment.id, 350, external_ref="re_123456")
        assert (await books.trial_balance())["stripe_clearing"] == 9_000
        with pytest.raises(ReversalReferenceTaken):
            await take_payment_back(books, paid.payment.id, 350, external_ref="re_123456")

    async def test_twice_under_one_id_is_once(self, books: Books, invoice: Invoice) -> None:
        paid, id_ = await books.pay(invoice.id, 9_350, "bank 1"), new_id()
        assert (await take_payment_back(books, paid.payment.id, 350, reversal_id=id_)).is_new
        assert not (await take_payment_back(books, paid.payment.id, 350, reversal_id=id_, by=CHECKER)).is_new
        assert (await books.invoice(invoice.id)).balance_cents == 350
        with pytest.raises(ReversalIdTaken):
            await take_payment_back(books, paid.payment.id, 351, reversal_id=id_)
        with pytest.raises(PaymentNotFound):
            await take_payment_back(books, new_id())

    async def test_of_a_void_invoice_takes_the_customers_credit(self, books: Books, invoice: Invoice) -> None:
        await void_whole(books, invoice.id)
        paid = await books.pay(invoice.id, 9_350, "bank 1", excess_to_credit=True)
        await take_payment_back(books, paid.payment.id)
        assert await books.trial_balance() == {}
        assert await credit_of(books, invoice.account_id) == 0

    async def test_leaves_an_invoice_that_can_be_voided(self, books: Books, invoice: Invoice) -> None:
        paid = await books.pay(invoice.id, 9_350, "bank 1")
        await take_payment_back(books, paid.payment.id, reason=ReversalReason.ENTERED_IN_ERROR)
        assert (await void_whole(books, invoice.id)).status is InvoiceStatus.VOID
        assert await books.trial_balance() == {}


class TestReverseReceipt:
    async def test_takes_all_of_it_back_in_one_act(self, books: Books) -> None:
        ids = await client_invoices(books, 10_000, 10_000)
        account_id = (await books.invoice(ids[0])).account_id
        recorded = await receive(books, account_id, 25_000)
        id_ = new_id()
        taken = await take_receipt_back(books, recorded.receipt.id, reversal_id=id_)
        assert (taken.amount_cents, len(taken.reversals)) == (25_000, 3)
        assert [(await books.invoice(each)).balance_cents for each in ids] == [11_000, 11_000]
        assert await credit_of(books, account_id) == 0
        assert "cash" not in await books.trial_balance()
        assert [event["was_paid"] for event in await books.published("invoice.payment_reversed")] == [True, True]
        again = await take_receipt_back(books, recorded.receipt.id, reversal_id=id_)
        assert (again.is_new, again.amount_cents) == (False, 25_000)
        with pytest.raises(ReversalTooLarge):
            await take_receipt_back(books, recorded.receipt.id)
        with pytest.raises(ReceiptNotFound):
            await take_receipt_back(books, new_id())

    async def test_takes_what_is_left_of_it(self, books: Books) -> None:
        (id_,) = await client_invoices(books, 10_000)
        account_id = (await books.invoice(id_)).account_id
        recorded = await receive(books, account_id, 15_000)
        await take_payment_back(books, recorded.payments[0].id, 1_000)
        await take_rest_back(books, recorded.receipt.id, 500, reason=ReversalReason.REFUNDED)
        taken = await take_receipt_back(books, recorded.receipt.id)
        assert sorted(row.amount_cents for row in taken.reversals) == [3_500, 10_000]

    async def test_whose_rest_pays_for_an_invoice_waits_until_that_is_taken_back(self, books: Books) -> None:
        ids = await client_invoices(books, 10_000, 10_000)
        account_id = (await books.invoice(ids[0])).account_id
        recorded = await receive(books, account_id, 15_000, {ids[0]: 11_000})
        await apply_credit(books, ids[1], 3_000, id_ := new_id())
        with pytest.raises(CustomerCreditSpent, match=r"\$10\.00 with us"):
            await take_receipt_back(books, recorded.receipt.id)
        assert (await unapply(books, id_)).balance_cents == 11_000
        await take_receipt_back(books, recorded.receipt.id)
        assert await credit_of(books, account_id) == 0


class TestUnapplyCredit:
    @pytest.fixture
    async def applied(self, books: Books) -> tuple[Invoice, UUID]:
        """$110.00 owed, of which the customer's credit paid all."""
        (id_,) = await client_invoices(books, 10_000)
        invoice = await books.invoice(id_)
        await receive(books, invoice.account_id, 12_000, {})
        await apply_credit(books, id_, 11_000, application_id := new_id())
        return invoice, application_id

    async def test_is_owed_again_once(self, books: Books, applied: tuple[Invoice, UUID]) -> None:
        invoice, application_id = applied
        for _ in range(2):
            after = await unapply(books, application_id)
            assert (after.status, after.balance_cents, after.paid_at) == (InvoiceStatus.ISSUED, 11_000, None)
        assert await credit_of(books, invoice.account_id) == 12_000
        (event,) = await books.published("invoice.credit_unapplied")
        assert (event["amount_cents"], event["balance_cents"]) == (11_000, 11_000)

    async def test_what_a_credit_note_left_is_not_left_twice(self, books: Books, applied: tuple[Invoice, UUID]) -> None:
        invoice, application_id = applied
        await books.credit(invoice.id, 1_000)
        with pytest.raises(CreditCameBack, match=r"only \$99\.00 still pays"):
            await unapply(books, application_id)
        with pytest.raises(CreditApplicationNotFound):
            await unapply(books, new_id())
