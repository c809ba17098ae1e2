"""Two at once over what takes settlement back or ends it, with real commits."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.billing.domain.statuses import InvoiceStatus
from services.billing.errors import HasPayments, InvoiceWrittenOff, NotIssued, OwedOtherwise, ReversalTooLarge
from tests.billing.arrangements import Books
from tests.billing.arrangements_settlement import (
    approve_voiding,
    approve_writing_off,
    ask_to_write_off,
    client_invoices,
    receive,
    take_payment_back,
    take_receipt_back,
    void_whole,
    waiting_void,
)
from tests.billing.desk import Desk, answering
from tests.billing.test_races import together
from tests.kit.eventually import eventually
from tests.kit.identity import TestIdentity

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def test_two_at_once_end_in_one_truth(shared_books: Books) -> None:
    """Receipts sent twice, reversals of one payment, a write-off and a void beside a payment: one of each counts."""
    books = shared_books
    first, second, third, fourth = await client_invoices(books, 10_000, 20_000, 30_000, 40_000)
    account_id = (await books.invoice(first)).account_id

    sent = [receive(books, account_id, 33_000, {first: 11_000, second: 22_000}, reference="bank 1") for _ in range(4)]
    received, faults = await together(*sent)
    assert (faults, sorted(each.is_new for each in received)) == ([], [False, False, False, True])

    paid = next(each for each in received if each.is_new)
    taken, faults = await together(
        take_payment_back(books, paid.payments[0].id),
        take_payment_back(books, paid.payments[0].id),
        take_receipt_back(books, paid.receipt.id),
    )
    assert {type(fault) for fault in faults} <= {ReversalTooLarge}
    assert sum(each.amount_cents for each in taken) == 33_000 or len(taken) == 1
    await together(take_receipt_back(books, paid.receipt.id))
    assert [(await books.invoice(id_)).balance_cents for id_ in (first, second)] == [11_000, 22_000]

    written = await ask_to_write_off(books, third)
    books.clock.instant += timedelta(minutes=1)
    done, faults = await together(approve_writing_off(books, written.id), books.pay(third, 33_000, "bank 2"))
    assert (len(done), len(faults)) == (1, 1)
    assert isinstance(faults[0], InvoiceWrittenOff | OwedOtherwise)
    after = await books.invoice(third)
    assert (after.balance_cents, after.status) in {(0, InvoiceStatus.WRITTEN_OFF), (0, InvoiceStatus.PAID)}

    asked = await waiting_void(books, fourth)
    done, faults = await together(approve_voiding(books, asked.id), books.pay(fourth, 44_000, "bank 3"))
    assert (len(done), len(faults)) == (1, 1)
    assert isinstance(faults[0], HasPayments | NotIssued)
    assert (await books.invoice(fourth)).status in {InvoiceStatus.VOID, InvoiceStatus.PAID}
    assert sum((await books.trial_balance()).values()) == 0


async def twice_at_once(books: Books, desk: Desk, invoice_id: UUID, method: str, path: str, body: Any) -> list[int]:
    """By two operators: both have come as far as the invoice's lock before either has it."""

    async def both_wait() -> bool:
        return bool(await books.value(_WAITING) == 2)

    operators = (desk.as_another(UUID(int=6), "Mia Maker"), desk.as_another(UUID(int=7), "Chris Checker"))
    async with books.database.transaction() as session:
        await session.execute(text("SELECT 1 FROM invoices WHERE id = :id FOR UPDATE"), {"id": invoice_id})
        asking = [asyncio.create_task(desk.ask(method, path, body, headers=headers)) for headers in operators]
        await eventually(both_wait)
    return [answer.status_code for answer in await asyncio.gather(*asking)]


async def test_what_the_second_at_once_did_not_do_leaves_no_audit_row(
    shared_books: Books, identity: TestIdentity
) -> None:
    books = shared_books
    kept = await books.draft_of(await books.priced_installer())
    sent = await books.board_draft(20_000)
    paths: list[tuple[UUID, str, str, dict[str, Any]]] = [
        (kept, "PUT", f"/admin/billing/invoices/{kept}/stripe-reference", {"stripe_invoice_id": "in_march0001"}),
        (kept, "POST", f"/admin/billing/invoices/{kept}/mark-issued", {}),
        (sent, "POST", f"/admin/ops/invoices/{sent}/send", {}),
        (sent, "POST", f"/admin/ops/invoices/{sent}/mark-paid", {}),
    ]
    async with answering(books.database, identity, books.clock) as desk:
        for path in paths:
            assert await twice_at_once(books, desk, *path) == [200, 200]
        void = await books.board_draft(30_000)
        await void_whole(books, void)
        redraft = f"/admin/ops/invoices/{void}/redraft"
        assert await twice_at_once(books, desk, void, "POST", redraft, {}) == [201, 201]
    rows = await books.rows("SELECT action FROM audit_entries ORDER BY occurred_at, id")
    assert sorted(row.action for row in rows) == [
        "issue_invoice",
        "keep_stripe_reference",
        "mark_invoice_paid",
        "redraft_invoice",
        "send_invoice",
    ]
