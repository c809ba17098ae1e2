"""Money on an issued invoice over HTTP: payments, credits, the second operator, the end by voiding."""

import pytest

from chassis.ids import new_id
from contracts.identity import Role
from services.billing.models import Invoice
from tests.billing.arrangements import Books, march, sent
from tests.billing.desk import Desk, code_of, faults, payment, render_all


@pytest.fixture
async def invoice(books: Books) -> Invoice:
    """$93.50 are owed."""
    return await books.issued_invoice()


class TestPayments:
    async def test_more_than_is_owed_is_refused(self, desk: Desk, invoice: Invoice) -> None:
        answer = await desk.ask("POST", f"/admin/billing/invoices/{invoice.id}/payments", payment(9_351, "bank 1"))
        assert (answer.status_code, code_of(answer)) == (409, "payment_exceeds_balance")

    async def test_tomorrows_money_is_refused(self, desk: Desk, invoice: Invoice) -> None:
        body = payment(350, "bank 1", received_at="2026-04-03T00:00:00Z")
        answer = await desk.ask("POST", f"/admin/billing/invoices/{invoice.id}/payments", body)
        assert (answer.status_code, code_of(answer)) == (422, "received_in_the_future")

    async def test_needs_a_fresh_second_factor(self, desk: Desk, invoice: Invoice) -> None:
        stale = desk.identity.stale_headers(Role.SUPER_ADMIN)
        path = f"/admin/billing/invoices/{invoice.id}/payments"
        assert code_of(await desk.ask("POST", path, payment(350, "bank 1"), headers=stale)) == "step_up_required"

    async def test_names_every_fault(self, desk: Desk, invoice: Invoice) -> None:
        body = {"amount_cents": 0, "received_at": "yesterday", "method": "shells", "reference": " "}
        answer = await desk.ask("POST", f"/admin/billing/invoices/{invoice.id}/payments", body)
        assert faults(answer) == {
            "amount_cents": "greater_than_equal",
            "received_at": "datetime_parsing",
            "method": "enum",
            "reference": "string_too_short",
        }


class TestAdjustments:
    async def test_a_small_credit_is_in_the_books_at_once(self, desk: Desk, books: Books, invoice: Invoice) -> None:
        body = {"type": "credit", "reason_code": "invalid_contact", "line_no": 1, "notes": "Number was not connected"}
        told = await desk.do("POST", f"/admin/billing/invoices/{invoice.id}/adjustments", body, status=201)
        assert (told["state"], told["inc_gst_cents"], told["number"]) == ("approved", 9_350, "WB-A-000001")
        await render_all(books)
        note = await desk.ask("GET", f"/admin/billing/adjustments/{told['id']}/document")
        assert note.content.startswith(b"%PDF")
        detail = await desk.get(f"/admin/billing/invoices/{invoice.id}")
        assert (detail["total_cents"], detail["credits_cents"], detail["gst_cents"]) == (0, 8_500, 0)
        assert (detail["issued_total_cents"], detail["issued_gst_cents"]) == (9_350, 850)

    async def test_a_large_one_waits_for_another_operator(self, desk: Desk, books: Books) -> None:
        installer_id = await books.priced_installer(100_000)
        invoice = await books.issued_invoice(sent(installer_id, march(3)))
        maker, checker = desk.as_another(new_id(), "Mia Maker"), desk.as_another(new_id())
        body = {"type": "credit", "reason_code": "system_fault", "amount_cents": 50_000}
        path = f"/admin/billing/invoices/{invoice.id}/adjustments"
        pending = await desk.do("POST", path, body, status=202, headers=maker)
        assert [row["id"] for row in await desk.items("/admin/billing/adjustments", state="pending")] == [pending["id"]]
        approve = f"/admin/billing/adjustments/{pending['id']}/approve"
        refused = await desk.ask("POST", approve, headers=maker)
        assert (refused.status_code, code_of(refused)) == (409, "maker_cannot_approve")
        approved = await desk.do("POST", approve, headers=checker)
        assert (approved["state"], approved["decided_by_name"]) == ("approved", "Chris Checker")
        actions = [row.action for row in await books.rows("SELECT action FROM audit_entries ORDER BY id")]
        assert actions == ["add_adjustment", "approve_adjustment"]

    async def test_may_be_rejected(self, desk: Desk, books: Books) -> None:
        invoice = await books.issued_invoice(sent(await books.priced_installer(100_000), march(3)))
        pending = await books.credit(invoice.id, 50_000)
        told = await desk.do("POST", f"/admin/billing/adjustments/{pending.id}/reject", {"notes": "Not proven"})
        assert told["state"] == "rejected"

    @pytest.mark.parametrize("reason", ["no_answer", "changed_mind", "chose_another", "price_shopping", "did_not_win"])
    async def test_sales_outcomes_are_refused_by_name(self, desk: Desk, invoice: Invoice, reason: str) -> None:
        body = {"type": "credit", "reason_code": reason, "amount_cents": 100}
        answer = await desk.ask("POST", f"/admin/billing/invoices/{invoice.id}/adjustments", body)
        assert (answer.status_code, code_of(answer)) == (409, "credit_reason_refused")
        assert reason in answer.json()["detail"]

    async def test_of_something_unknown(self, desk: Desk) -> None:
        for path in ("approve", "reject"):
            answer = await desk.ask("POST", f"/admin/billing/adjustments/{new_id()}/{path}")
            assert (answer.status_code, code_of(answer)) == (404, "adjustment_not_found")


class TestVoidAndResend:
    async def test_voids_with_a_reason(self, desk: Desk, books: Books, invoice: Invoice) -> None:
        body = {"reason_code": "wrong_details", "notes": "Wrong month"}
        told = await desk.do("POST", f"/admin/billing/invoices/{invoice.id}/void", body)
        assert (told["status"], told["number"], told["available_actions"]) == ("void", "WB-000001", [])
        (entry,) = await books.rows("SELECT * FROM audit_entries")
        assert (entry.before, entry.after["reason_code"]) == ({"status": "issued"}, "wrong_details")

    async def test_refuses_once_money_came_in(self, desk: Desk, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 1, "bank 1")
        path = f"/admin/billing/invoices/{invoice.id}/void"
        assert code_of(await desk.ask("POST", path, {"reason_code": "duplicate"})) == "invoice_has_payments"

    async def test_mails_the_same_document_again(self, desk: Desk, books: Books, invoice: Invoice) -> None:
        path = f"/admin/billing/invoices/{invoice.id}/resend"
        early = await desk.ask("POST", path)
        assert (early.status_code, code_of(early)) == (404, "document_not_ready")
        await render_all(books)
        await desk.do("POST", path)
        assert [event["send_no"] for event in await books.published("invoice.sent")] == [1, 2]
