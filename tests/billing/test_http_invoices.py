"""A month closed over HTTP, from the preview to the last payment."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from chassis.ids import new_id
from contracts.identity import Role
from contracts.values import ProductType
from services.billing.models import Invoice
from tests.billing.arrangements import HOUSE, MARCH, Books, march, sent
from tests.billing.desk import Desk, answering, code_of, faults, payment, render_all
from tests.billing.fake_stripe import FakeStripe
from tests.kit.identity import TestIdentity

MONTH = {"period": "2026-03"}


@pytest.fixture
async def invoice(books: Books) -> Invoice:
    return await books.issued_invoice()


class TestClosingAMonth:
    async def test_from_preview_to_paid(self, desk: Desk, books: Books) -> None:
        installer_id = await books.priced_installer()
        await books.deliver(sent(installer_id, march(3)), sent(installer_id, march(4), ProductType.SHARED))
        preview = await desk.get("/admin/billing/preview-invoice-period", **MONTH)
        assert (preview["can_close"], preview["total_cents"]) == (True, 13_585)
        assert preview["period_start"] == "2026-02-28T13:00:00Z"
        assert [group["count"] for group in preview["installers"][0]["groups"]] == [1, 1]

        run = await desk.do("POST", "/admin/billing/generate-invoice-drafts", MONTH)
        assert (run["drafted_count"], run["failed_count"]) == (1, 0)
        invoice_id = run["results"][0]["invoice_id"]

        path = f"/admin/billing/invoices/{invoice_id}"
        draft = await desk.get(path)
        assert (draft["status"], draft["number"], draft["available_actions"]) == (
            "draft",
            None,
            ["mark_issued", "void"],
        )
        assert [blocker["code"] for blocker in draft["blockers"]] == ["stripe_reference_missing"]

        export = await desk.get(f"{path}/export")
        assert export["total_cents"] == 13_585

        issue = {"stripe_invoice_id": "in_march0001", "stripe_invoice_url": "https://invoice.stripe.example/i/1"}
        issued = await desk.do("POST", f"{path}/mark-issued", issue)
        assert (issued["number"], issued["status"], issued["due_at"]) == (
            "WB-000001",
            "issued",
            "2026-04-09T13:59:59Z",
        )
        assert (issued["document"], issued["blockers"]) == (None, [])

        await render_all(books)
        document = await desk.ask("GET", f"{path}/document")
        assert document.headers["content-type"] == "application/pdf"
        assert document.content == await books.value("SELECT content FROM documents")
        assert 'filename="Tax-invoice-WB-000001.pdf"' in document.headers["content-disposition"]

        part = payment(3_585, "bank 1")
        partly = await desk.do("POST", f"{path}/payments", part, status=201)
        assert (partly["invoice"]["status"], partly["invoice"]["balance_cents"]) == ("partially_paid", 10_000)
        rest = await desk.do("POST", f"{path}/payments", payment(10_000, "bank 2"), status=201)
        assert (rest["invoice"]["status"], rest["invoice"]["paid_cents"]) == ("paid", 13_585)
        assert [line["amount_cents"] for line in rest["invoice"]["payments"]] == [3_585, 10_000]

        books_ = await desk.get("/admin/billing/journal/trial-balance")
        assert (books_["ties"], books_["receivable_invoices_cents"]) == (True, 0)
        actions = [row.action for row in await books.rows("SELECT action FROM audit_entries ORDER BY id")]
        assert actions == ["generate_invoice_drafts", "export_invoice", "issue_invoice", *["record_payment"] * 2]


class TestPeriod:
    async def test_preview_by_post_names_installers(self, desk: Desk, books: Books) -> None:
        first, second = await books.priced_installer(), await books.priced_installer()
        await books.deliver(sent(first, march(3)), sent(second, march(3)))
        body = MONTH | {"installer_ids": [str(first)]}
        told = await desk.do("POST", "/admin/billing/preview-invoice-period", body)
        assert [row["installer_id"] for row in told["installers"]] == [str(first)]

    async def test_refuses_to_draft_before_the_end(self, desk: Desk, books: Books) -> None:
        books.clock.instant = MARCH.end - timedelta(seconds=1)
        answer = await desk.ask("POST", "/admin/billing/generate-invoice-drafts", MONTH)
        assert (answer.status_code, code_of(answer)) == (409, "period_not_ended")
        assert not (await desk.get("/admin/billing/preview-invoice-period", **MONTH))["can_close"]

    async def test_refuses_while_deliveries_are_held_and_names_each(self, desk: Desk, books: Books) -> None:
        held = sent(await books.installer(), march(3))
        await books.deliver(held)
        answer = await desk.ask("POST", "/admin/billing/generate-invoice-drafts", MONTH)
        assert (answer.status_code, code_of(answer)) == (409, "held_deliveries")
        assert faults(answer) == {f"assignments.{held.assignment_id}": "no_price_plan"}

    async def test_tells_who_failed_beside_who_was_drafted(self, desk: Desk, books: Books) -> None:
        issued = await books.issued_invoice()
        await books.deliver(sent(issued.account_id, march(20)), sent(await books.priced_installer(), march(3)))
        run = await desk.do("POST", "/admin/billing/generate-invoice-drafts", MONTH)
        assert (run["drafted_count"], run["failed_count"]) == (1, 1)
        (failed,) = [result for result in run["results"] if result["outcome"] == "failed"]
        assert (failed["installer_id"], failed["code"]) == (str(issued.account_id), "late_deliveries")

    @pytest.mark.parametrize("period", ["2026-3", "March", "2026-00", "", 202_603, None])
    async def test_refuses_a_month_that_is_none(self, desk: Desk, period: Any) -> None:
        answer = await desk.ask("POST", "/admin/billing/generate-invoice-drafts", {"period": period})
        assert answer.status_code == 422
        assert faults(answer).keys() == {"period"}


class TestInvoiceList:
    async def test_narrows_by_status_installer_month_and_lateness(self, desk: Desk, books: Books) -> None:
        issued, paid, part = [await books.issued_invoice() for _ in range(3)]
        await books.pay(paid.id, 9_350, "bank 1")
        await books.pay(part.id, 350, "bank 2")
        draft = await books.draft_of(await books.priced_installer())
        await books.board_draft()

        async def found(**narrowed: Any) -> set[str]:
            return {row["id"] for row in await desk.items("/admin/billing/invoices", **narrowed)}

        assert len(await found()) == 5
        assert await found(status="issued") == {str(issued.id)}
        assert await found(status="paid") == {str(paid.id)}
        assert await found(status="partially_paid") == {str(part.id)}
        assert await found(status="draft", kind="installer") == {str(draft)}
        assert await found(status="void") == set()
        assert await found(installer_id=str(issued.account_id)) == {str(issued.id)}
        assert len(await found(period="2026-03")) == 4
        assert await found(overdue=True) == set()
        books.clock.advance(timedelta(days=8))
        assert await found(overdue=True) == {str(issued.id), str(part.id)}

    async def test_says_by_how_many_days_each_is_late(self, desk: Desk, books: Books, invoice: Invoice) -> None:
        books.clock.advance(timedelta(days=10))
        (row,) = await desk.items("/admin/billing/invoices")
        assert (row["is_overdue"], row["days_overdue"], row["status"]) == (True, 3, "issued")


class TestMarkIssued:
    async def test_refuses_with_every_blocker(self, desk: Desk, books: Books) -> None:
        draft = await books.draft_of(await books.priced_installer(billing_email=""))
        answer = await desk.ask("POST", f"/admin/billing/invoices/{draft}/mark-issued", {})
        assert (answer.status_code, code_of(answer)) == (409, "not_ready_to_issue")
        assert faults(answer) == {"installer_care": "buyer_email_missing", "finance": "stripe_reference_missing"}

    async def test_checks_the_form_of_the_reference(self, desk: Desk, books: Books) -> None:
        draft = await books.draft_of(await books.priced_installer())
        body = {"stripe_invoice_id": "pi_123456", "stripe_invoice_url": "http://stripe.example"}
        answer = await desk.ask("POST", f"/admin/billing/invoices/{draft}/mark-issued", body)
        assert faults(answer) == {
            "stripe_invoice_id": "string_pattern_mismatch",
            "stripe_invoice_url": "string_pattern_mismatch",
        }

    async def test_needs_a_fresh_second_factor_and_the_capability(self, desk: Desk, invoice: Invoice) -> None:
        path = f"/admin/billing/invoices/{invoice.id}/mark-issued"
        stale = await desk.ask("POST", path, {}, headers=desk.identity.stale_headers(Role.ADMIN))
        assert (stale.status_code, code_of(stale)) == (403, "step_up_required")
        assert code_of(await desk.ask("POST", path, {}, role=Role.EDITOR)) == "capability_missing"

    async def test_twice_is_once(self, desk: Desk, books: Books, invoice: Invoice) -> None:
        body = {"stripe_invoice_id": invoice.stripe_invoice_id}
        told = await desk.do("POST", f"/admin/billing/invoices/{invoice.id}/mark-issued", body)
        assert told["number"] == "WB-000001"
        assert await books.value("SELECT count(*) FROM audit_entries") == 0


class TestWithAStripeKey:
    @pytest.fixture
    def stripe(self) -> FakeStripe:
        return FakeStripe()

    async def issue(
        self, books: Books, identity: TestIdentity, stripe: FakeStripe, stripe_invoice_id: str
    ) -> tuple[int, str, str]:
        draft = await books.draft_of(await books.priced_installer())
        async with answering(books.database, identity, books.clock, stripe) as desk:
            path, body = f"/admin/billing/invoices/{draft}/mark-issued", {"stripe_invoice_id": stripe_invoice_id}
            answer = await desk.ask("POST", path, body)
        return answer.status_code, answer.json().get("detail", ""), answer.json().get("number", "")

    async def test_a_total_that_matches_to_the_cent_issues(
        self, books: Books, identity: TestIdentity, stripe: FakeStripe
    ) -> None:
        outcome = await self.issue(books, identity, stripe, stripe.add_invoice(9_350))
        assert outcome == (200, "", "WB-000001")

    async def test_a_cent_off_names_both_amounts_and_the_lines_that_differ(
        self, books: Books, identity: TestIdentity, stripe: FakeStripe
    ) -> None:
        status, detail, _ = await self.issue(books, identity, stripe, stripe.add_invoice(9_351))
        line = "Stripe has no line of Exclusive leads delivered: 1 at $85.00, $85.00, GST $8.50"
        assert (status, detail) == (409, f"ours is $93.50, Stripe's is $93.51; {line}")

    async def test_a_silent_stripe_decides_nothing(
        self, books: Books, identity: TestIdentity, stripe: FakeStripe
    ) -> None:
        id_ = stripe.add_invoice(9_350)
        stripe.silent = 1
        status, detail, _ = await self.issue(books, identity, stripe, id_)
        assert status == 503
        assert "nothing was changed" in detail


class TestExport:
    async def test_is_enough_to_type_the_invoice_into_stripe(self, desk: Desk, books: Books) -> None:
        installer_id = await books.priced_installer()
        draft = await books.draft_of(
            installer_id, *(sent(installer_id, march(day)) for day in (3, 4)), sent(installer_id, march(5), SHARED)
        )
        told = await desk.get(f"/admin/billing/invoices/{draft}/export")
        assert told["customer"]["email"] == "accounts@sunny-roofs.example"
        assert (told["currency"], told["days_until_due"], told["description"]) == (
            "AUD",
            7,
            "Leads delivered in 2026-03",
        )
        assert told["items"] == [
            {
                "description": "Exclusive leads delivered",
                "quantity": 2,
                "unit_amount_cents": 8_500,
                "amount_cents": 17_000,
                "tax_rate": "GST 10% exclusive",
                "gst_cents": 1_700,
            },
            {
                "description": "Shared leads delivered",
                "quantity": 1,
                "unit_amount_cents": 3_850,
                "amount_cents": 3_850,
                "tax_rate": "GST 10% exclusive",
                "gst_cents": 385,
            },
        ]
        assert (told["subtotal_cents"], told["gst_cents"], told["total_cents"]) == (20_850, 2_085, 22_935)
        assert told["metadata"] == {"waybill_invoice_id": str(draft), "period": "2026-03"}
        assert len(told["lines"]) == 3

    async def test_as_a_list_for_a_spreadsheet(self, desk: Desk, books: Books) -> None:
        invoice = await books.issued_invoice()
        answer = await desk.ask("GET", f"/admin/billing/invoices/{invoice.id}/export.csv")
        assert answer.headers["content-type"].startswith("text/csv")
        (row,) = csv.DictReader(io.StringIO(answer.text))
        assert (row["number"], row["unit_price"], row["inc_gst"]) == ("WB-000001", "85.00", "93.50")
        assert row["delivered_at"] == "2026-03-10T12:00:00+11:00"

    async def test_runs_no_formula_in_the_spreadsheet(self, desk: Desk, books: Books) -> None:
        draft = await books.board_draft(title='=HYPERLINK("http://evil.example")')
        answer = await desk.ask("GET", f"/admin/billing/invoices/{draft}/export.csv")
        (row,) = csv.DictReader(io.StringIO(answer.text))
        assert row["description"].startswith("'=")


SHARED = ProductType.SHARED


class TestJournal:
    async def test_shows_postings_with_their_entries(self, desk: Desk, books: Books, invoice: Invoice) -> None:
        await books.pay(invoice.id, 9_350, "bank 1")
        postings = await desk.items("/admin/billing/journal/postings", invoice_id=str(invoice.id))
        assert {posting["kind"] for posting in postings} == {"invoice_issued", "payment_received"}
        assert all(sum(entry["amount_cents"] for entry in posting["entries"]) == 0 for posting in postings)


async def test_what_is_unknown_is_told_as_such(desk: Desk) -> None:
    for path in ("", "/export", "/export.csv", "/document"):
        answer = await desk.ask("GET", f"/admin/billing/invoices/{new_id()}{path}")
        assert (answer.status_code, code_of(answer)) == (404, "invoice_not_found"), path
    assert HOUSE.numbering.prefix == "WB"
