"""Accounts and price plans over HTTP."""

from typing import Any

import pytest

from chassis.ids import new_id
from contracts.identity import Role
from tests.billing.arrangements import NOW, Books, march, sent
from tests.billing.desk import Desk, code_of, faults

PLAN = {
    "effective_from": "2026-03-05T00:00:00+11:00",
    "exclusive_price_cents": 8_500,
    "shared_price_cents": 3_850,
    "reason": "Agreed by phone",
}


class TestAccounts:
    async def test_shows_the_terms_that_hold(self, desk: Desk, books: Books) -> None:
        installer_id = await books.installer()
        told = await desk.get(f"/admin/billing/accounts/{installer_id}")
        assert (told["name"], told["terms_days"], told["terms_override_days"]) == ("Sunny Roofs Pty Ltd", 7, None)

    async def test_sets_terms_and_stripe_customer_and_writes_down_who_did(self, desk: Desk, books: Books) -> None:
        path = f"/admin/billing/accounts/{await books.installer()}"
        body = {"terms_override_days": 21, "stripe_customer_id": "cus_sunnyroofs01", "reason": "Pays late, pays well"}
        for _ in range(2):
            told = await desk.do("PUT", path, body)
        assert (told["terms_days"], told["stripe_customer_id"]) == (21, "cus_sunnyroofs01")
        (entry,) = await books.rows("SELECT * FROM audit_entries")
        assert (entry.action, entry.before["terms_override_days"], entry.after["terms_override_days"]) == (
            "set_account",
            None,
            21,
        )
        assert (entry.actor_name, entry.reason_text) == ("Robin Field", "Pays late, pays well")

    async def test_refuses_a_customer_of_another_account(self, desk: Desk, books: Books) -> None:
        body = {"terms_override_days": None, "stripe_customer_id": "cus_sunnyroofs01"}
        await desk.do("PUT", f"/admin/billing/accounts/{await books.installer()}", body)
        answer = await desk.ask("PUT", f"/admin/billing/accounts/{await books.installer()}", body)
        assert (answer.status_code, code_of(answer)) == (409, "stripe_customer_taken")

    async def test_names_every_fault(self, desk: Desk, books: Books) -> None:
        body = {"terms_override_days": 366, "stripe_customer_id": "in_123456", "name": "x"}
        answer = await desk.ask("PUT", f"/admin/billing/accounts/{await books.installer()}", body)
        assert faults(answer) == {
            "terms_override_days": "less_than_equal",
            "stripe_customer_id": "string_pattern_mismatch",
            "name": "extra_forbidden",
        }

    async def test_lists_by_kind(self, desk: Desk, books: Books) -> None:
        await books.installer()
        await books.board_draft()
        assert [row["kind"] for row in await desk.items("/admin/billing/accounts", kind="client")] == ["client"]
        assert len(await desk.items("/admin/billing/accounts")) == 2

    async def test_refuses_an_unknown_one(self, desk: Desk) -> None:
        answer = await desk.ask("GET", f"/admin/billing/accounts/{new_id()}")
        assert (answer.status_code, code_of(answer)) == (404, "account_not_found")


class TestPricePlans:
    async def test_adds_versions_each_ending_where_the_next_begins(self, desk: Desk, books: Books) -> None:
        path = f"/admin/installers/{await books.installer()}/price-plans"
        added = await desk.do("POST", path, PLAN, status=201)
        assert (added["effective_from"], added["currency"], added["created_by"]) == (
            "2026-03-04T13:00:00Z",
            "AUD",
            "Robin Field",
        )
        later = PLAN | {"effective_from": "2026-04-01T00:00:00.000001Z", "shared_price_cents": 4_000}
        await desk.do("POST", path, later, status=201)
        await desk.do("POST", path, {"effective_from": "2026-06-01T00:00:00Z", "reason": "It leaves"}, status=201)
        plans = await desk.get(path)
        assert [plan["effective_to"] for plan in plans] == ["2026-04-01T00:00:00.000001Z", "2026-06-01T00:00:00Z", None]
        assert [plan["shared_price_cents"] for plan in plans] == [3_850, 4_000, None]
        assert await books.value("SELECT count(*) FROM audit_entries WHERE action = 'add_price_plan'") == 3

    async def test_says_which_held_deliveries_it_priced(self, desk: Desk, books: Books) -> None:
        installer_id = await books.installer()
        held = sent(installer_id, march(10))
        await books.deliver(held)
        (row,) = await desk.items("/admin/billing/held-deliveries")
        assert (row["assignment_id"], row["reason_code"]) == (str(held.assignment_id), "no_price_plan")
        added = await desk.do("POST", f"/admin/installers/{installer_id}/price-plans", PLAN, status=201)
        assert added["released_assignment_ids"] == [str(held.assignment_id)]
        assert await desk.items("/admin/billing/held-deliveries") == []

    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            ({"shared_price_cents": None}, {"": "prices_incomplete"}),
            ({"effective_from": "2026-03-05T00:00:00"}, {"effective_from": "timezone_aware"}),
            ({"effective_from": "9999-12-31T23:59:59-12:00"}, {"effective_from": "instant_out_of_range"}),
            ({"exclusive_price_cents": -1}, {"exclusive_price_cents": "greater_than_equal"}),
            ({"exclusive_price_cents": "8500"}, {"exclusive_price_cents": "int_type"}),
            ({"reason": None}, {"reason": "string_type"}),
            ({"reason": " "}, {"reason": "string_too_short"}),
        ],
    )
    async def test_names_what_is_wrong(
        self, desk: Desk, books: Books, change: dict[str, Any], fault: dict[str, str]
    ) -> None:
        answer = await desk.ask("POST", f"/admin/installers/{await books.installer()}/price-plans", PLAN | change)
        assert (answer.status_code, faults(answer)) == (422, fault)

    async def test_a_second_edit_of_one_instant_is_told(self, desk: Desk, books: Books) -> None:
        path = f"/admin/installers/{await books.installer()}/price-plans"
        await desk.do("POST", path, PLAN, status=201)
        await desk.do("POST", path, PLAN, status=201)
        answer = await desk.ask("POST", path, PLAN | {"exclusive_price_cents": 9_000})
        assert (answer.status_code, code_of(answer)) == (409, "price_plan_version_exists")

    async def test_needs_a_fresh_second_factor(self, desk: Desk, books: Books) -> None:
        path = f"/admin/installers/{await books.installer()}/price-plans"
        answer = await desk.ask("POST", path, PLAN, headers=desk.identity.stale_headers(Role.ADMIN))
        assert (answer.status_code, code_of(answer)) == (403, "step_up_required")

    async def test_an_editor_looks_and_does_not_price(self, desk: Desk, books: Books) -> None:
        path = f"/admin/installers/{await books.installer()}/price-plans"
        assert (await desk.ask("GET", path, role=Role.EDITOR)).status_code == 200
        answer = await desk.ask("POST", path, PLAN, role=Role.EDITOR)
        assert (answer.status_code, code_of(answer)) == (403, "capability_missing")


class TestDeliveryEvents:
    async def test_narrows_the_ledger(self, desk: Desk, books: Books) -> None:
        first, second = await books.priced_installer(), await books.priced_installer()
        delivery = sent(first, march(3))
        await books.deliver(delivery, sent(second, march(4)), sent(first, NOW))

        async def found(**narrowed: Any) -> int:
            return len(await desk.items("/admin/billing/delivery-events", **narrowed))

        assert await found() == 3
        assert await found(installer_id=str(first)) == 2
        assert await found(period="2026-03") == 2
        assert await found(status="credited") == await found(cap_status="released") == 0
        assert await found(lead_id=str(delivery.lead_id)) == 1
        assert await found(assignment_id=str(delivery.assignment_id)) == 1
        assert await found(product_type="exclusive") == 3
        assert await found(product_type="shared") == 0
        (draft,) = await books.drafts(installer_ids=[first])
        assert await found(invoice_id=str(draft.invoice_id)) == 1
        assert await found(invoiced=True) == 1
        assert await found(invoiced=False) == 2

    async def test_shows_finance_and_cap_status_and_the_invoice(self, desk: Desk, books: Books) -> None:
        invoice = await books.issued_invoice()
        (row,) = await desk.items("/admin/billing/delivery-events")
        assert (row["event_status"], row["cap_status"], row["unit_price_cents"]) == ("billable", "counted", 8_500)
        assert (row["invoice_id"], row["invoice_number"]) == (str(invoice.id), "WB-000001")
        assert row["stripe_invoice_id"] == invoice.stripe_invoice_id

    async def test_pages_the_latest_first(self, desk: Desk, books: Books) -> None:
        installer_id = await books.priced_installer()
        await books.deliver(*(sent(installer_id, march(day)) for day in (3, 1, 5, 2, 4)))
        path, days, cursor = "/admin/billing/delivery-events", [], None
        for _ in range(3):
            page = await desk.get(path, limit=2, **({"cursor": cursor} if cursor else {}))
            days += [row["delivered_at"][8:10] for row in page["items"]]
            cursor = page["next"]
        assert (days, cursor) == (["05", "04", "03", "02", "01"], None)

    async def test_refuses_a_month_that_is_none(self, desk: Desk) -> None:
        answer = await desk.ask("GET", "/admin/billing/delivery-events", params={"period": "2026-13"})
        assert faults(answer) == {"period": "string_pattern_mismatch"}
