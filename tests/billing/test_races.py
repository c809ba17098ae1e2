"""Two at once, on a database of its own with real commits: numbers, drafts, payments, prices."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.values import ProductType
from services.billing.commands.client_invoices import redraft_board_invoice
from services.billing.commands.deliveries import record_deliveries
from services.billing.commands.drafts import DraftOutcome, GenerateDrafts, generate_drafts
from services.billing.commands.payments import RecordPayment, record_payment
from services.billing.domain.statuses import InvoiceStatus, PaymentMethod
from services.billing.domain.voids import VoidReason
from services.billing.errors import (
    AdjustmentIdTaken,
    PaymentExceedsBalance,
    PlanVersionExists,
    StripeReferenceTaken,
)
from tests.billing.arrangements import LONG_AGO, MARCH, NOW, Books, march, sent
from tests.billing.arrangements_settlement import void_whole
from tests.kit.eventually import eventually

T = TypeVar("T")


async def together(*work: Awaitable[T]) -> tuple[list[T], list[BaseException]]:
    """All at once: what came of those that succeeded, and how the others ended."""
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    faults = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)], faults


async def until_waiting(books: Books) -> None:
    async def waits() -> bool:
        return bool(await books.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))

    await eventually(waits)


class TestDrafts:
    async def test_two_runs_at_once_make_each_invoice_once(self, shared_books: Books) -> None:
        books = shared_books
        installers = [await books.priced_installer() for _ in range(5)]
        await books.deliver(*(sent(installers[n % 5], march(1 + n % 30)) for n in range(100)))
        runs, faults = await together(books.drafts(), books.drafts(), books.drafts())
        assert faults == []
        outcomes = [result.outcome for results in runs for result in results]
        assert outcomes.count(DraftOutcome.DRAFTED) == 5
        assert outcomes.count(DraftOutcome.UNCHANGED) == 10
        assert await books.value("SELECT count(*) FROM invoices") == 5
        assert await books.value("SELECT count(DISTINCT delivery_event_id) FROM invoice_lines") == 100
        assert len(await books.published("invoice.drafted")) == 5

    async def test_a_run_that_dies_half_way_leaves_nothing_and_the_next_one_does_it_all(
        self, shared_books: Books
    ) -> None:
        books = shared_books
        await books.deliver(sent(await books.priced_installer(), march(3)))
        with pytest.raises(SystemExit):
            async with books.database.transaction() as session:
                await generate_drafts(session, GenerateDrafts(MARCH), NOW)
                raise SystemExit
        assert await books.value("SELECT count(*) FROM invoices") == 0
        assert [result.outcome for result in await books.drafts()] == [DraftOutcome.DRAFTED]

    async def test_a_draft_that_is_issued_meanwhile_is_not_written_anew(self, shared_books: Books) -> None:
        books = shared_books
        installer_id = await books.priced_installer()
        draft = await books.draft_of(installer_id)
        async with books.database.transaction() as session:
            await session.execute(text("SELECT id FROM invoices FOR UPDATE"))
            await books.deliver(sent(installer_id, march(20)))
            run = asyncio.create_task(books.drafts())
            await until_waiting(books)
            await session.execute(
                text(
                    "UPDATE invoices SET document_status = 'issued', number = 'WB-9', issued_at = now(), "
                    "due_at = now(), seller = '{}', buyer = '{}'"
                )
            )
        (result,) = await run
        assert (result.outcome, result.code) == (DraftOutcome.FAILED, "late_deliveries")
        assert await books.value("SELECT count(*) FROM invoice_lines WHERE invoice_id = :id", id=draft) == 1


class TestNumbers:
    async def test_issues_at_once_and_failing_ones_among_them_leave_no_gap(self, shared_books: Books) -> None:
        books = shared_books
        installers = [await books.priced_installer() for _ in range(12)]
        await books.deliver(*(sent(installer_id, march(3)) for installer_id in installers))
        drafts = [result.invoice_id for result in await books.drafts() if result.invoice_id]
        taken = books.stripe_id()
        await books.issue(drafts[0], stripe_invoice_id=taken)
        issues = [
            books.issue(id_, stripe_invoice_id=taken if n % 4 == 3 else books.stripe_id())
            for n, id_ in enumerate(drafts[1:])
        ]
        issued, faults = await together(*issues)
        assert {type(fault) for fault in faults} == {StripeReferenceTaken}
        numbers = await books.rows("SELECT number FROM invoices WHERE number IS NOT NULL ORDER BY 1")
        assert [row.number for row in numbers] == [f"WB-{n:06}" for n in range(1, len(issued) + 2)]
        assert len(issued) + len(faults) == 11

    async def test_two_issues_of_one_draft_give_one_number(self, shared_books: Books) -> None:
        books = shared_books
        draft, reference = await books.draft_of(await books.priced_installer()), books.stripe_id()
        issued, faults = await together(*(books.issue(draft, stripe_invoice_id=reference) for _ in range(4)))
        assert faults == []
        assert {invoice.number for invoice in issued} == {"WB-000001"}
        assert len(await books.published("invoice.issued")) == 1
        assert await books.value("SELECT last_number FROM number_series") == 1

    async def test_two_drafts_under_one_stripe_reference(self, shared_books: Books) -> None:
        books = shared_books
        first = await books.draft_of(await books.priced_installer())
        second = await books.draft_of(await books.priced_installer())
        issued, faults = await together(*(books.issue(id_, stripe_invoice_id="in_same0001") for id_ in (first, second)))
        assert len(issued) == 1
        assert [type(fault) for fault in faults] == [StripeReferenceTaken]


class TestPayments:
    async def test_two_that_together_are_too_much(self, shared_books: Books) -> None:
        books = shared_books
        invoice = await books.issued_invoice()
        recorded, faults = await together(*(books.pay(invoice.id, 6_000, f"bank {n}") for n in range(3)))
        assert len(recorded) == 1
        assert {type(fault) for fault in faults} == {PaymentExceedsBalance}
        assert (await books.invoice(invoice.id)).balance_cents == 3_350

    async def test_one_that_is_sent_many_times_at_once(self, shared_books: Books) -> None:
        books = shared_books
        invoice = await books.issued_invoice()
        recorded, faults = await together(*(books.pay(invoice.id, 9_350, "bank 1") for _ in range(5)))
        assert faults == []
        assert sum(payment.is_new for payment in recorded) == 1
        assert (await books.invoice(invoice.id)).status is InvoiceStatus.PAID
        assert len(await books.published("invoice.paid")) == 1

    async def test_a_payment_and_a_credit_of_the_same_money(self, shared_books: Books) -> None:
        """Whichever is first: the credit leaves nothing to pay, or leaves what was paid to the customer."""
        books = shared_books
        invoice = await books.issued_invoice()
        work: list[Awaitable[Any]] = [books.pay(invoice.id, 9_350, "bank 1"), books.credit(invoice.id, None)]
        done, faults = await together(*work)
        assert {type(fault) for fault in faults} <= {PaymentExceedsBalance}
        after = await books.invoice(invoice.id)
        assert (after.balance_cents, after.customer_credit_cents) == (0, 9_350 * (len(done) - 1))

    async def test_a_crash_before_the_commit_leaves_nothing(self, shared_books: Books) -> None:
        books = shared_books
        invoice = await books.issued_invoice()
        command = RecordPayment(invoice.id, 9_350, NOW, PaymentMethod.CASH, "Robin Field", "note 1")
        with pytest.raises(SystemExit):
            async with books.database.transaction() as session:
                await record_payment(session, command, NOW)
                raise SystemExit
        assert (await books.invoice(invoice.id)).balance_cents == 9_350
        assert await books.published("invoice.payment_recorded") == []


class TestAdjustments:
    async def test_one_id_on_two_invoices_at_once_is_told(self, shared_books: Books) -> None:
        books = shared_books
        invoices = [await books.issued_invoice() for _ in range(4)]
        id_ = new_id()
        given, faults = await together(*(books.credit(invoice.id, 100, adjustment_id=id_) for invoice in invoices))
        assert len(given) == 1
        assert [type(fault) for fault in faults] == [AdjustmentIdTaken] * 3
        assert await books.value("SELECT sum(credits_cents)::int FROM invoices") == 100

    async def test_one_that_is_sent_many_times_at_once(self, shared_books: Books) -> None:
        books = shared_books
        invoice, id_ = await books.issued_invoice(), new_id()
        given, faults = await together(*(books.credit(invoice.id, 100, adjustment_id=id_) for _ in range(4)))
        assert faults == []
        assert len({adjustment.number for adjustment in given}) == 1


class TestRedrafts:
    async def test_of_one_void_invoice_at_once_are_one(self, shared_books: Books) -> None:
        books = shared_books
        first = await books.board_draft()
        await void_whole(books, first, VoidReason.WRONG_DETAILS)

        async def redraft() -> UUID:
            async with books.unit() as session:
                return (await redraft_board_invoice(session, first, NOW)).id

        drafts, faults = await together(*(redraft() for _ in range(4)))
        assert faults == []
        assert len(set(drafts)) == 1
        assert await books.value("SELECT count(*) FROM invoice_lines WHERE invoice_id <> :id", id=first) == 1


class TestDeliveries:
    async def test_one_assignment_in_two_batches_at_once(self, shared_books: Books) -> None:
        books = shared_books
        priced, unpriced = await books.priced_installer(), await books.installer()
        batch = [sent((priced, unpriced)[n % 2], march(3), ProductType.SHARED) for n in range(20)]
        _, faults = await together(books.deliver(*batch), books.deliver(*reversed(batch)))
        assert faults == []
        assert await books.value("SELECT count(*) FROM delivery_events") == 10
        assert await books.value("SELECT count(*) FROM held_deliveries") == 10
        assert len(await books.published("delivery.recorded")) == 10
        assert len(await books.published("delivery.held")) == 10

    async def test_a_plan_and_a_delivery_never_pass_each_other_unseen(self, shared_books: Books) -> None:
        """Whatever the order, the delivery ends in the ledger: priced at once, or held and released."""
        books = shared_books
        for _ in range(10):
            installer_id = await books.installer()
            work: list[Awaitable[Any]] = [
                books.deliver(*(sent(installer_id, march(3)) for _ in range(5))),
                books.plan(installer_id, LONG_AGO, 8_500, 3_850),
            ]
            _, faults = await together(*work)
            assert faults == []
        assert await books.value("SELECT count(*) FROM delivery_events") == 50
        assert await books.value("SELECT count(*) FROM held_deliveries WHERE released_at IS NULL") == 0

    async def test_a_plan_waits_for_a_delivery_that_is_being_held(self, shared_books: Books) -> None:
        books = shared_books
        installer_id = await books.installer()
        async with books.database.transaction() as session:
            await record_deliveries(session, [sent(installer_id, march(3))], books.house.approval, NOW)
            adding = asyncio.create_task(books.plan(installer_id, LONG_AGO, 8_500, 3_850))
            await until_waiting(books)
        assert len((await adding).released) == 1
        assert await books.value("SELECT unit_price_cents FROM delivery_events") == 8_500


class TestPricePlans:
    async def test_two_edits_of_one_instant(self, shared_books: Books) -> None:
        books = shared_books
        installer_id = await books.installer()
        added, faults = await together(*(books.plan(installer_id, march(5), 8_500 + n, 3_850) for n in range(3)))
        assert len(added) == 1
        assert {type(fault) for fault in faults} == {PlanVersionExists}
        assert await books.value("SELECT count(*) FROM price_plans") == 1

    async def test_two_versions_of_different_instants_stand_side_by_side(self, shared_books: Books) -> None:
        books = shared_books
        installer_id = await books.installer()
        _, faults = await together(*(books.plan(installer_id, march(5 + n), 8_500 + n, 3_850) for n in range(3)))
        assert faults == []
        await books.deliver(*(sent(installer_id, march(5 + n)) for n in range(3)))
        prices = await books.rows("SELECT unit_price_cents FROM delivery_events ORDER BY delivered_at")
        assert [row.unit_price_cents for row in prices] == [8_500, 8_501, 8_502]


async def test_the_journal_ties_after_everything_at_once(shared_books: Books) -> None:
    books = shared_books
    invoices = [await books.issued_invoice() for _ in range(4)]
    work: list[Awaitable[Any]] = []
    for n, invoice in enumerate(invoices):
        work += [
            books.pay(invoice.id, 1_000, f"bank {n}"),
            books.credit(invoice.id, 500),
            books.credit(invoice.id, 700),
        ]
    _, faults = await together(*work)
    assert faults == []
    owed = await books.value("SELECT sum(balance_cents)::bigint FROM invoices")
    assert (await books.trial_balance())["receivable"] == owed == 4 * (9_350 - 1_000 - 1_320)
    assert sum((await books.trial_balance()).values()) == 0
    notes = await books.rows("SELECT number FROM adjustments ORDER BY number")
    assert [row.number for row in notes] == [f"WB-A-{n:06}" for n in range(1, 9)]
