"""Receipts: one sum over several invoices, the oldest first or as it is said, and the rest kept for the customer."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from chassis.ids import new_id
from services.billing.domain.allocation import Owed, oldest_first, rest_of
from services.billing.domain.statuses import InvoiceStatus, PaymentMethod
from services.billing.errors import (
    AccountNotFound,
    InvoiceNotFound,
    InvoiceOfAnotherAccount,
    NotIssued,
    PaymentExceedsBalance,
    PaymentReferenceTaken,
    ReceivedInTheFuture,
    SplitExceedsReceipt,
    StripePaymentIdMissing,
)
from tests.billing.arrangements import NOW, Books
from tests.billing.arrangements_settlement import client_invoices, receive, void_whole


def test_oldest_first_pays_whole_invoices_and_a_part_of_the_next() -> None:
    ids = [UUID(int=number) for number in range(4)]
    owed = [
        Owed(ids[0], "WB-3", NOW, 500),
        Owed(ids[1], "WB-1", NOW + timedelta(days=1), 300),
        Owed(ids[2], "WB-2", NOW, 200),
        Owed(ids[3], "WB-4", NOW + timedelta(days=2), 100),
    ]
    assert list(oldest_first(900, owed).items()) == [(ids[2], 200), (ids[0], 500), (ids[1], 200)]
    assert oldest_first(1, owed) == {ids[2]: 1}
    assert rest_of(5_000, oldest_first(5_000, owed)) == 3_900
    assert oldest_first(100, []) == {}


@dataclass(frozen=True)
class Client:
    """Three issued invoices of $110.00, due one after the other."""

    books: Books
    account_id: UUID
    invoice_ids: list[UUID]

    async def balances(self) -> list[int]:
        return [(await self.books.invoice(id_)).balance_cents for id_ in self.invoice_ids]

    async def credit(self) -> int:
        query = "SELECT customer_credit_cents FROM accounts WHERE id = :id"
        return int(await self.books.value(query, id=self.account_id))


@pytest.fixture
async def client(books: Books) -> Client:
    ids = await client_invoices(books, 10_000, 10_000, 10_000)
    return Client(books, (await books.invoice(ids[0])).account_id, ids)


class TestRecordReceipt:
    async def test_pays_the_oldest_first_and_tells_each(self, client: Client) -> None:
        recorded = await receive(client.books, client.account_id, 15_000)
        assert await client.balances() == [0, 7_000, 11_000]
        assert (recorded.is_new, recorded.receipt.rest_cents) == (True, 0)
        events = [event["type"] for event in (await client.books.published())[-4:]]
        assert events == [
            "payment.received",
            "invoice.payment_recorded",
            "invoice.paid",
            "invoice.payment_recorded",
        ]
        assert await client.books.trial_balance() == {
            "receivable": 18_000,
            "revenue": -30_000,
            "gst_payable": -3_000,
            "cash": 15_000,
        }

    async def test_pays_as_it_is_said_and_keeps_the_rest(self, client: Client) -> None:
        parts = {client.invoice_ids[2]: 11_000, client.invoice_ids[0]: 1_000}
        recorded = await receive(client.books, client.account_id, 12_500, parts)
        assert await client.balances() == [10_000, 11_000, 0]
        assert await client.credit() == recorded.receipt.rest_cents == 500
        (event,) = await client.books.published("payment.received")
        assert (event["amount_cents"], event["rest_cents"], event["subject_id"]) == (
            12_500,
            500,
            str(recorded.receipt.id),
        )
        assert (await client.books.trial_balance())["customer_credit"] == -500

    async def test_beyond_all_that_is_owed_is_the_customers(self, client: Client) -> None:
        await receive(client.books, client.account_id, 50_000)
        assert await client.balances() == [0, 0, 0]
        assert await client.credit() == 17_000
        recorded = await receive(client.books, client.account_id, 100, {})
        assert (recorded.payments, recorded.receipt.rest_cents) == ([], 100)

    async def test_at_stripe_lies_there(self, client: Client) -> None:
        await receive(
            client.books, client.account_id, 12_000, method=PaymentMethod.STRIPE, external_payment_ref="pi_123456"
        )
        assert (await client.books.trial_balance())["stripe_clearing"] == 12_000

    async def test_told_again_by_stripe_it_is_the_same_money(self, client: Client) -> None:
        first = client.invoice_ids[0]
        at_stripe = {"method": PaymentMethod.STRIPE, "external_payment_ref": "pi_123456"}
        await receive(client.books, client.account_id, 12_000, {first: 11_000}, **at_stripe)
        told = await client.books.pay(first, 11_000, "card", **at_stripe)
        assert not told.is_new
        with pytest.raises(PaymentReferenceTaken):
            await client.books.pay(first, 10_999, "card", excess_to_credit=True, **at_stripe)

    async def test_twice_under_one_reference_is_once(self, client: Client) -> None:
        first = await receive(client.books, client.account_id, 12_000, reference="bank 1")
        second = await receive(client.books, client.account_id, 12_000, reference="bank 1")
        assert (second.is_new, second.receipt.id) == (False, first.receipt.id)
        assert {payment.id for payment in second.payments} == {payment.id for payment in first.payments}
        with pytest.raises(PaymentReferenceTaken):
            await receive(client.books, client.account_id, 12_001, reference="bank 1")

    async def test_under_the_reference_of_a_payment_is_refused(self, client: Client) -> None:
        await client.books.pay(client.invoice_ids[0], 100, "bank 1")
        with pytest.raises(PaymentReferenceTaken):
            await receive(client.books, client.account_id, 100, reference="bank 1")

    async def test_refuses_what_cannot_be(self, client: Client) -> None:
        books, first = client.books, client.invoice_ids[0]
        (others,) = await client_invoices(books, 10_000)
        draft = await books.board_draft()
        with pytest.raises(SplitExceedsReceipt, match=r"\$1\.00 more than the \$10\.00"):
            await receive(books, client.account_id, 1_000, {first: 1_100})
        with pytest.raises(PaymentExceedsBalance):
            await receive(books, client.account_id, 20_000, {first: 11_001})
        with pytest.raises(InvoiceOfAnotherAccount):
            await receive(books, client.account_id, 1_000, {others: 1_000})
        with pytest.raises(InvoiceNotFound):
            await receive(books, client.account_id, 1_000, {new_id(): 1_000})
        with pytest.raises(AccountNotFound):
            await receive(books, new_id(), 1_000)
        with pytest.raises(ReceivedInTheFuture):
            await receive(books, client.account_id, 1_000, received_at=NOW + timedelta(seconds=1))
        with pytest.raises(StripePaymentIdMissing):
            await receive(books, client.account_id, 1_000, method=PaymentMethod.STRIPE)
        with pytest.raises(NotIssued):
            await receive(books, (await books.invoice(draft)).account_id, 1_000, {draft: 1_000})
        await void_whole(books, client.invoice_ids[1])
        assert (await books.invoice(client.invoice_ids[1])).status is InvoiceStatus.VOID
        await receive(books, client.account_id, 22_000)
        assert await client.balances() == [0, 11_000, 0]
