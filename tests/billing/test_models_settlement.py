"""Receipts, reversals and write-offs: what the database proves of them at commit, and what it never lets change."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from chassis.clock import FixedClock
from chassis.database import Database, create_engine
from chassis.ids import new_id
from deploy.local.postgres import ServiceDatabase
from services.billing.commands.customer_credit import ApplyCredit, apply_customer_credit
from services.billing.commands.journal import post
from services.billing.domain.journal import LedgerAccount, Posting, PostingKind, transfer, unapplied_entries
from services.billing.domain.settlement import WriteOffState
from services.billing.domain.statuses import PaymentMethod
from services.billing.models import Invoice
from services.billing.queries import accounts, invoices
from services.billing.queries.journal import CustomerCreditControl, customer_credit_control
from tests.billing.arrangements import NOW, Books, client_state
from tests.billing.arrangements_settlement import client_invoices
from tests.billing.taken_back import (
    payment_of,
    post_rest,
    receipt_of,
    record_receipt,
    reversal_of,
    reverse_payment,
    reverse_rest,
    reverse_write_off,
    unapply_credit,
    write,
    write_off,
    write_off_of,
)
from tests.billing.test_models import CHECK, NOT_GRANTED, UNIQUE, WRITTEN_ONCE, refused

UNDECIDED = {"state": WriteOffState.PENDING, "decided_by_id": None, "decided_by_name": None, "decided_at": None}


@dataclass(frozen=True)
class Settled:
    """A client with three issued invoices of $110.00: a receipt of $150.00 pays the first and a part of the second."""

    books: Books
    account_id: UUID
    invoice_ids: list[UUID]
    receipt_id: UUID

    async def payment(self, place: int) -> UUID:
        query = "SELECT id FROM payments WHERE invoice_id = :id"
        return UUID(str(await self.books.value(query, id=self.invoice_ids[place])))

    async def credit(self) -> int:
        query = "SELECT customer_credit_cents FROM accounts WHERE id = :id"
        return int(await self.books.value(query, id=self.account_id))

    async def invoice(self, place: int) -> Invoice:
        return await self.books.invoice(self.invoice_ids[place])


async def settle(books: Books) -> Settled:
    ids = await client_invoices(books, 10_000, 10_000, 10_000)
    account_id = (await books.invoice(ids[0])).account_id
    receipt_id = await record_receipt(books, account_id, {ids[0]: 11_000, ids[1]: 3_000}, 1_000)
    return Settled(books, account_id, ids, receipt_id)


@pytest.fixture
async def settled(books: Books) -> Settled:
    return await settle(books)


@pytest.fixture
async def owned(fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock) -> AsyncIterator[Settled]:
    """As the role that owns the tables, whom no missing grant stops."""
    database = Database(create_engine(fresh_database("billing").owner_url), "/waybill/billing")
    yield await settle(Books(database, clock))
    await database.close()


def state_of(fault: pytest.ExceptionInfo[DBAPIError]) -> str:
    return str(getattr(fault.value.orig, "sqlstate", ""))


def constraint_of(fault: pytest.ExceptionInfo[IntegrityError]) -> str:
    assert fault.value.orig is not None
    return str(getattr(fault.value.orig.__cause__, "constraint_name", ""))


class TestReceipts:
    async def test_pay_for_invoices_and_leave_their_rest_to_the_customer(self, settled: Settled) -> None:
        assert [(await settled.invoice(place)).balance_cents for place in range(3)] == [0, 8_000, 11_000]
        assert await settled.credit() == 1_000
        assert await settled.books.trial_balance() == {
            "receivable": 19_000,
            "revenue": -30_000,
            "gst_payable": -3_000,
            "cash": 15_000,
            "customer_credit": -1_000,
        }

    async def test_whose_rest_pays_for_another_invoice_tie_all_the_same(self, settled: Settled) -> None:
        async with settled.books.unit() as session:
            await apply_customer_credit(session, ApplyCredit(new_id(), settled.invoice_ids[2]), NOW)
        assert (await settled.invoice(2)).balance_cents == 10_000
        assert await settled.credit() == 0

    async def test_are_their_payments_and_their_rest(self, settled: Settled) -> None:
        with pytest.raises(DBAPIError, match="is not the sum of its payments and its rest") as fault:
            async with settled.books.unit() as session:
                invoice = await invoices.lock(session, settled.invoice_ids[2])
                session.add(receipt := receipt_of(settled.account_id, 5_000, 0))
                await session.flush()
                session.add(payment := payment_of(invoice, 4_999, receipt_id=receipt.id))
                invoice.paid_cents += 4_999
                await write(session, f"payment:{payment.id}", PostingKind.PAYMENT_RECEIVED, invoice, 4_999)
        assert state_of(fault) == CHECK

    async def test_take_no_payment_more(self, settled: Settled) -> None:
        with pytest.raises(DBAPIError, match="is not the sum of its payments and its rest"):
            async with settled.books.unit() as session:
                invoice = await invoices.lock(session, settled.invoice_ids[2])
                session.add(payment := payment_of(invoice, 1, receipt_id=settled.receipt_id))
                invoice.paid_cents += 1
                await write(session, f"payment:{payment.id}", PostingKind.PAYMENT_RECEIVED, invoice, 1)

    async def test_pay_for_invoices_of_their_own_account(self, settled: Settled) -> None:
        (others,) = await client_invoices(settled.books, 10_000)
        with pytest.raises(DBAPIError, match="pays for an invoice of another account"):
            await record_receipt(settled.books, settled.account_id, {others: 100}, 0)

    async def test_leave_what_the_journal_says(self, settled: Settled) -> None:
        """An account and a receipt that agree with each other do not do: the money must be in the books."""
        with pytest.raises(DBAPIError, match="the journal does not say"):
            async with settled.books.unit() as session:
                session.add(receipt_of(settled.account_id, 500, 500))
                (await accounts.lock_credit(session, settled.account_id)).customer_credit_cents += 500
                await session.flush()

    async def test_leave_what_the_account_has(self, settled: Settled) -> None:
        with pytest.raises(DBAPIError, match="is not the sum of what its invoices and receipts left"):
            async with settled.books.unit() as session:
                session.add(receipt := receipt_of(settled.account_id, 500, 500))
                entries = transfer(LedgerAccount.CASH, LedgerAccount.CUSTOMER_CREDIT, 500)
                key = f"receipt:{receipt.id}:rest"
                await post_rest(session, key, PostingKind.CASH_UNAPPLIED, settled.account_id, entries)

    async def test_a_credit_without_a_receipt_is_not_posted(self, settled: Settled) -> None:
        entries = transfer(LedgerAccount.CASH, LedgerAccount.CUSTOMER_CREDIT, 500)
        with pytest.raises(DBAPIError, match="the journal does not say"):
            async with settled.books.unit() as session:
                await post_rest(session, "stray", PostingKind.CASH_UNAPPLIED, settled.account_id, entries)

    async def test_a_credit_of_nobody_is_not_posted(self, settled: Settled) -> None:
        entries = transfer(LedgerAccount.CASH, LedgerAccount.CUSTOMER_CREDIT, 500)
        posting = Posting("stray", PostingKind.CASH_UNAPPLIED, NOW, entries)
        with pytest.raises(DBAPIError, match="a credit of nobody"):
            async with settled.books.unit() as session:
                await post(session, [posting], NOW)

    @pytest.mark.parametrize(
        "change",
        [
            {"amount_cents": 0, "rest_cents": 0},
            {"rest_cents": 501},
            {"rest_cents": -1},
            {"reference": None},
            {"method": PaymentMethod.STRIPE},
            {"currency": "NZD"},
        ],
        ids=str,
    )
    async def test_are_what_a_receipt_is(self, settled: Settled, change: dict[str, object]) -> None:
        with pytest.raises(IntegrityError) as fault:
            async with settled.books.unit() as session:
                receipt = receipt_of(settled.account_id, 500, 500)
                for name, value in change.items():
                    setattr(receipt, name, value)
                session.add(receipt)
                await session.flush()
        assert state_of(fault) == CHECK


class TestReferences:
    """A reference stands for money that came in once, alone or with other payments."""

    async def test_of_a_payment_is_taken_for_a_receipt(self, settled: Settled) -> None:
        await settled.books.pay(settled.invoice_ids[2], 100, "bank 7")
        with pytest.raises(IntegrityError) as fault:
            async with settled.books.unit() as session:
                session.add(receipt_of(settled.account_id, 500, 500, reference="bank 7"))
                await session.flush()
        assert (state_of(fault), constraint_of(fault)) == (UNIQUE, "uq_receipts_reference")

    async def test_of_a_receipt_is_taken_for_a_payment(self, settled: Settled) -> None:
        invoice = await settled.invoice(2)
        reference = await settled.books.value("SELECT reference FROM receipts")
        for place in ("reference", "external_payment_ref"):
            with pytest.raises(IntegrityError) as fault:
                async with settled.books.unit() as session:
                    session.add(payment_of(invoice, 100, **{place: reference}))
                    await session.flush()
            assert (state_of(fault), constraint_of(fault)) == (UNIQUE, "uq_payments_reference")

    async def test_a_payment_without_one_has_a_receipt(self, settled: Settled) -> None:
        with pytest.raises(IntegrityError, match="has_a_reference"):
            async with settled.books.unit() as session:
                session.add(payment_of(await settled.invoice(2), 100))
                await session.flush()

    async def test_stripes_id_of_a_receipt_names_its_payments_too(self, settled: Settled) -> None:
        account_id, invoice_id = settled.account_id, settled.invoice_ids[2]
        at_stripe = {"method": PaymentMethod.STRIPE, "reference": None, "external_payment_ref": "pi_test_0001"}
        async with settled.books.unit() as session:
            invoice = await invoices.lock(session, invoice_id)
            session.add(receipt := receipt_of(account_id, 100, 0, **at_stripe))
            await session.flush()
            session.add(payment := payment_of(invoice, 100, method=PaymentMethod.STRIPE, receipt_id=receipt.id))
            invoice.paid_cents += 100
            await write(session, f"payment:{payment.id}", PostingKind.PAYMENT_RECEIVED, invoice, 100)
        assert (await settled.invoice(2)).balance_cents == 10_900


class TestReversals:
    async def test_of_a_payment_make_it_owed_again(self, settled: Settled) -> None:
        await reverse_payment(settled.books, await settled.payment(0), 4_000)
        assert (await settled.invoice(0)).balance_cents == 4_000
        await reverse_payment(settled.books, await settled.payment(0), 7_000)
        assert (await settled.invoice(0)).balance_cents == 11_000
        assert (await settled.books.trial_balance())["cash"] == 4_000

    async def test_of_a_rest_take_it_from_the_customer(self, settled: Settled) -> None:
        await reverse_rest(settled.books, settled.receipt_id, 600)
        assert await settled.credit() == 400
        async with settled.books.database.reading() as session:
            assert await customer_credit_control(session) == CustomerCreditControl(400, 400, 400)
        await reverse_rest(settled.books, settled.receipt_id, 400)
        assert await settled.credit() == 0

    async def test_take_what_the_invoice_left_to_the_customer_first(self, settled: Settled) -> None:
        await settled.books.pay(settled.invoice_ids[2], 12_000, "bank 9", excess_to_credit=True)
        assert await settled.credit() == 2_000
        await reverse_payment(settled.books, await settled.payment(2), 1_500)
        assert ((await settled.invoice(2)).balance_cents, await settled.credit()) == (500, 1_000)

    async def test_never_take_back_more_than_came_in(self, settled: Settled) -> None:
        await reverse_payment(settled.books, payment_id := await settled.payment(1), 2_000)
        await settled.books.pay(settled.invoice_ids[1], 5_000, "bank 9")
        for cents in (1_001, 3_000):
            with pytest.raises(DBAPIError, match="takes back more than came in") as fault:
                await reverse_payment(settled.books, payment_id, cents)
            assert state_of(fault) == CHECK

    async def test_of_a_rest_never_take_back_more_than_it_was(self, settled: Settled) -> None:
        await settled.books.pay(settled.invoice_ids[2], 12_000, "bank 9", excess_to_credit=True)
        with pytest.raises(DBAPIError, match="takes back more than came in"):
            await reverse_rest(settled.books, settled.receipt_id, 1_001)

    async def test_are_part_of_the_settlement(self, settled: Settled) -> None:
        payment_id = await settled.payment(1)
        with pytest.raises(DBAPIError, match="the settlement of invoice"):
            async with settled.books.unit() as session:
                session.add(reversal_of(100, payment_id=payment_id))
                await session.flush()
        with pytest.raises(DBAPIError, match="is not the sum of what"):
            async with settled.books.unit() as session:
                session.add(reversal_of(100, receipt_id=settled.receipt_id))
                await session.flush()

    async def test_are_of_a_payment_or_of_a_rest(self, settled: Settled) -> None:
        payment_id = await settled.payment(1)
        for subject in ({}, {"payment_id": payment_id, "receipt_id": settled.receipt_id}):
            with pytest.raises(IntegrityError, match="payment_reversals_subject"):
                async with settled.books.unit() as session:
                    session.add(reversal_of(100, **subject))
                    await session.flush()

    async def test_of_credit_that_was_applied_make_it_the_customers_again(self, settled: Settled) -> None:
        async with settled.books.unit() as session:
            application = ApplyCredit(new_id(), settled.invoice_ids[2])
            await apply_customer_credit(session, application, NOW)
        await unapply_credit(settled.books, settled.invoice_ids[2], application.application_id, 1_000)
        assert ((await settled.invoice(2)).balance_cents, await settled.credit()) == (11_000, 1_000)


class TestWriteOffs:
    async def test_leave_nothing_owed_and_take_the_gst_back(self, settled: Settled) -> None:
        await write_off(settled.books, settled.invoice_ids[1])
        assert (await settled.invoice(1)).balance_cents == 0
        balance = await settled.books.trial_balance()
        assert (balance["bad_debts"], balance["gst_payable"]) == (7_273, -2_273)

    async def test_that_are_reversed_are_owed_again(self, settled: Settled) -> None:
        before = await settled.books.trial_balance()
        await reverse_write_off(settled.books, await write_off(settled.books, settled.invoice_ids[1]))
        assert (await settled.invoice(1)).balance_cents == 8_000
        assert await settled.books.trial_balance() == before
        await write_off(settled.books, settled.invoice_ids[1])

    async def test_are_part_of_the_settlement(self, settled: Settled) -> None:
        assert (
            await refused(settled.books, "UPDATE invoices SET written_off_cents = 5 WHERE balance_cents > 5") == CHECK
        )
        with pytest.raises(DBAPIError, match="the settlement of invoice"):
            async with settled.books.unit() as session:
                session.add(write_off_of(await settled.invoice(1)))
                await session.flush()

    async def test_are_pending_at_first_without_effect(self, settled: Settled) -> None:
        async with settled.books.unit() as session:
            session.add(write_off_of(await settled.invoice(1), **UNDECIDED))
        assert (await settled.invoice(1)).balance_cents == 8_000
        with pytest.raises(IntegrityError, match="uq_write_offs_live"):
            await write_off(settled.books, settled.invoice_ids[1])

    async def test_of_a_draft_there_are_none(self, settled: Settled) -> None:
        draft = await settled.books.board_draft(client=client_state(new_id()))
        statement = "UPDATE invoices SET written_off_cents = 5 WHERE id = :id"
        assert await refused(settled.books, statement, id=draft) == CHECK

    async def test_are_not_lost_by_a_void(self, settled: Settled) -> None:
        await write_off(settled.books, settled.invoice_ids[2])
        statement = (
            "UPDATE invoices SET document_status = 'void', voided_at = now(), void_reason_code = 'x' WHERE id = :id"
        )
        assert await refused(settled.books, statement, id=settled.invoice_ids[2]) == CHECK


REVERSED = "reversed_at = now(), reversed_by_name = 'M', reversal_reason = 'r'"


class TestDecisions:
    """A write-off is decided once; an approved one may be reversed, once."""

    async def asked(self, settled: Settled) -> UUID:
        async with settled.books.unit() as session:
            session.add(asked := write_off_of(await settled.invoice(1), **UNDECIDED))
        return asked.id

    @pytest.mark.parametrize(
        "change",
        [
            "amount_cents = 1, gst_cents = 0",
            "reason_code = 'other'",
            "notes = 'another'",
            f"state = 'reversed', decided_at = now(), decided_by_name = 'M', {REVERSED}",
        ],
    )
    async def test_of_what_was_asked_for(self, owned: Settled, change: str) -> None:
        await self.asked(owned)
        assert await refused(owned.books, f"UPDATE write_offs SET {change}") == WRITTEN_ONCE

    async def test_are_made_once(self, owned: Settled) -> None:
        await self.asked(owned)
        async with owned.books.unit() as session:
            rejected = "state = 'rejected', decided_at = now(), decided_by_name = 'Chris'"
            await session.execute(text(f"UPDATE write_offs SET {rejected}"))
        for change in ("state = 'approved'", "decided_by_name = 'Mia'", f"state = 'reversed', {REVERSED}"):
            assert await refused(owned.books, f"UPDATE write_offs SET {change}") == WRITTEN_ONCE, change

    async def test_are_not_unmade_but_reversed(self, owned: Settled) -> None:
        write_off_id = await write_off(owned.books, owned.invoice_ids[1])
        pending = "state = 'pending', decided_at = NULL, decided_by_name = NULL, decided_by_id = NULL"
        for change in (pending, "state = 'rejected'", "gst_cents = 1", "decided_by_name = 'Mia'"):
            assert await refused(owned.books, f"UPDATE write_offs SET {change}") == WRITTEN_ONCE, change
        await reverse_write_off(owned.books, write_off_id)
        for change in ("state = 'approved', reversed_at = NULL", "reversal_reason = 'another'"):
            assert await refused(owned.books, f"UPDATE write_offs SET {change}") == WRITTEN_ONCE, change


CHANGES = (
    "UPDATE receipts SET rest_cents = 0",
    "DELETE FROM receipts",
    "UPDATE payment_reversals SET amount_cents = 1",
    "DELETE FROM payment_reversals",
    "DELETE FROM write_offs",
    "DELETE FROM operators",
    "DELETE FROM stripe_roles",
    "UPDATE number_series SET series = 'another'",
)
"""What neither the grants nor the triggers let happen."""


class TestWrittenOnce:
    ROWS = (
        "INSERT INTO operators VALUES (gen_random_uuid(), 'Robin', 'robin@waybill.example', true, '{read_ops}', 1)",
        "INSERT INTO stripe_roles (id, changed_at, changed_by) VALUES (1, now(), 'Robin')",
    )

    async def full(self, settled: Settled) -> Books:
        await reverse_payment(settled.books, await settled.payment(0), 100)
        await write_off(settled.books, settled.invoice_ids[1])
        async with settled.books.unit() as session:
            for row in self.ROWS:
                await session.execute(text(row))
        return settled.books

    @pytest.mark.parametrize(
        "change",
        [
            *CHANGES,
            *(f"TRUNCATE {table} CASCADE" for table in ("receipts", "payment_reversals", "write_offs", "operators")),
            "UPDATE write_offs SET amount_cents = 1",
            "UPDATE operators SET operator_id = gen_random_uuid()",
            "UPDATE stripe_roles SET id = 2",
        ],
    )
    async def test_the_serving_role_lacks_the_grant(self, settled: Settled, change: str) -> None:
        assert await refused(await self.full(settled), change) == NOT_GRANTED

    async def test_a_trigger_stops_even_the_owner(self, owned: Settled) -> None:
        books = await self.full(owned)
        for change in CHANGES:
            assert await refused(books, change) == WRITTEN_ONCE, change

    async def test_stripes_roles_are_one_row(self, settled: Settled) -> None:
        books = await self.full(settled)
        insert = "INSERT INTO stripe_roles (id, changed_at, changed_by) VALUES (2, now(), 'Robin')"
        assert await refused(books, insert) == CHECK

    async def test_a_series_only_rises(self, settled: Settled) -> None:
        assert await refused(settled.books, "UPDATE number_series SET last_number = last_number - 1") == WRITTEN_ONCE


class TestInvoices:
    async def test_count_how_often_they_are_paid(self, settled: Settled) -> None:
        books = settled.books
        await books.pay(settled.invoice_ids[2], 11_000, "bank 9")
        assert (await settled.invoice(2)).paid_no == 1
        await reverse_payment(books, await settled.payment(2), 11_000)
        assert ((await settled.invoice(2)).paid_at, (await settled.invoice(2)).paid_no) == (None, 1)
        paid = await books.pay(settled.invoice_ids[2], 11_000, "bank 10")
        assert paid.invoice.paid_no == 2
        assert len(await books.published("invoice.paid")) == 2

    async def test_are_counted_by_nobody_else(self, settled: Settled) -> None:
        async with settled.books.unit() as session:
            await session.execute(text("UPDATE invoices SET paid_no = 9"))
        assert await settled.books.value("SELECT max(paid_no) FROM invoices") == 0

    async def test_take_a_reference_after_their_issue_once(self, settled: Settled) -> None:
        async with settled.books.unit() as session:
            invoice = await invoices.lock(session, settled.invoice_ids[0])
            invoice.stripe_invoice_id, invoice.stripe_invoice_url = "in_late0000001", "https://pay.example/late"
        for change in (
            "stripe_invoice_id = 'in_another0001'",
            "stripe_invoice_id = NULL",
            "stripe_invoice_url = NULL",
            "stripe_invoice_url = 'https://pay.example/other'",
        ):
            statement = f"UPDATE invoices SET {change} WHERE id = :id"
            assert await refused(settled.books, statement, id=settled.invoice_ids[0]) == WRITTEN_ONCE, change


async def test_one_reference_at_once_for_a_payment_and_a_receipt_is_one(shared_books: Books) -> None:
    """Neither sees the other's row: the second waits at the reference, and is refused."""
    books = shared_books
    settled = await settle(books)

    async def receive() -> None:
        async with books.unit() as session:
            session.add(receipt := receipt_of(settled.account_id, 500, 500, reference="bank 7"))
            await session.flush()
            (await accounts.lock_credit(session, settled.account_id)).customer_credit_cents += 500
            key, entries = f"receipt:{receipt.id}:rest", unapplied_entries(LedgerAccount.CASH, 500)
            await post_rest(session, key, PostingKind.CASH_UNAPPLIED, settled.account_id, entries)

    for _ in range(3):
        outcomes = await asyncio.gather(
            receive(), books.pay(settled.invoice_ids[2], 100, "bank 7"), receive(), return_exceptions=True
        )
        assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) <= 1
    query = "SELECT (SELECT count(*) FROM payments WHERE reference = 'bank 7') + "
    query += "(SELECT count(*) FROM receipts WHERE reference = 'bank 7')"
    assert await books.value(query) == 1
