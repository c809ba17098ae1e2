"""Clients' invoices over HTTP: the routes of the operations page."""

from typing import Any
from uuid import UUID

import pytest

from contracts.identity import Role
from services.billing.rendering import Renderer
from tests.billing.arrangements import SYDNEY, Books
from tests.billing.desk import Desk, code_of, faults


@pytest.fixture
async def draft(books: Books) -> UUID:
    """$12,000.00 ex GST."""
    return await books.board_draft()


class TestLines:
    LINES = [
        {"description": "Advisory board, four sessions", "quantity": 4, "unit_price_cents": 300_000},
        {"description": "Discount as agreed", "quantity": 1, "unit_price_cents": -50_000},
        {"description": "Travel", "quantity": 1, "unit_price_cents": 33_335, "gst_treatment": "gst_free"},
    ]

    async def test_are_replaced_under_their_version(self, desk: Desk, books: Books, draft: UUID) -> None:
        path = f"/admin/ops/invoices/{draft}"
        before = await desk.get(path)
        told = await desk.do("PUT", f"{path}/lines", {"version": before["version"], "lines": self.LINES})
        assert (told["subtotal_cents"], told["gst_cents"], told["version"]) == (1_183_335, 115_000, 2)
        assert [line["line_no"] for line in told["lines"]] == [1, 2, 3]
        again = await desk.ask("PUT", f"{path}/lines", {"version": before["version"], "lines": []})
        assert (again.status_code, code_of(again)) == (409, "version_conflict")
        (entry,) = await books.rows("SELECT * FROM audit_entries")
        assert (len(entry.before["lines"]), len(entry.after["lines"])) == (1, 3)

    async def test_names_every_fault(self, desk: Desk, draft: UUID) -> None:
        bad = {"description": "", "quantity": 0, "unit_price_cents": 1.5, "colour": "red"}
        answer = await desk.ask("PUT", f"/admin/ops/invoices/{draft}/lines", {"version": 1, "lines": [bad]})
        assert faults(answer) == {
            "lines.0.description": "string_too_short",
            "lines.0.quantity": "greater_than_equal",
            "lines.0.unit_price_cents": "int_type",
            "lines.0.colour": "extra_forbidden",
        }

    async def test_markup_in_a_description_stays_text(self, desk: Desk, draft: UUID) -> None:
        lines = [{"description": "<script>alert(1)</script>'; DROP TABLE--", "quantity": 1, "unit_price_cents": 1}]
        told = await desk.do("PUT", f"/admin/ops/invoices/{draft}/lines", {"version": 1, "lines": lines})
        assert told["lines"][0]["description"] == lines[0]["description"]


class TestSend:
    async def test_issues_and_queues_the_mail_and_marks_it_sent(self, desk: Desk, books: Books, draft: UUID) -> None:
        told = await desk.do("POST", f"/admin/ops/invoices/{draft}/send")
        assert (told["status"], told["number"], told["sent_at"]) == ("issued", "WB-000001", "2026-04-02T00:30:00Z")
        assert told["due_at"] == "2026-05-02T13:59:59Z"
        renderer = Renderer(books.database, books.clock, SYDNEY)
        assert await renderer.step()
        (word,) = await books.published("invoice.sent")
        assert (word["recipient_email"], word["kind"]) == ("ap@harbour-bank.example", "client")
        document = await desk.ask("GET", f"/admin/ops/invoices/{draft}/document")
        assert document.content == await books.value("SELECT content FROM documents")

    async def test_twice_is_once(self, desk: Desk, books: Books, draft: UUID) -> None:
        for _ in range(2):
            assert (await desk.do("POST", f"/admin/ops/invoices/{draft}/send", {}))["number"] == "WB-000001"
        assert len(await books.published("invoice.issued")) == 1
        assert await books.value("SELECT count(*) FROM audit_entries") == 1

    async def test_takes_a_stripe_reference_and_a_due_day(self, desk: Desk, draft: UUID) -> None:
        body = {"stripe_invoice_id": "in_board0001", "due_at": "2026-04-20T23:59:59+10:00"}
        told = await desk.do("POST", f"/admin/ops/invoices/{draft}/send", body)
        assert (told["stripe_invoice_id"], told["due_at"]) == ("in_board0001", "2026-04-20T13:59:59Z")

    async def test_refuses_what_is_not_ready(self, desk: Desk, draft: UUID) -> None:
        await desk.do("PUT", f"/admin/ops/invoices/{draft}/lines", {"version": 1, "lines": []})
        answer = await desk.ask("POST", f"/admin/ops/invoices/{draft}/send")
        assert (answer.status_code, faults(answer)) == (409, {"finance": "lines_missing"})


class TestMarkPaid:
    async def test_posts_the_ledger_and_says_paid_once(self, desk: Desk, books: Books, draft: UUID) -> None:
        await desk.do("POST", f"/admin/ops/invoices/{draft}/send")
        path = f"/admin/ops/invoices/{draft}/mark-paid"
        for _ in range(2):
            told = await desk.do("POST", path, {"reference": "EFT 4411"})
            assert (told["status"], told["balance_cents"]) == ("paid", 0)
        assert len(await books.published("invoice.paid")) == 1
        assert await books.trial_balance() == {"cash": 1_320_000, "revenue": -1_200_000, "gst_payable": -120_000}

    async def test_at_stripe_needs_stripes_id(self, desk: Desk, draft: UUID) -> None:
        await desk.do("POST", f"/admin/ops/invoices/{draft}/send")
        path = f"/admin/ops/invoices/{draft}/mark-paid"
        answer = await desk.ask("POST", path, {"method": "stripe", "reference": "card"})
        assert (answer.status_code, code_of(answer)) == (422, "stripe_payment_id_missing")
        told = await desk.do("POST", path, {"method": "stripe", "external_payment_ref": "pi_123456789"})
        assert (told["status"], told["payments"][0]["external_payment_ref"]) == ("paid", "pi_123456789")

    async def test_needs_no_body(self, desk: Desk, draft: UUID) -> None:
        await desk.do("POST", f"/admin/ops/invoices/{draft}/send")
        told = await desk.do("POST", f"/admin/ops/invoices/{draft}/mark-paid")
        assert (told["status"], told["payments"][0]["reference"]) == ("paid", "WB-000001/1")

    async def test_needs_a_fresh_second_factor(self, desk: Desk, draft: UUID) -> None:
        stale = desk.identity.stale_headers(Role.ADMIN)
        answer = await desk.ask("POST", f"/admin/ops/invoices/{draft}/mark-paid", headers=stale)
        assert code_of(answer) == "step_up_required"

    async def test_refuses_a_draft(self, desk: Desk, draft: UUID) -> None:
        answer = await desk.ask("POST", f"/admin/ops/invoices/{draft}/mark-paid")
        assert (answer.status_code, code_of(answer)) == (409, "invoice_not_issued")


class TestRedraft:
    async def test_bills_the_board_of_a_void_invoice_again(self, desk: Desk, books: Books, draft: UUID) -> None:
        path = f"/admin/ops/invoices/{draft}/redraft"
        early = await desk.ask("POST", path)
        assert (early.status_code, code_of(early)) == (409, "invoice_not_void")
        voided = await desk.do("POST", f"/admin/billing/invoices/{draft}/void", {"reason_code": "wrong_details"})
        assert voided["available_actions"] == ["redraft"]
        for _ in range(2):
            told = await desk.do("POST", path, status=201)
            assert (told["status"], told["replaces_invoice_id"], told["total_cents"]) == (
                "draft",
                str(draft),
                1_320_000,
            )
        assert (await desk.get(f"/admin/ops/invoices/{draft}"))["available_actions"] == []
        sent = await desk.do("POST", f"/admin/ops/invoices/{told['id']}/send")
        assert (sent["number"], sent["board_id"]) == ("WB-000001", voided["board_id"])
        actions = [row.action for row in await books.rows("SELECT action FROM audit_entries ORDER BY id")]
        assert actions == ["void_invoice", "redraft_invoice", "send_invoice"]


class TestList:
    async def test_narrows_by_client_status_and_fiscal_quarter(self, desk: Desk, books: Books, draft: UUID) -> None:
        other = await books.board_draft()
        await books.issued_invoice()
        await desk.do("POST", f"/admin/ops/invoices/{other}/send")

        async def found(**narrowed: Any) -> set[str]:
            return {row["id"] for row in await desk.items("/admin/ops/invoices", **narrowed)}

        assert await found() == {str(draft), str(other)}
        assert await found(status="draft") == {str(draft)}
        assert await found(client_id=str((await books.invoice(other)).account_id)) == {str(other)}
        assert await found(fiscal_quarter="FY2026-Q4") == {str(draft), str(other)}
        assert await found(fiscal_quarter="FY2026-Q3") == set()
        answer = await desk.ask("GET", "/admin/ops/invoices", params={"fiscal_quarter": "2026-Q3"})
        assert faults(answer) == {"fiscal_quarter": "string_pattern_mismatch"}

    async def test_an_installers_invoice_is_none_of_these(self, desk: Desk, books: Books) -> None:
        invoice = await books.issued_invoice()
        for method, path in (("GET", ""), ("GET", "/document"), ("POST", "/send"), ("POST", "/mark-paid")):
            answer = await desk.ask(method, f"/admin/ops/invoices/{invoice.id}{path}")
            assert (answer.status_code, code_of(answer)) == (404, "invoice_not_found"), path
