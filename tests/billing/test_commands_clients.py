"""A client's invoice: one draft per board for ever, lines that can be changed until it is sent."""

from dataclasses import replace
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.values import GstTreatment, InvoiceKind
from services.billing.commands.client_invoices import DraftLine, SetLines, set_lines
from services.billing.commands.voids import VoidInvoice, VoidReason, void_invoice
from services.billing.domain.statuses import InvoiceStatus
from services.billing.errors import NotADraft, NotOfThisKind, NotReadyToIssue, VersionConflict
from services.billing.models import Invoice
from tests.billing.arrangements import NOW, Books, client_state


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

    async def test_one_per_board_for_ever(self, books: Books) -> None:
        board_id = new_id()
        first = await books.board_draft(board_id=board_id)
        assert await books.board_draft(999, board_id=board_id) == first
        async with books.unit() as session:
            await void_invoice(session, VoidInvoice(first, VoidReason.DUPLICATE, "Robin Field"), NOW)
        assert await books.board_draft(board_id=board_id) == first
        assert len(await books.published("invoice.drafted")) == 1


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
