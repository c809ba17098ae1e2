"""A client's invoice: one per board that counts, lines that can be changed until it is sent."""

from dataclasses import replace
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.values import GstTreatment, InvoiceKind
from services.billing.commands.client_invoices import (
    ClosedBoard,
    DraftLine,
    SetLines,
    draft_board_invoices,
    redraft_board_invoice,
    set_lines,
)
from services.billing.commands.payouts import PayoutMoved, PayoutStep, post_payouts
from services.billing.commands.voids import VoidInvoice, void_invoice
from services.billing.domain.statuses import InvoiceStatus
from services.billing.domain.voids import VoidReason
from services.billing.errors import NotADraft, NotOfThisKind, NotReadyToIssue, NotVoid, VersionConflict
from services.billing.models import Invoice
from tests.billing.arrangements import NOW, Books, client_state
from tests.billing.arrangements_settlement import client_invoices, void_whole


class TestDraftBoardInvoices:
    async def test_drafts_the_contracted_amount_ex_gst(self, books: Books) -> None:
        invoice = await books.invoice(await books.board_draft(1_234_565))
        assert (invoice.subtotal_cents, invoice.gst_cents, invoice.total_cents) == (1_234_565, 123_457, 1_358_022)
        assert (invoice.kind, invoice.purchase_order, invoice.version) == (InvoiceKind.CLIENT, "PO-7781", 1)
        (line,) = await books.rows("SELECT * FROM invoice_lines")
        assert (line.description, line.quantity, line.unit_price_cents) == ("Advisory board on payments", 1, 1_234_565)
        (event,) = await books.published("invoice.drafted")
        assert (event["client_id"], event["board_id"]) == (str(invoice.account_id), str(invoice.board_id))

    async def test_keeps_the_client_as_it_was_at_the_close_unless_a_newer_state_is_known(self, books: Books) -> None:
        client_id = new_id()
        await books.board_draft(client=client_state(client_id, version=4, name="Four"))
        await books.board_draft(client=client_state(client_id, version=3, name="Three"))
        assert await books.value("SELECT name FROM accounts WHERE id = :id", id=client_id) == "Four"

    async def test_one_per_board_that_is_closed(self, books: Books) -> None:
        board_id = new_id()
        first = await books.board_draft(board_id=board_id)
        assert await books.board_draft(999, board_id=board_id) == first
        await void_whole(books, first, VoidReason.DUPLICATE)
        assert await books.board_draft(board_id=board_id) == first
        assert len(await books.published("invoice.drafted")) == 1


class TestRedraft:
    async def void(self, books: Books, invoice_id: UUID) -> None:
        await void_whole(books, invoice_id, VoidReason.WRONG_DETAILS)

    async def redraft(self, books: Books, invoice_id: UUID) -> Invoice:
        async with books.unit() as session:
            return await redraft_board_invoice(session, invoice_id, NOW)

    async def test_of_a_void_invoice_bills_its_board_again(self, books: Books) -> None:
        first = await books.board_draft()
        async with books.unit() as session:
            await set_lines(session, SetLines(first, 1, TestSetLines.LINES))
        await books.issue(first, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
        await self.void(books, first)
        draft = await self.redraft(books, first)
        before = await books.invoice(first)
        assert (draft.board_id, draft.purchase_order) == (before.board_id, "PO-7781")
        assert (draft.status, draft.total_cents) == (InvoiceStatus.DRAFT, before.total_cents)
        assert draft.replaces_invoice_id == first
        lines = "SELECT line_no, description, unit_price_cents, gst_cents FROM invoice_lines WHERE invoice_id = :id"
        assert await books.rows(f"{lines} ORDER BY 1", id=draft.id) == await books.rows(f"{lines} ORDER BY 1", id=first)
        event = (await books.published("invoice.drafted"))[-1]
        assert (event["invoice_id"], event["replaces_invoice_id"]) == (str(draft.id), str(first))
        issued = await books.issue(draft.id, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
        await books.pay(draft.id, issued.balance_cents, "bank 1")
        (paid,) = await books.published("invoice.paid")
        assert (paid["invoice_id"], paid["board_id"]) == (str(draft.id), str(draft.board_id))
        assert sum((await books.trial_balance()).values()) == 0

    async def test_twice_is_once(self, books: Books) -> None:
        first = await books.board_draft()
        await self.void(books, first)
        draft = await self.redraft(books, first)
        assert (await self.redraft(books, first)).id == draft.id
        assert await books.value("SELECT count(*) FROM invoices") == 2

    async def test_again_and_again_leaves_one_that_counts(self, books: Books) -> None:
        invoice_id = await books.board_draft()
        for _ in range(3):
            await self.void(books, invoice_id)
            invoice_id = (await self.redraft(books, invoice_id)).id
        live = await books.rows("SELECT id FROM invoices WHERE document_status <> 'void'")
        assert [row.id for row in live] == [invoice_id]

    async def test_refuses_what_is_not_void_or_no_clients(self, books: Books) -> None:
        with pytest.raises(NotVoid):
            await self.redraft(books, await books.board_draft())
        installers = await books.draft_of(await books.priced_installer())
        await self.void(books, installers)
        with pytest.raises(NotOfThisKind):
            await self.redraft(books, installers)

    async def test_a_close_that_comes_again_after_it_drafts_nothing(self, books: Books) -> None:
        board_id = new_id()
        first = await books.board_draft(board_id=board_id)
        await self.void(books, first)
        await self.redraft(books, first)
        async with books.unit() as session:
            closed = ClosedBoard(board_id, "Board", client_state(new_id()), 5, None)
            await draft_board_invoices(session, [closed], NOW)
        assert await books.value("SELECT count(*) FROM invoices WHERE board_id = :id", id=board_id) == 2


class TestForNothing:
    """What a client need not pay any more is settled: its experts wait for that word."""

    LINES = (DraftLine("Board", 1, 100_000), DraftLine("Goodwill", 1, -100_000))

    async def test_an_invoice_that_comes_to_nothing_is_told_as_paid_when_it_is_issued(self, books: Books) -> None:
        invoice_id = await books.board_draft(100_000)
        async with books.unit() as session:
            await set_lines(session, SetLines(invoice_id, 1, self.LINES))
        invoice = await books.issue(invoice_id, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
        assert (invoice.status, invoice.paid_at) == (InvoiceStatus.PAID, NOW)
        events = [event["type"] for event in await books.published() if event["key"] == str(invoice_id)]
        assert events[-2:] == ["invoice.issued", "invoice.paid"]
        (paid,) = await books.published("invoice.paid")
        assert (paid["total_cents"], paid["board_id"]) == (0, str(invoice.board_id))

    async def test_one_that_credits_alone_settled_is_told_as_paid(self, books: Books) -> None:
        (invoice_id,) = await client_invoices(books, 10_000)
        await books.credit(invoice_id, None)
        (paid,) = await books.published("invoice.paid")
        assert (paid["invoice_id"], paid["total_cents"]) == (str(invoice_id), 0)

    async def test_that_it_had_been_told_is_said_when_it_is_voided(self, books: Books) -> None:
        (invoice_id,) = await client_invoices(books, 10_000)
        await books.credit(invoice_id, None)
        await void_whole(books, invoice_id, VoidReason.WRONG_DETAILS)
        (voided,) = await books.published("invoice.voided")
        invoice = await books.invoice(invoice_id)
        assert (voided["client_id"], voided["board_id"]) == (str(invoice.account_id), str(invoice.board_id))
        assert voided["paid_at"] == "2026-04-02T00:30:00Z"
        assert await books.trial_balance() == {}

    async def test_a_void_leaves_the_experts_their_pay(self, books: Books) -> None:
        """They earned it when the board closed; who is billed for it, and how, is between us and the client."""
        (invoice_id,) = await client_invoices(books, 10_000)
        moved = PayoutMoved(PayoutStep.ALLOCATED, "payout", new_id(), new_id(), 7_000, NOW)
        async with books.unit() as session:
            await post_payouts(session, [moved], NOW)
            await void_invoice(session, VoidInvoice(invoice_id, VoidReason.WRONG_DETAILS, "Robin Field"), NOW)
        assert await books.trial_balance() == {"expert_cost": 7_000, "expert_payable": -7_000}


class TestSetLines:
    LINES = (
        DraftLine("Advisory board, four sessions", 4, 250_000),
        DraftLine("Travel, at cost", 1, 33_335, GstTreatment.GST_FREE),
        DraftLine("Discount as agreed", 1, -100_005),
    )

    async def put(self, books: Books, invoice_id: UUID, version: int = 1, lines: object = LINES) -> Invoice:
        async with books.unit() as session:
            return await set_lines(session, SetLines(invoice_id, version, lines))  # type: ignore[arg-type]

    async def test_replaces_them_and_sums_anew(self, books: Books) -> None:
        invoice = await self.put(books, await books.board_draft())
        assert (invoice.subtotal_cents, invoice.gst_cents) == (1_000_000 + 33_335 - 100_005, 90_000)
        assert invoice.version == 2
        rows = await books.rows("SELECT ex_gst_cents, gst_cents, inc_gst_cents FROM invoice_lines ORDER BY line_no")
        assert [sum(column) for column in zip(*rows, strict=True)] == [933_330, 90_000, 1_023_330]

    async def test_tells_the_editor_that_somebody_was_faster(self, books: Books) -> None:
        invoice_id = await books.board_draft()
        await self.put(books, invoice_id)
        with pytest.raises(VersionConflict):
            await self.put(books, invoice_id, version=1)

    async def test_refuses_an_installers_invoice_and_one_that_is_sent(self, books: Books) -> None:
        with pytest.raises(NotOfThisKind):
            await self.put(books, await books.draft_of(await books.priced_installer()))
        invoice_id = await books.board_draft()
        await books.issue(invoice_id, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
        with pytest.raises(NotADraft):
            await self.put(books, invoice_id, version=2)

    async def test_a_draft_without_lines_or_below_nothing_cannot_be_sent(self, books: Books) -> None:
        invoice_id = await books.board_draft()
        await self.put(books, invoice_id, lines=())
        with pytest.raises(NotReadyToIssue, match="no lines"):
            await books.issue(invoice_id, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
        await self.put(books, invoice_id, version=2, lines=[replace(self.LINES[2])])
        with pytest.raises(NotReadyToIssue, match="less than nothing"):
            await books.issue(invoice_id, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)


async def test_installers_and_clients_share_one_series_of_numbers(books: Books) -> None:
    sent_invoice = await books.issue(await books.board_draft(), kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
    assert (sent_invoice.number, sent_invoice.status) == ("WB-000001", InvoiceStatus.ISSUED)
    assert sent_invoice.due_at is not None
    assert (sent_invoice.due_at - NOW).days == 30
    assert (await books.issued_invoice()).number == "WB-000002"
