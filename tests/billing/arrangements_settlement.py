"""What the tests of billing arrange after an issue: adjustments decided, credit applied, invoices voided."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from chassis.ids import new_id
from contracts.values import InvoiceKind
from services.billing.commands.adjusting import Decider
from services.billing.commands.adjustments import approve_adjustment, reject_adjustment
from services.billing.commands.customer_credit import ApplyCredit, apply_customer_credit, unapply_customer_credit
from services.billing.commands.receipts import RecordedReceipt, RecordReceipt, record_receipt
from services.billing.commands.reversals import TakeBack, TakenBack, reverse_payment, reverse_receipt, reverse_rest
from services.billing.commands.void_requests import AskVoid, approve_void, ask_void, reject_void
from services.billing.commands.voids import VoidInvoice, void_invoice
from services.billing.commands.write_offs import (
    AskWriteOff,
    ReverseWriteOff,
    approve_write_off,
    ask_write_off,
    reject_write_off,
    reverse_write_off,
)
from services.billing.domain.settlement import ReversalReason, WriteOffReason
from services.billing.domain.statuses import PaymentMethod
from services.billing.domain.voids import VoidReason
from services.billing.models import Adjustment, Invoice, VoidRequest, WriteOff
from tests.billing.arrangements import CHECKER, MAKER, Books, client_state


async def client_invoices(books: Books, *amounts_cents: int) -> list[UUID]:
    """Issued ones of one client, a board each; ex GST."""
    client = client_state(new_id())
    drafts = [await books.board_draft(cents, client=client) for cents in amounts_cents]
    return [(await books.issue(id_, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)).id for id_ in drafts]


async def approve(books: Books, adjustment_id: UUID, by: Decider = CHECKER) -> Adjustment:
    async with books.unit() as session:
        return await approve_adjustment(session, adjustment_id, by, books.house.numbering, books.clock.now())


async def reject(books: Books, adjustment_id: UUID, by: Decider = CHECKER) -> Adjustment:
    async with books.unit() as session:
        return await reject_adjustment(session, adjustment_id, by, books.clock.now())


async def apply_credit(
    books: Books, invoice_id: UUID, amount_cents: int | None = None, application_id: UUID | None = None
) -> Invoice:
    """What the customer has with us pays for the invoice."""
    async with books.unit() as session:
        command = ApplyCredit(application_id or new_id(), invoice_id, amount_cents)
        return (await apply_customer_credit(session, command, books.clock.now())).invoice


async def void_whole(books: Books, invoice_id: UUID, reason: VoidReason = VoidReason.DUPLICATE) -> Invoice:
    async with books.unit() as session:
        return await void_invoice(session, VoidInvoice(invoice_id, reason, "Robin Field"), books.clock.now())


async def ask_to_void(
    books: Books, invoice_id: UUID, *, limit_cents: int | None = None, **changed: Any
) -> VoidRequest | None:
    command: dict[str, Any] = {"void_request_id": new_id(), "reason": VoidReason.DUPLICATE, "by": MAKER, **changed}
    limit_cents = books.house.approval_limit_cents if limit_cents is None else limit_cents
    async with books.unit() as session:
        return await ask_void(session, AskVoid(invoice_id=invoice_id, **command), limit_cents, books.clock.now())


async def waiting_void(books: Books, invoice_id: UUID, **changed: Any) -> VoidRequest:
    """Asked for, of an invoice over the limit."""
    asked = await ask_to_void(books, invoice_id, **changed)
    assert asked is not None
    return asked


async def approve_voiding(books: Books, void_request_id: UUID, by: Decider = CHECKER) -> VoidRequest:
    async with books.unit() as session:
        return await approve_void(session, void_request_id, by, books.clock.now())


async def reject_voiding(books: Books, void_request_id: UUID, by: Decider = CHECKER) -> VoidRequest:
    async with books.unit() as session:
        return await reject_void(session, void_request_id, by, books.clock.now())


async def unapply(books: Books, application_id: UUID) -> Invoice:
    async with books.unit() as session:
        return (await unapply_customer_credit(session, application_id, books.clock.now())).invoice


async def receive(
    books: Books, account_id: UUID, amount_cents: int, parts: Mapping[UUID, int] | None = None, **changed: Any
) -> RecordedReceipt:
    """One transfer of the account; without parts the oldest due is paid first."""
    command: dict[str, Any] = {
        "received_at": books.clock.now(),
        "method": PaymentMethod.BANK_TRANSFER,
        "by": "Robin Field",
        "reference": f"transfer {new_id()}",
        **changed,
    }
    async with books.unit() as session:
        return await record_receipt(
            session, RecordReceipt(account_id, amount_cents, parts=parts, **command), books.clock.now()
        )


def _taking_back(subject_id: UUID, amount_cents: int | None, changed: dict[str, Any]) -> TakeBack:
    command: dict[str, Any] = {"reversal_id": new_id(), "reason": ReversalReason.BOUNCED, "by": MAKER, **changed}
    return TakeBack(subject_id=subject_id, amount_cents=amount_cents, **command)


async def take_payment_back(
    books: Books, payment_id: UUID, amount_cents: int | None = None, **changed: Any
) -> TakenBack:
    async with books.unit() as session:
        return await reverse_payment(session, _taking_back(payment_id, amount_cents, changed), books.clock.now())


async def take_receipt_back(books: Books, receipt_id: UUID, **changed: Any) -> TakenBack:
    async with books.unit() as session:
        return await reverse_receipt(session, _taking_back(receipt_id, None, changed), books.clock.now())


async def take_rest_back(books: Books, receipt_id: UUID, amount_cents: int | None = None, **changed: Any) -> TakenBack:
    async with books.unit() as session:
        return await reverse_rest(session, _taking_back(receipt_id, amount_cents, changed), books.clock.now())


async def ask_to_write_off(books: Books, invoice_id: UUID, **changed: Any) -> WriteOff:
    command: dict[str, Any] = {"write_off_id": new_id(), "reason": WriteOffReason.INSOLVENT, "by": MAKER, **changed}
    async with books.unit() as session:
        asked = AskWriteOff(invoice_id=invoice_id, **command)
        return await ask_write_off(session, asked, books.house.approval_limit_cents, books.clock.now())


async def approve_writing_off(books: Books, write_off_id: UUID, by: Decider = CHECKER) -> WriteOff:
    async with books.unit() as session:
        return await approve_write_off(session, write_off_id, by, books.clock.now())


async def reject_writing_off(books: Books, write_off_id: UUID, by: Decider = CHECKER) -> WriteOff:
    async with books.unit() as session:
        return await reject_write_off(session, write_off_id, by, books.clock.now())


async def undo_write_off(books: Books, write_off_id: UUID) -> WriteOff:
    async with books.unit() as session:
        command = ReverseWriteOff(write_off_id, "They paid after all", MAKER)
        return await reverse_write_off(session, command, books.clock.now())
