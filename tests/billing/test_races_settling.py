"""Two at once over what takes settlement back or ends it, with real commits."""

from datetime import timedelta

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
    waiting_void,
)
from tests.billing.test_races import together


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
