"""Documents: rendered once outside the transaction, the same bytes for ever, mailed in order on one key."""

import base64
import hashlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.values import DocumentKind, GstTreatment, InvoiceKind, ProductType
from services.billing import rendering, typesetting
from services.billing.commands.accounts import apply_account_states
from services.billing.commands.client_invoices import DraftLine, SetLines, set_lines
from services.billing.commands.documents import Rendered, keep_document, resend_invoice
from services.billing.domain.printed import LONGEST_LIST, InvoiceFacts, PrintedLine, printed_invoice
from services.billing.domain.tax_invoice import Party
from services.billing.domain.voids import VoidReason
from services.billing.errors import DocumentNotReady, NotIssued
from services.billing.models import Invoice
from services.billing.queries import documents
from services.billing.rendering import NotRendered, Renderer, render
from services.billing.typesetting import typeset
from tests.billing.arrangements import NOW, SELLER, SYDNEY, Books, installer_state, march, sent, words
from tests.billing.arrangements_settlement import void_whole

pytestmark = pytest.mark.slow


async def rendered(books: Books) -> int:
    """Lets the loop run until it rests; how many documents it made."""
    renderer, count = Renderer(books.database, books.clock, SYDNEY), 0
    while await renderer.step():
        count += 1
    return count


async def text_of(books: Books, invoice_id: UUID) -> str:
    async with books.database.reading() as session:
        document = await documents.of_invoice(session, invoice_id)
    return words(document.content)


@pytest.fixture
async def invoice(books: Books) -> Invoice:
    """Two exclusive leads and a shared one."""
    installer_id = await books.priced_installer()
    return await books.issued_invoice(
        sent(installer_id, march(3, 9, 5)),
        sent(installer_id, march(4)),
        sent(installer_id, march(31, 23, 59), ProductType.SHARED),
        stripe_invoice_url="https://invoice.stripe.example/i/1",
    )


class TestTaxInvoice:
    async def test_holds_all_that_the_tax_office_asks_for(self, books: Books, invoice: Invoice) -> None:
        await rendered(books)
        text = await text_of(books, invoice.id)
        for element in (
            "Tax invoice WB-000001",
            "Waybill Pty Ltd",
            "ABN 51 824 753 556",
            "Issue date 2 April 2026",
            "Sunny Roofs Pty Ltd ABN 53 004 085 616 8 Crown Street Wollongong NSW 2500",
            "Exclusive leads delivered 2 $85.00 $170.00 $17.00 $187.00",
            "Shared leads delivered 1 $38.50 $38.50 $3.85 $42.35",
            "Subtotal ex GST $208.50",
            "GST (10%) $20.85",
            "Total inc. GST, AUD $229.35",
            "All lines are taxable.",
            "Due date 9 April 2026",
            "Period March 2026",
            "By 9 April 2026, quoting WB-000001. BSB 062-000 Account 1234 5678",
            "Online: https://invoice.stripe.example/i/1",
        ):
            assert element in text, element

    async def test_lists_each_delivery_at_the_time_of_the_business(self, books: Books, invoice: Invoice) -> None:
        await rendered(books)
        text = await text_of(books, invoice.id)
        assert "1 3 Mar 2026, 09:05 Exclusive lead, solar battery, Marrickville NSW 2204 $85.00 $8.50 $93.50" in text
        assert "3 31 Mar 2026, 23:59 Shared lead, solar battery, Marrickville NSW 2204 $38.50 $3.85 $42.35" in text

    async def test_of_a_client_shows_its_lines_and_its_purchase_order(self, books: Books) -> None:
        draft = await books.board_draft()
        lines = [DraftLine("Four sessions", 4, 250_000), DraftLine("Travel", 1, 33_335, GstTreatment.GST_FREE)]
        async with books.unit() as session:
            await set_lines(session, SetLines(draft, 1, lines))
        await books.issue(draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
        await rendered(books)
        text = await text_of(books, draft)
        assert "Purchase order PO-7781" in text
        assert "Four sessions 4 $2,500.00 $10,000.00 $1,000.00 $11,000.00" in text
        assert "Travel 1 $333.35 $333.35 GST-free $333.35" in text
        assert "Lines marked GST-free carry no GST, all others are taxable." in text

    async def test_shows_the_buyer_as_it_was_at_the_issue(self, books: Books, invoice: Invoice) -> None:
        async with books.unit() as session:
            state = installer_state(invoice.account_id, version=2, billing_name="Renamed Roofs Pty Ltd")
            await apply_account_states(session, [state], NOW)
        await rendered(books)
        assert "Sunny Roofs Pty Ltd" in await text_of(books, invoice.id)


class TestRender:
    def printed(self, count: int = 3, **changed: Any) -> dict[str, Any]:
        lines = [
            PrintedLine(
                description=f"Exclusive lead, solar battery, Suburb {n} NSW {2000 + n % 900}",
                quantity=1,
                unit_price_cents=8_500 + n % 7,
                gst_treatment=GstTreatment.TAXABLE,
                ex_gst_cents=8_500 + n % 7,
                gst_cents=850,
                delivered_at=march(1) + timedelta(minutes=17 * n),
                group="Exclusive leads delivered",
            )
            for n in range(count)
        ]
        facts: dict[str, Any] = {
            "number": "WB-000001",
            "seller": SELLER,
            "buyer": Party("Sunny Roofs Pty Ltd", None),
            "issued_at": NOW,
            "due_at": NOW,
            "lines": lines,
            "subtotal_cents": sum(line.ex_gst_cents for line in lines),
            "gst_cents": sum(line.gst_cents for line in lines),
            "total_cents": sum(line.inc_gst_cents for line in lines),
            **changed,
        }
        return printed_invoice(InvoiceFacts(**facts), SYDNEY)

    async def test_the_same_facts_give_the_same_bytes_here_and_in_a_process_of_their_own(self) -> None:
        assert typeset(self.printed()) == typeset(self.printed()) == await render(self.printed())

    async def test_what_cannot_be_set_is_told_without_its_words(self) -> None:
        with pytest.raises(NotRendered, match=r"^the typesetter ended with 1$"):
            await render({"title": "Tax invoice of somebody", "instant": 0})

    async def test_a_typesetter_that_hangs_is_ended(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        hanging = tmp_path / "hanging.py"
        hanging.write_text("import signal; signal.pause()")
        monkeypatch.setattr(rendering, "TYPESETTER", hanging)
        monkeypatch.setattr(rendering, "TYPESETTING_SECONDS", 0.2)
        with pytest.raises(NotRendered, match="too long"):
            await render(self.printed())

    def test_the_longest_list_is_small_enough_to_mail_and_says_what_it_leaves_out(self) -> None:
        pdf = typeset(self.printed(LONGEST_LIST + 1))
        assert len(pdf) < 150_000
        assert "the first 1,000 of 1,001" in words(pdf)

    def test_what_people_typed_is_text_and_not_markup(self) -> None:
        name = '#panic("x") *bold* $1 \\ <b> "quoted" _under_ `code` @ref Ünïcødé Αθήνα'
        assert " ".join(name.split()) in words(typeset(self.printed(buyer=Party(name, None))))

    def test_embeds_its_own_font_and_no_other(self) -> None:
        embedded = set(re.findall(rb"/BaseFont ?/([^ /]+)", typeset(self.printed())))
        assert embedded
        assert all(b"SourceSansPro" in font for font in embedded)

    def test_refuses_to_set_anything_without_its_font(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(typesetting, "FONT", "Nowhere Sans")
        with pytest.raises(typesetting.FontMissing):
            typeset(self.printed())


class TestKeepDocument:
    async def test_publishes_the_bytes_and_then_the_word_to_mail_them(self, books: Books, invoice: Invoice) -> None:
        assert await rendered(books) == 1
        events = [event for event in await books.published() if event["key"] == str(invoice.id)]
        assert [event["type"] for event in events] == [
            "invoice.drafted",
            "invoice.issued",
            "invoice.deliveries_listed",
            "invoice.document_rendered",
            "invoice.sent",
        ]
        assert [event["version"] for event in events] == [1, 2, 3, 4, 5]
        document, word = events[3], events[4]
        content = base64.b64decode(document["content_base64"])
        assert hashlib.sha256(content).hexdigest() == document["sha256"]
        assert content == await books.value("SELECT content FROM documents")
        assert (document["file_name"], document["kind"]) == ("Tax-invoice-WB-000001.pdf", "tax_invoice")
        assert (word["document_id"], word["send_no"]) == (document["document_id"], 1)
        assert word["recipient_email"] == "accounts@sunny-roofs.example"
        assert word["payment_url"] == "https://invoice.stripe.example/i/1"

    async def test_happens_once(self, books: Books, invoice: Invoice) -> None:
        await rendered(books)
        assert await rendered(books) == 0
        async with books.unit() as session:
            await keep_document(session, Rendered(DocumentKind.TAX_INVOICE, invoice.id, b"%PDF other"), NOW)
        assert await books.value("SELECT count(*) FROM documents") == 1
        assert len(await books.published("invoice.sent")) == 1

    async def test_one_that_fails_lets_the_others_pass(
        self, books: Books, invoice: Invoice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        books.clock.advance(timedelta(minutes=1))
        second = await books.issued_invoice()

        async def failing(printed: dict[str, Any]) -> bytes:
            if printed["number"] == invoice.number:
                raise NotRendered("cannot be set")
            return await render(printed)

        monkeypatch.setattr(rendering, "render", failing)
        assert await rendered(books) == 2
        assert [row.invoice_id for row in await books.rows("SELECT invoice_id FROM documents")] == [second.id]


class TestVoid:
    """What was issued has its document for good, and nobody is mailed what is void."""

    async def void(self, books: Books, invoice: Invoice) -> None:
        await void_whole(books, invoice.id, VoidReason.DUPLICATE)

    async def test_a_note_that_was_not_rendered_yet_is_kept_and_not_mailed(
        self, books: Books, invoice: Invoice
    ) -> None:
        await rendered(books)
        adjustment = await books.credit(invoice.id, 1_000)
        await self.void(books, invoice)
        assert await rendered(books) == 1
        async with books.database.reading() as session:
            note = await documents.of_adjustment(session, adjustment.id)
        assert "Adjustment note WB-A-000001" in words(note.content)
        assert [event["send_no"] for event in await books.published("invoice.sent")] == [1]
        assert await rendered(books) == 0

    async def test_an_invoice_that_was_not_rendered_yet_is_kept_and_not_mailed(
        self, books: Books, invoice: Invoice
    ) -> None:
        adjustment = await books.credit(invoice.id, 1_000)
        await self.void(books, invoice)
        assert await rendered(books) == 2
        assert "Total inc. GST, AUD $229.35" in await text_of(books, invoice.id)
        async with books.database.reading() as session:
            assert (await documents.of_adjustment(session, adjustment.id)).number == "WB-A-000001"
        assert await books.published("invoice.sent") == []
        assert await books.published("invoice.document_rendered") == []
        assert await rendered(books) == 0

    async def test_a_void_draft_has_none(self, books: Books) -> None:
        draft = await books.invoice(await books.draft_of(await books.priced_installer()))
        await self.void(books, draft)
        assert await rendered(books) == 0


class TestResendInvoice:
    async def resend(self, books: Books, invoice_id: UUID) -> None:
        async with books.unit() as session:
            await resend_invoice(session, invoice_id, books.clock.now())

    async def test_sends_the_same_document_to_the_address_of_today(self, books: Books, invoice: Invoice) -> None:
        await rendered(books)
        async with books.unit() as session:
            state = installer_state(invoice.account_id, version=2, billing_email="new@sunny-roofs.example")
            await apply_account_states(session, [state], NOW)
        await self.resend(books, invoice.id)
        first, second = await books.published("invoice.sent")
        assert second["document_id"] == first["document_id"]
        assert (second["send_no"], second["recipient_email"]) == (2, "new@sunny-roofs.example")
        assert len(await books.published("invoice.document_rendered")) == 1

    async def test_waits_for_the_document(self, books: Books, invoice: Invoice) -> None:
        with pytest.raises(DocumentNotReady):
            await self.resend(books, invoice.id)

    async def test_refuses_a_draft(self, books: Books) -> None:
        with pytest.raises(NotIssued):
            await self.resend(books, await books.draft_of(await books.priced_installer()))


class TestAdjustmentNote:
    async def test_says_of_which_invoice_why_and_what_it_does(self, books: Books, invoice: Invoice) -> None:
        await rendered(books)
        adjustment = await books.credit(invoice.id, None, line_no=1)
        assert await rendered(books) == 1
        async with books.database.reading() as session:
            note = await documents.of_adjustment(session, adjustment.id)
        text = words(note.content)
        for element in (
            "Adjustment note WB-A-000001",
            "ABN 51 824 753 556",
            "For tax invoice WB-000001",
            "Reason Invalid contact",
            "The price of tax invoice WB-000001 is reduced by $93.50, of which $8.50 is GST.",
            "Exclusive lead, solar battery, Marrickville NSW 2204 1 $85.00 $85.00 $8.50 $93.50",
            "Credit inc. GST, AUD $93.50",
        ):
            assert element in text, element
        assert "By 9 April" not in text

    async def test_is_mailed_as_the_next_sending_of_its_invoice(self, books: Books, invoice: Invoice) -> None:
        await rendered(books)
        await books.credit(invoice.id, 1_000)
        await rendered(books)
        _, word = await books.published("invoice.sent")
        _, document = await books.published("invoice.document_rendered")
        assert (document["kind"], document["number"]) == ("adjustment_note", "WB-A-000001")
        assert (word["send_no"], word["number"]) == (2, "WB-A-000001")
        assert word["document_id"] == document["document_id"]

    async def test_a_pending_one_has_none(self, books: Books, invoice: Invoice) -> None:
        await rendered(books)
        await books.credit(invoice.id, 19_000)
        assert await rendered(books) == 0
