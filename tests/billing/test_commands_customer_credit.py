"""Money beyond what is owed: it is the customer's, stands in the books as such, and pays for another invoice."""

import asyncio
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.values import AdjustmentType
from services.billing.domain.adjustments import DebitReason
from services.billing.domain.periods import Period
from services.billing.domain.statuses import InvoiceStatus
from services.billing.errors import (
    CreditApplicationIdTaken,
    HasPayments,
    NoCustomerCredit,
    NotIssued,
    PaymentExceedsBalance,
)
from services.billing.models import Invoice
from services.billing.queries import journal
from tests.billing.arrangements import SYDNEY, Books, sent
from tests.billing.arrangements_settlement import apply_credit, client_invoices, void_whole
from tests.billing.arrangements_stripe import pay_at_stripe


@pytest.fixture
async def invoice(books: Books) -> Invoice:
    """$93.50 with GST are owed on it."""
    return await books.issued_invoice()


async def credit_of(books: Books, account_id: UUID) -> int:
    """What the account says; the books have to say the same."""
    async with books.database.reading() as session:
        control = await journal.customer_credit_control(session)
        assert control.ties, control
    cents = await books.value("SELECT customer_credit_cents FROM accounts WHERE id = :id", id=account_id)
    return int(cents)


class TestOverPayment:
    async def test_pays_what_is_owed_and_leaves_the_rest_to_the_customer(self, books: Books, invoice: Invoice) -> None:
        await books.credit(invoice.id, 1_000)
        recorded = await pay_at_stripe(books, invoice.id, 9_350)
        assert recorded.payment.amount_cents == 9_350
        after = await books.invoice(invoice.id)
        assert (after.status, after.balance_cents, after.paid_cents) == (InvoiceStatus.PAID, 0, 9_350)
        assert (after.customer_credit_cents, after.settled_cents) == (1_100, 8_250)
        assert await credit_of(books, invoice.account_id) == 1_100
        assert await books.trial_balance() == {
            "stripe_clearing": 9_350,
            "customer_credit": -1_100,
            "credits_given": 1_000,
            "revenue": -8_500,
            "gst_payable": -750,
        }
        (event,) = await books.published("invoice.payment_recorded")
        assert (event["amount_cents"], event["balance_cents"], event["customer_credit_cents"]) == (9_350, 0, 1_100)
        (paid,) = await books.published("invoice.paid")
        assert paid["total_cents"] == 8_250

    async def test_of_what_is_paid_already_is_the_customers_whole(self, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 9_350, "bank 1")
        await pay_at_stripe(books, invoice.id, 9_350)
        assert await credit_of(books, invoice.account_id) == 9_350
        assert len(await books.published("invoice.paid")) == 1

    async def test_of_a_void_invoice_is_the_customers_whole(self, books: Books, invoice: Invoice) -> None:
        await void_whole(books, invoice.id)
        await pay_at_stripe(books, invoice.id, 9_350)
        after = await books.invoice(invoice.id)
        assert (after.status, after.paid_cents, after.customer_credit_cents) == (InvoiceStatus.VOID, 9_350, 9_350)
        assert await books.trial_balance() == {"stripe_clearing": 9_350, "customer_credit": -9_350}
        assert await credit_of(books, invoice.account_id) == 9_350
        assert await books.published("invoice.paid") == []

    async def test_by_hand_is_refused_unless_it_is_meant(self, books: Books, invoice: Invoice) -> None:
        with pytest.raises(PaymentExceedsBalance):
            await books.pay(invoice.id, 93_500, "bank 1")
        await books.pay(invoice.id, 10_000, "bank 1", excess_to_credit=True)
        assert await credit_of(books, invoice.account_id) == 650
        await void_whole(books, other := (await books.issued_invoice()).id)
        with pytest.raises(NotIssued):
            await books.pay(other, 100, "bank 2")
        await books.pay(other, 100, "bank 2", excess_to_credit=True)

    async def test_of_a_draft_is_refused(self, books: Books) -> None:
        draft = await books.draft_of(await books.priced_installer())
        with pytest.raises(NotIssued):
            await books.pay(draft, 100, "bank 1", excess_to_credit=True)


class TestCreditBeyondTheBalance:
    async def test_of_a_paid_invoice_leaves_its_money_to_the_customer(self, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 9_350, "bank 1")
        await books.credit(invoice.id, None)
        after = await books.invoice(invoice.id)
        assert (after.status, after.balance_cents, after.settled_cents) == (InvoiceStatus.PAID, 0, 0)
        assert await credit_of(books, invoice.account_id) == 9_350
        assert await books.trial_balance() == {
            "cash": 9_350,
            "customer_credit": -9_350,
            "credits_given": 8_500,
            "revenue": -8_500,
        }
        (event,) = await books.published("invoice.adjusted")
        assert (event["balance_cents"], event["customer_credit_cents"]) == (0, 9_350)

    async def test_of_a_part_paid_one_pays_it_and_leaves_the_rest(self, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 9_000, "bank 1")
        await books.credit(invoice.id, 1_000)
        assert (await books.invoice(invoice.id)).status is InvoiceStatus.PAID
        assert await credit_of(books, invoice.account_id) == 750
        assert len(await books.published("invoice.paid")) == 1

    async def test_a_debit_after_it_is_owed_again(self, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 9_350, "bank 1")
        await books.credit(invoice.id, 1_000)
        await books.credit(
            invoice.id, 1_000, type=AdjustmentType.DEBIT, reason_code=DebitReason.CREDIT_REVERSED, notes="It was right"
        )
        after = await books.invoice(invoice.id)
        assert (after.status, after.balance_cents) == (InvoiceStatus.PARTIALLY_PAID, 1_100)
        assert (await apply_credit(books, invoice.id)).status is InvoiceStatus.PAID
        assert await credit_of(books, invoice.account_id) == 0
        assert "customer_credit" not in await books.trial_balance()


class TestApplyCredit:
    @pytest.fixture
    async def owed(self, books: Books, invoice: Invoice) -> Invoice:
        """$93.50 of a customer who has $100.00 with us."""
        await books.pay(invoice.id, 19_350, "bank 1", excess_to_credit=True)
        april = Period.of_month("2026-04", SYDNEY)
        await books.deliver(sent(invoice.account_id, april.start))
        books.clock.instant = april.end
        (result,) = await books.drafts(april)
        assert result.invoice_id is not None
        return await books.issue(result.invoice_id)

    async def test_pays_as_far_as_it_goes(self, books: Books, owed: Invoice) -> None:
        paid = await apply_credit(books, owed.id)
        assert (paid.status, paid.balance_cents, paid.paid_cents) == (InvoiceStatus.PAID, 0, 0)
        assert (paid.customer_credit_cents, paid.settled_cents) == (-9_350, 9_350)
        assert await credit_of(books, owed.account_id) == 650
        (event,) = await books.published("invoice.credit_applied")
        assert (event["amount_cents"], event["balance_cents"]) == (9_350, 0)
        assert {event["invoice_id"] for event in await books.published("invoice.paid")} == {
            str(owed.id),
            str(await books.value("SELECT id FROM invoices WHERE period = '2026-03'")),
        }

    async def test_pays_a_part(self, books: Books, owed: Invoice) -> None:
        assert (await apply_credit(books, owed.id, 350)).status is InvoiceStatus.PARTIALLY_PAID
        assert await credit_of(books, owed.account_id) == 9_650

    async def test_twice_under_one_id_is_once(self, books: Books, owed: Invoice) -> None:
        id_ = new_id()
        for _ in range(2):
            assert (await apply_credit(books, owed.id, 350, id_)).balance_cents == 9_000
        assert len(await books.published("invoice.credit_applied")) == 1
        with pytest.raises(CreditApplicationIdTaken):
            await apply_credit(books, owed.id, 351, id_)

    async def test_never_more_than_there_is_or_than_is_owed(self, books: Books, owed: Invoice) -> None:
        with pytest.raises(NoCustomerCredit, match=r"\$93\.51 .* \$93\.50 is owed"):
            await apply_credit(books, owed.id, 9_351)
        await apply_credit(books, owed.id, 9_000)
        with pytest.raises(NoCustomerCredit):
            await apply_credit(books, owed.id, 351)
        await apply_credit(books, owed.id)
        with pytest.raises(NoCustomerCredit):
            await apply_credit(books, owed.id)

    async def test_of_another_customer_pays_nothing(self, books: Books, owed: Invoice) -> None:
        with pytest.raises(NoCustomerCredit):
            await apply_credit(books, (await books.issued_invoice()).id)

    async def test_of_what_is_not_issued_is_refused(self, books: Books, owed: Invoice) -> None:
        draft = await books.draft_of(await books.priced_installer())
        with pytest.raises(NotIssued):
            await apply_credit(books, draft)

    async def test_what_it_paid_cannot_be_voided(self, books: Books, owed: Invoice) -> None:
        await apply_credit(books, owed.id, 350)
        with pytest.raises(HasPayments):
            await void_whole(books, owed.id)

    async def test_what_came_back_of_it_lets_the_invoice_be_voided(self, books: Books, owed: Invoice) -> None:
        await apply_credit(books, owed.id)
        await books.credit(owed.id, None)
        assert await credit_of(books, owed.account_id) == 10_000
        await void_whole(books, owed.id)
        assert await books.trial_balance() == {
            "cash": 19_350,
            "customer_credit": -10_000,
            "revenue": -8_500,
            "gst_payable": -850,
        }


async def test_two_invoices_at_once_do_not_spend_it_twice(shared_books: Books) -> None:
    books = shared_books
    issued = await client_invoices(books, 10_000, 10_000, 10_000)
    first, *others = issued
    await books.pay(first, 11_000 + 15_000, "bank 1", excess_to_credit=True)
    outcomes = await asyncio.gather(*(apply_credit(books, id_, 11_000) for id_ in others), return_exceptions=True)
    assert sum(isinstance(outcome, Invoice) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, NoCustomerCredit) for outcome in outcomes) == 1
    account_id = (await books.invoice(first)).account_id
    assert await credit_of(books, account_id) == 4_000


async def test_all_of_it_at_once_ties(shared_books: Books) -> None:
    """Payments at Stripe, credits and debits of one customer's invoices, side by side."""
    books = shared_books
    invoices = await client_invoices(books, 10_000, 20_000, 15_000)
    twice = [*invoices, *invoices]
    await asyncio.gather(
        *(pay_at_stripe(books, id_, 12_000) for id_ in twice), *(books.credit(id_, 3_000) for id_ in twice)
    )
    account_id = (await books.invoice(invoices[0])).account_id
    totals = [11_000 - 6_600, 22_000 - 6_600, 16_500 - 6_600]
    assert await credit_of(books, account_id) == sum(24_000 - total for total in totals)
    assert sum((await books.trial_balance()).values()) == 0
