"""Money on an issued invoice over HTTP: payments, credits, the second operator, the end by voiding."""

from datetime import timedelta
from typing import Any

import pytest

from chassis.ids import new_id
from contracts.identity import Role
from services.billing.domain.adjustments import CREDIT_DAYS
from services.billing.models import Invoice
from tests.billing.arrangements import Books, march, sent
from tests.billing.arrangements_settlement import client_invoices
from tests.billing.desk import Desk, answering, code_of, faults, payment, render_all
from tests.billing.fake_stripe import FakeStripe
from tests.kit.identity import TestIdentity


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

    @pytest.mark.parametrize("reference", ["bank 1", "in_123456789", "pi_1"])
    async def test_checks_the_form_of_stripes_id(self, desk: Desk, invoice: Invoice, reference: str) -> None:
        body = payment(350, "bank 1", method="stripe", external_payment_ref=reference)
        answer = await desk.ask("POST", f"/admin/billing/invoices/{invoice.id}/payments", body)
        assert faults(answer) == {"external_payment_ref": "string_pattern_mismatch"}

    @pytest.mark.parametrize("body", [payment(350, "bank 1", method="stripe"), payment(350, "pi_123456789")])
    async def test_one_at_stripe_needs_its_id_in_its_place(
        self, desk: Desk, invoice: Invoice, body: dict[str, Any]
    ) -> None:
        answer = await desk.ask("POST", f"/admin/billing/invoices/{invoice.id}/payments", body)
        assert (answer.status_code, code_of(answer)) == (422, "stripe_payment_id_missing")
        assert faults(answer) == {"external_payment_ref": "missing"}

    async def test_with_a_key_stripe_is_asked_what_it_has(self, books: Books, identity: TestIdentity) -> None:
        stripe = FakeStripe()
        invoice = await books.issued_invoice(stripe_invoice_id=stripe.add_invoice(9_350))
        reference = stripe.pay(invoice.stripe_invoice_id or "", 9_350)
        path = f"/admin/billing/invoices/{invoice.id}/payments"

        async def told(amount_cents: int, reference: str) -> tuple[int, str]:
            async with answering(books.database, identity, books.clock, stripe) as desk:
                body = payment(amount_cents, f"receipt {amount_cents}", external_payment_ref=reference)
                answer = await desk.ask("POST", path, body)
            return answer.status_code, "" if answer.is_success else code_of(answer)

        assert await told(8_250, reference) == (409, "stripe_payment_differs")
        assert await told(9_350, "pi_nowhere") == (409, "stripe_payment_differs")
        stripe.silent = 1
        assert await told(9_350, reference) == (503, "stripe_unavailable")
        assert await books.value("SELECT count(*) FROM payments") == 0
        assert await told(9_350, reference) == (201, "")


class TestCustomerCredit:
    async def test_from_an_over_payment_to_another_invoice(self, desk: Desk, books: Books) -> None:
        first, second = await client_invoices(books, 10_000, 5_000)
        path = f"/admin/billing/invoices/{first}/payments"
        paid = await desk.do("POST", path, payment(14_000, "bank 1", excess_to_credit=True), status=201)
        shown = paid["invoice"]
        assert (shown["total_cents"], shown["paid_cents"], shown["customer_credit_cents"]) == (11_000, 14_000, 3_000)
        assert (shown["balance_cents"], shown["status"]) == (0, "paid")
        account = await desk.get(f"/admin/billing/accounts/{shown['account_id']}")
        assert account["customer_credit_cents"] == 3_000

        owed = await desk.get(f"/admin/billing/invoices/{second}")
        assert "apply_credit" in owed["available_actions"]
        body = {"application_id": str(new_id())}
        for _ in range(2):
            applied = await desk.do("POST", f"/admin/billing/invoices/{second}/apply-credit", body, status=201)
            assert (applied["balance_cents"], applied["status"]) == (2_500, "partially_paid")
        assert applied["customer_credit_cents"] == -3_000
        assert "apply_credit" not in applied["available_actions"]

        books_ = await desk.get("/admin/billing/journal/trial-balance")
        assert (books_["customer_credit_ledger_cents"], books_["customer_credit_accounts_cents"]) == (0, 0)
        assert books_["ties"]
        found = await desk.items("/admin/billing/invoices", status="partially_paid")
        assert [row["id"] for row in found] == [str(second)]
        paid, applied = await books.rows("SELECT action, before, after FROM audit_entries ORDER BY id")
        assert (paid.action, paid.before) == ("record_payment", {"balance_cents": 11_000, "status": "issued"})
        assert (paid.after["balance_cents"], paid.after["status"]) == (0, "paid")
        assert (applied.action, applied.before) == ("apply_credit", {"balance_cents": 5_500})
        assert applied.after == {"balance_cents": 2_500, "amount_cents": 3_000}

    async def test_refuses_what_there_is_not(self, desk: Desk, invoice: Invoice) -> None:
        path = f"/admin/billing/invoices/{invoice.id}/apply-credit"
        answer = await desk.ask("POST", path, {"amount_cents": 100})
        assert (answer.status_code, code_of(answer)) == (409, "customer_credit_exceeded")

    async def test_needs_a_fresh_second_factor(self, desk: Desk, invoice: Invoice) -> None:
        stale = desk.identity.stale_headers(Role.ADMIN)
        answer = await desk.ask("POST", f"/admin/billing/invoices/{invoice.id}/apply-credit", {}, headers=stale)
        assert code_of(answer) == "step_up_required"


class TestAdjustments:
    async def test_a_paid_invoice_is_credited_to_the_customer(self, desk: Desk, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 9_350, "bank 1")
        detail = await desk.get(f"/admin/billing/invoices/{invoice.id}")
        assert "adjust" in detail["available_actions"]
        body = {"type": "credit", "reason_code": "invalid_contact", "line_no": 1}
        await desk.do("POST", f"/admin/billing/invoices/{invoice.id}/adjustments", body, status=201)
        after = await desk.get(f"/admin/billing/invoices/{invoice.id}")
        assert (after["balance_cents"], after["customer_credit_cents"], after["total_cents"]) == (0, 9_350, 0)

    async def test_one_id_stands_for_one_content(self, desk: Desk, invoice: Invoice) -> None:
        path, id_ = f"/admin/billing/invoices/{invoice.id}/adjustments", str(new_id())
        body = {"type": "credit", "reason_code": "invalid_contact", "amount_cents": 1_000, "adjustment_id": id_}
        for _ in range(2):
            assert (await desk.do("POST", path, body, status=201))["ex_gst_cents"] == 1_000
        answer = await desk.ask("POST", path, body | {"amount_cents": 5_000})
        assert (answer.status_code, code_of(answer)) == (409, "adjustment_id_taken")

    async def test_a_debit_names_the_deliveries_that_came_late(
        self, desk: Desk, books: Books, invoice: Invoice
    ) -> None:
        await books.deliver(sent(invoice.account_id, march(30)))
        (late,) = await desk.items("/admin/billing/delivery-events", invoiced=False)
        path = f"/admin/billing/invoices/{invoice.id}/adjustments"
        body = {"type": "debit", "reason_code": "late_delivery", "delivery_event_ids": [late["id"]]}
        told = await desk.do("POST", path, body, status=201)
        assert (told["state"], told["inc_gst_cents"]) == ("approved", 9_350)
        again = await desk.ask("POST", path, body)
        assert (again.status_code, code_of(again)) == (409, "deliveries_not_late")
        assert faults(again) == {f"delivery_event_ids.{late['id']}": "delivery_is_billed"}
        shown = await desk.items("/admin/billing/delivery-events", invoiced=True)
        assert {row["invoice_number"] for row in shown} == {"WB-000001"}
        assert len(shown) == 2

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
        books.clock.instant += timedelta(days=14)
        (late,) = await desk.items("/admin/billing/adjustments", state="pending")
        (shown,) = (await desk.get(f"/admin/billing/invoices/{invoice.id}"))["adjustments"]
        assert late["days_left"] == shown["days_left"] == CREDIT_DAYS - 10
        approve = f"/admin/billing/adjustments/{pending['id']}/approve"
        refused = await desk.ask("POST", approve, headers=maker)
        assert (refused.status_code, code_of(refused)) == (409, "maker_cannot_approve")
        approved = await desk.do("POST", approve, headers=checker)
        assert (approved["state"], approved["decided_by_name"]) == ("approved", "Chris Checker")
        assert (pending["days_left"], approved["days_left"]) == (CREDIT_DAYS, None)
        # What stands is agreed to once, whoever says so again: its maker did not.
        assert await desk.do("POST", approve, headers=maker) == approved
        told = await books.rows("SELECT action, actor_name, before, after->>'state' AS state FROM audit_entries")
        assert [(row.action, row.actor_name, row.before, row.state) for row in told] == [
            ("add_adjustment", "Mia Maker", None, "pending"),
            ("approve_adjustment", "Chris Checker", {"state": "pending"}, "approved"),
        ]

    async def test_sent_twice_is_recorded_once(self, desk: Desk, books: Books, invoice: Invoice) -> None:
        body = {"type": "credit", "reason_code": "invalid_contact", "line_no": 1, "adjustment_id": str(new_id())}
        for _ in range(2):
            await desk.do("POST", f"/admin/billing/invoices/{invoice.id}/adjustments", body, status=201)
        assert await books.value("SELECT count(*) FROM audit_entries WHERE action = 'add_adjustment'") == 1

    async def test_that_waits_is_turned_down_by_a_void_and_that_is_recorded(self, desk: Desk, books: Books) -> None:
        invoice = await books.issued_invoice(sent(await books.priced_installer(100_000), march(3)))
        pending = await books.credit(invoice.id, 50_000)
        body, maker = {"reason_code": "issued_in_error"}, desk.as_another(new_id(), "Mia Maker")
        path = f"/admin/billing/invoices/{invoice.id}/void"
        asked = await desk.do("POST", path, body, status=202, headers=maker)
        for _ in range(2):
            await desk.do("POST", f"/admin/billing/void-requests/{asked['id']}/approve")
        [told] = await books.rows("SELECT before, after FROM audit_entries WHERE action = 'reject_adjustment'")
        assert (told.before, told.after["state"]) == ({"state": "pending"}, "rejected")
        assert told.after["adjustment_id"] == str(pending.id)

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


class TestVoidDelivery:
    async def test_takes_it_out_of_billing(self, desk: Desk, books: Books) -> None:
        await books.deliver(sent(await books.priced_installer(), march(3)))
        (row,) = await desk.items("/admin/billing/delivery-events")
        path = f"/admin/billing/delivery-events/{row['id']}/void"
        for _ in range(2):
            told = await desk.do("POST", path, {"reason_code": "duplicate_dispatch", "notes": "Sent twice"})
            assert (told["event_status"], told["credit_reason_code"]) == ("void", "duplicate_dispatch")
        assert len(await desk.items("/admin/billing/delivery-events", status="void")) == 1
        (entry,) = await books.rows("SELECT action, reason_code, reason_text FROM audit_entries")
        assert tuple(entry) == ("void_delivery", "duplicate_dispatch", "Sent twice")

    async def test_refuses_what_is_billed(self, desk: Desk, books: Books, invoice: Invoice) -> None:
        (row,) = await desk.items("/admin/billing/delivery-events")
        path = f"/admin/billing/delivery-events/{row['id']}/void"
        answer = await desk.ask("POST", path, {"reason_code": "system_fault"})
        assert (answer.status_code, code_of(answer)) == (409, "delivery_is_billed")


class TestVoidAndResend:
    async def test_voids_with_a_reason(self, desk: Desk, books: Books, invoice: Invoice) -> None:
        body = {"reason_code": "wrong_details", "notes": "Wrong month"}
        told = await desk.do("POST", f"/admin/billing/invoices/{invoice.id}/void", body)
        assert (told["status"], told["number"], told["available_actions"]) == ("void", "WB-000001", [])
        (entry,) = await books.rows("SELECT * FROM audit_entries")
        told_why = (entry.before, entry.reason_code, entry.reason_text)
        assert told_why == ({"status": "issued"}, "wrong_details", "Wrong month")

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
