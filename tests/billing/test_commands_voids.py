"""Voids of issued invoices: at once up to the limit, over it asked for by one operator and agreed to by another."""

from typing import Any

import pytest

from chassis.ids import new_id
from contracts.values import AdjustmentType
from services.billing.domain.adjustments import DebitReason
from services.billing.domain.statuses import AdjustmentState, InvoiceStatus
from services.billing.domain.voids import VoidReason, VoidState
from services.billing.errors import (
    HasPayments,
    InvoiceWrittenOff,
    MakerCannotApprove,
    VoidedOtherwise,
    VoidRequestDecided,
    VoidRequestIdTaken,
    VoidRequestNotFound,
    VoidRequestStands,
)
from services.billing.models import Invoice
from tests.billing.arrangements import MAKER, Books
from tests.billing.arrangements_settlement import (
    approve_voiding,
    approve_writing_off,
    ask_to_void,
    ask_to_write_off,
    client_invoices,
    reject_voiding,
    undo_write_off,
    waiting_void,
)
from tests.billing.test_models import CHECK, UNIQUE, refused

DEBIT = {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.PRICE_CORRECTION}


@pytest.fixture
async def large(books: Books) -> Invoice:
    """$330.00 of a client: a second operator has to agree."""
    (id_,) = await client_invoices(books, 30_000)
    return await books.invoice(id_)


class TestUpToTheLimit:
    async def test_one_operator_is_enough_and_nothing_waits(self, books: Books) -> None:
        small = await books.issued_invoice()
        for _ in range(2):
            assert await ask_to_void(books, small.id, reason=VoidReason.WRONG_DETAILS) is None
        assert (await books.invoice(small.id)).status is InvoiceStatus.VOID
        assert len(await books.published("invoice.voided")) == 1
        assert await books.value("SELECT count(*) FROM void_requests") == 0
        assert await books.published("invoice.void_asked") == []

    async def test_of_exactly_the_limit_one_is_enough_and_of_a_cent_more_not(self, books: Books) -> None:
        first, second = await client_invoices(books, 10_000, 10_000)
        assert await ask_to_void(books, first, limit_cents=11_000) is None
        assert (await waiting_void(books, second, limit_cents=10_999)).amount_cents == 11_000

    async def test_of_a_draft_one_is_enough_whatever_it_comes_to(self, books: Books) -> None:
        draft = await books.board_draft(1_000_000)
        assert await ask_to_void(books, draft) is None
        assert (await books.invoice(draft)).status is InvoiceStatus.VOID

    async def test_of_what_was_credited_down_to_it_one_is_enough(self, books: Books, large: Invoice) -> None:
        await books.credit(large.id, 12_000)
        assert await ask_to_void(books, large.id) is None
        assert (await books.invoice(large.id)).status is InvoiceStatus.VOID


class TestOverTheLimit:
    async def test_waits_for_another_operator(self, books: Books, large: Invoice) -> None:
        asked = await waiting_void(books, large.id, reason=VoidReason.WRONG_DETAILS, notes="Their old address")
        assert (asked.state, asked.amount_cents) == (VoidState.PENDING, 33_000)
        assert (await books.invoice(large.id)).status is InvoiceStatus.ISSUED
        assert await books.published("invoice.voided") == []
        (told,) = await books.published("invoice.void_asked")
        assert (told["state"], told["amount_cents"], told["reason_code"]) == ("pending", 33_000, "wrong_details")
        with pytest.raises(MakerCannotApprove):
            await approve_voiding(books, asked.id, MAKER)
        for _ in range(2):
            approved = await approve_voiding(books, asked.id)
        assert (approved.state, approved.decided_by_name) == (VoidState.APPROVED, "Chris Checker")
        after = await books.invoice(large.id)
        assert (after.status, after.void_reason_code) == (InvoiceStatus.VOID, "wrong_details")
        assert len(await books.published("invoice.voided")) == 1
        assert len(await books.published("invoice.void_asked")) == 1
        assert await books.trial_balance() == {}
        with pytest.raises(VoidRequestDecided):
            await reject_voiding(books, asked.id)

    async def test_turned_down_leaves_room_for_another(self, books: Books, large: Invoice) -> None:
        asked = await waiting_void(books, large.id)
        with pytest.raises(VoidRequestStands):
            await ask_to_void(books, large.id)
        for _ in range(2):
            assert (await reject_voiding(books, asked.id)).state is VoidState.REJECTED
        with pytest.raises(VoidRequestDecided):
            await approve_voiding(books, asked.id)
        assert (await waiting_void(books, large.id)).state is VoidState.PENDING
        told = await books.published("invoice.void_asked")
        assert [event["state"] for event in told] == ["pending", "rejected", "pending"]
        with pytest.raises(VoidRequestNotFound):
            await approve_voiding(books, new_id())

    async def test_twice_under_one_id_is_once(self, books: Books, large: Invoice) -> None:
        id_ = new_id()
        for _ in range(2):
            assert (await waiting_void(books, large.id, void_request_id=id_)).id == id_
        assert len(await books.published("invoice.void_asked")) == 1
        with pytest.raises(VoidRequestIdTaken):
            await ask_to_void(books, large.id, void_request_id=id_, reason=VoidReason.WRONG_DETAILS)

    async def test_is_not_asked_for_where_it_could_not_be(self, books: Books, large: Invoice) -> None:
        await books.pay(large.id, 1_000, "bank 1")
        with pytest.raises(HasPayments):
            await ask_to_void(books, large.id)
        assert await books.value("SELECT count(*) FROM void_requests") == 0

    async def test_turns_down_what_else_waits_once_it_is_agreed_to(self, books: Books, large: Invoice) -> None:
        credit = await books.credit(large.id, 25_000)
        written = await ask_to_write_off(books, large.id)
        asked = await waiting_void(books, large.id)
        await approve_voiding(books, asked.id)
        states = [
            await books.value("SELECT state FROM adjustments WHERE id = :id", id=credit.id),
            await books.value("SELECT state FROM write_offs WHERE id = :id", id=written.id),
        ]
        assert states == [AdjustmentState.REJECTED, "rejected"]


class TestWhatComesMeanwhile:
    """It is not held up, and ends in the void's refusal."""

    async def test_a_payment(self, books: Books, large: Invoice) -> None:
        asked = await waiting_void(books, large.id)
        await books.pay(large.id, 1, "bank 1")
        with pytest.raises(HasPayments):
            await approve_voiding(books, asked.id)

    @pytest.mark.parametrize("kind", [{}, DEBIT], ids=["a credit", "a debit"])
    async def test_what_adjusts_it(self, books: Books, large: Invoice, kind: dict[str, Any]) -> None:
        """Another amount is owed, even where it is within the limit by now."""
        asked = await waiting_void(books, large.id)
        await books.credit(large.id, 15_000, **kind)
        with pytest.raises(VoidedOtherwise):
            await approve_voiding(books, asked.id)
        assert (await books.invoice(large.id)).status is InvoiceStatus.ISSUED

    async def test_a_write_off_until_it_is_reversed(self, books: Books, large: Invoice) -> None:
        asked = await waiting_void(books, large.id)
        written = await ask_to_write_off(books, large.id)
        await approve_writing_off(books, written.id)
        with pytest.raises(InvoiceWrittenOff):
            await approve_voiding(books, asked.id)
        await undo_write_off(books, written.id)
        await approve_voiding(books, asked.id)
        assert (await books.invoice(large.id)).status is InvoiceStatus.VOID


class TestTheDatabase:
    async def test_takes_no_agreement_of_who_asked(self, books: Books, large: Invoice) -> None:
        await waiting_void(books, large.id)
        decided = "decided_by_name = 'Mia Maker', decided_at = now()"
        statement = f"UPDATE void_requests SET state = 'approved', decided_by_id = made_by_id, {decided}"
        assert await refused(books, statement) == CHECK

    async def test_keeps_one_that_waits_per_invoice(self, books: Books, large: Invoice) -> None:
        await waiting_void(books, large.id)
        columns = "invoice_id, amount_cents, reason_code, state, made_by_id, made_by_name, created_at"
        statement = f"INSERT INTO void_requests (id, {columns}) SELECT gen_random_uuid(), {columns} FROM void_requests"
        assert await refused(books, statement) == UNIQUE
