"""Reconciliation over HTTP: runs, reports, differences and what is done about them, and who sees to Stripe."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.identity import Capability, Role
from services.billing.commands.operators import OperatorAsTold, keep_operators
from services.billing.domain.reconciliation import CURES
from services.billing.domain.webhooks import PAYMENT_TYPES
from services.billing.models import Invoice
from tests.billing.arrangements import NOW, Books
from tests.billing.arrangements_reconciliation import StripeSide, issued_reference, reconcile, work_off_runs
from tests.billing.desk import Desk, answering, code_of, faults
from tests.billing.fake_stripe import FakeStripe
from tests.kit.identity import TestIdentity

RUNS, DIFFERENCES, ROLES = "/admin/billing/reconciliations", "/admin/billing/differences", "/admin/billing/stripe-roles"
INVOICES = "Id,Total,Currency,Created (UTC),Status\n{id},{total},aud,2026-04-01 10:00,open\n"
ANOTHER = UUID(int=41)


@pytest.fixture
def stripe() -> FakeStripe:
    return FakeStripe()


@pytest.fixture
def theirs(stripe: FakeStripe) -> StripeSide:
    return StripeSide(stripe, NOW - timedelta(hours=2))


@pytest.fixture
async def invoice(books: Books) -> Invoice:
    return await books.issued_invoice()


async def known(books: Books, *, is_active: bool = True) -> None:
    capabilities = [str(Capability.MANAGE_BILLING_OPS)]
    async with books.unit() as session:
        told = OperatorAsTold(ANOTHER, "Chris Checker", "chris@waybill.example", is_active, capabilities, 1)
        await keep_operators(session, [told])


async def actions(books: Books) -> list[str]:
    return [row.action for row in await books.rows("SELECT action FROM audit_entries ORDER BY occurred_at, id")]


async def test_a_comparison_is_asked_for_worked_off_and_reviewed(
    books: Books, identity: TestIdentity, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
) -> None:
    theirs.invoice(issued_reference(invoice), 9_350)
    theirs.movement("topup", 700)
    async with answering(books.database, identity, books.clock, stripe) as desk:
        assert code_of(await desk.ask("POST", RUNS, role=Role.EDITOR)) == "capability_missing"
        early = await desk.ask("POST", f"{RUNS}/reviews", {})
        assert (early.status_code, code_of(early)) == (409, "nothing_reconciled")
        run = await desk.do("POST", RUNS, status=202)
        assert (await desk.do("POST", RUNS, status=202))["id"] == run["id"]
        await work_off_runs(books, stripe)
        found = await desk.get(f"{RUNS}/{run['id']}")
        assert (found["stage"], found["item_count"], found["open_count"]) == ("finished", 2, 0)
        stands = await desk.get("/admin/billing/stripe-standing")
        assert (stands["ours_balance_cents"], stands["theirs_balance_cents"], stands["difference_cents"]) == (
            700,
            700,
            0,
        )
        assert (stands["is_review_overdue"], stands["not_compared"]) == (True, [])
        review = await desk.do("POST", f"{RUNS}/reviews", {"note": "All well"}, status=201)
        assert (review["reconciliation_id"], review["open_count"]) == (run["id"], 0)
        stands = await desk.get("/admin/billing/stripe-standing")
        assert (stands["is_review_overdue"], stands["review_due_at"]) == (False, "2026-04-09T00:30:00Z")
        assert [each["id"] for each in await desk.items(RUNS)] == [run["id"]]
    assert await actions(books) == ["start_reconciliation", "review_reconciliation"]


async def test_without_a_key_a_report_is_compared_and_what_cannot_be_is_said(
    desk: Desk, books: Books, invoice: Invoice
) -> None:
    assert code_of(await desk.ask("POST", RUNS)) == "stripe_not_connected"
    wrong = await desk.ask("POST", f"{RUNS}/uploads", {"report": "invoices", "csv": "Id,Total\nx,y\n"})
    assert (wrong.status_code, code_of(wrong), faults(wrong)) == (422, "report_malformed", {"csv": "row_malformed"})
    report = INVOICES.format(id=invoice.stripe_invoice_id, total="93.51")
    run = await desk.do("POST", f"{RUNS}/uploads", {"report": "invoices", "csv": report}, status=201)
    await work_off_runs(books, None)
    assert (await desk.get(f"{RUNS}/{run['id']}"))["open_count"] == 1
    (difference,) = await desk.items(DIFFERENCES, state="open", kind="amount", about="invoice")
    assert (difference["code"], difference["ours_cents"], difference["theirs_cents"]) == (
        "invoice_amount_differs",
        9_350,
        9_351,
    )
    assert difference["available_deeds"] == ["assign", "accept"]
    assert code_of(await desk.ask("POST", f"{DIFFERENCES}/{difference['id']}/look-up")) == "stripe_not_connected"
    stands = await desk.get("/admin/billing/stripe-standing")
    assert stands["is_connected"] is False
    assert stands["not_compared"] == ["credit_note", "payment", "refund", "transfer", "movement", "balance"]
    assert stands["difference_cents"] is None


async def test_each_open_difference_has_who_reconciles_and_its_cure(
    books: Books, identity: TestIdentity, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
) -> None:
    theirs.invoice(issued_reference(invoice), 9_351)
    theirs.invoice("in_made_by_hand", 5_000)
    theirs.charge("pi_of_nobody", 5_000)
    await known(books)
    async with answering(books.database, identity, books.clock, stripe) as desk:
        roles = {"creator_id": None, "approver_id": None, "reconciler_id": str(ANOTHER)}
        await desk.do("PUT", ROLES, roles)
        await reconcile(books, stripe)
        found = {each["code"]: each for each in await desk.items(DIFFERENCES, state="open")}
        assert {"invoice_amount_differs", "invoice_not_here", "payment_not_here", "balance_amount_differs"} <= set(
            found
        )
        assert {(each["owner_id"], each["owner_name"]) for each in found.values()} == {(str(ANOTHER), "Chris Checker")}
        assert {code: each["cure"] for code, each in found.items()} == {code: CURES[code] for code in found}
        told = await books.published("difference.changed")
        assert {each["owner_name"] for each in told} == {"Chris Checker"}
        # Given back, it stays nobody's while it is open, whatever is said of it; gone and back, it is given anew.
        of_amount = f"{DIFFERENCES}/{found['invoice_amount_differs']['id']}"
        await desk.do("POST", f"{of_amount}/assign", {"owner_id": None})
        owners = []
        for total_cents in (9_352, 9_350, 9_351):
            theirs.change(issued_reference(invoice), amount_cents=total_cents)
            await reconcile(books, stripe)
            now = await desk.get(of_amount)
            owners.append((now["state"], now["owner_name"], now["cure"] is not None))
        assert owners == [("open", None, True), ("gone", None, False), ("open", "Chris Checker", True)]


async def test_who_may_not_see_to_it_any_more_gets_no_difference(
    books: Books, identity: TestIdentity, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
) -> None:
    theirs.invoice(issued_reference(invoice), 9_351)
    async with answering(books.database, identity, books.clock, stripe) as desk:
        roles = {"creator_id": None, "approver_id": None, "reconciler_id": str(ANOTHER)}
        await desk.do("PUT", ROLES, roles)
        await known(books, is_active=False)
        await reconcile(books, stripe)
        assert [each["owner_id"] for each in await desk.items(DIFFERENCES)] == [None]


async def test_a_difference_is_given_to_somebody_and_accepted_for_a_reason(
    books: Books, identity: TestIdentity, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
) -> None:
    theirs.invoice(issued_reference(invoice), 9_351)
    await reconcile(books, stripe)
    await known(books)
    async with answering(books.database, identity, books.clock, stripe) as desk:
        (difference,) = await desk.items(DIFFERENCES)
        path = f"{DIFFERENCES}/{difference['id']}"
        stranger = await desk.ask("POST", f"{path}/assign", {"owner_id": str(UUID(int=42))})
        assert (stranger.status_code, code_of(stranger)) == (422, "owner_unknown")
        given = {"owner_id": str(ANOTHER), "reason": "Knows Stripe"}
        assert (await desk.do("POST", f"{path}/assign", given))["owner_name"] == "Chris Checker"
        assert [each["id"] for each in await desk.items(DIFFERENCES, owner_id=str(ANOTHER))] == [difference["id"]]
        body = {"reason_code": "immaterial", "reason": "A cent of rounding"}
        stale = desk.identity.stale_headers(Role.ADMIN)
        assert code_of(await desk.ask("POST", f"{path}/accept", body, headers=stale)) == "step_up_required"
        accepted = await desk.do("POST", f"{path}/accept", body)
        assert (accepted["state"], accepted["reason_code"]) == ("accepted", "immaterial")
        again = await desk.ask("POST", f"{path}/accept", body)
        assert (again.status_code, code_of(again)) == (409, "deed_not_possible")
        recording = await desk.ask("POST", f"{path}/record", {})
        assert code_of(recording) == "deed_not_possible"
        gone = await desk.ask("GET", f"{DIFFERENCES}/{UUID(int=9)}")
        assert (gone.status_code, code_of(gone)) == (404, "difference_not_found")
    assigned, entry = await books.rows("SELECT * FROM audit_entries ORDER BY id")
    assert (assigned.action, assigned.reason_text) == ("assign_difference", "Knows Stripe")
    assert (entry.before, entry.after) == ({"state": "open"}, {"state": "accepted"})
    assert (entry.reason_code, entry.reason_text) == ("immaterial", "A cent of rounding")
    assert await actions(books) == ["assign_difference", "accept_difference"]


async def test_what_is_missing_here_is_recorded_after_stripe_was_asked_once_more(
    books: Books, identity: TestIdentity, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
) -> None:
    theirs.invoice(issued_reference(invoice), 9_350, "paid")
    charge = theirs.charge("pi_never_told", 9_000)
    await reconcile(books, stripe)
    theirs.change(charge, amount_cents=9_350)
    async with answering(books.database, identity, books.clock, stripe) as desk:
        (difference,) = await desk.items(DIFFERENCES, about="payment")
        path, body = f"{DIFFERENCES}/{difference['id']}", {"invoice_id": str(invoice.id), "reason": "Paid by card"}
        stripe.silent = 1
        away = await desk.ask("POST", f"{path}/record", body)
        assert (away.status_code, code_of(away)) == (503, "stripe_unavailable")
        recorded = await desk.do("POST", f"{path}/record", body)
        assert recorded["state"] == "gone"
        assert await books.value("SELECT amount_cents FROM payments") == 9_350
        (state,) = await desk.items(DIFFERENCES, state="open", about="invoice")
        looked_up = await desk.do("POST", f"{DIFFERENCES}/{state['id']}/look-up", {"reason": "Recorded"})
        assert looked_up["state"] == "gone"
    told = await books.rows("SELECT action, reason_text FROM audit_entries ORDER BY id")
    assert told == [("record_difference", "Paid by card"), ("look_up_difference", "Recorded")]


async def test_a_reference_is_put_right_by_name(
    books: Books, identity: TestIdentity, stripe: FakeStripe, theirs: StripeSide, invoice: Invoice
) -> None:
    theirs.invoice(issued_reference(invoice), 9_350)
    theirs.invoice("in_made_by_hand", 9_350)
    await reconcile(books, stripe)
    async with answering(books.database, identity, books.clock, stripe) as desk:
        (difference,) = await desk.items(DIFFERENCES)
        assert difference["available_deeds"] == ["assign", "look_up", "refer", "accept"]
        body = {"invoice_id": str(invoice.id)}
        refused = await desk.ask("POST", f"{DIFFERENCES}/{difference['id']}/refer", body)
        assert (refused.status_code, code_of(refused)) == (409, "reference_differs")


async def test_who_sees_to_stripe_is_named_and_the_webhooks_are_told(desk: Desk, books: Books) -> None:
    await known(books, is_active=False)
    body: dict[str, Any] = {"creator_id": str(ANOTHER), "approver_id": None, "reconciler_id": None}
    left = await desk.ask("PUT", ROLES, body)
    assert (left.status_code, faults(left)) == (422, {"creator_id": "cannot_own"})
    body = {"creator_id": str(UUID(int=7)), "approver_id": str(UUID(int=7)), "reconciler_id": None}
    roles = await desk.do("PUT", ROLES, body)
    assert (roles["creator"]["name"], roles["reconciler"], roles["are_apart"]) == (None, None, False)
    told = await desk.do("PUT", ROLES, body | {"approver_id": str(UUID(int=8))})
    assert told["are_apart"] is True
    asked = {each["type"] for each in told["webhook_types"] if each["use"] == "asked"}
    assert asked == PAYMENT_TYPES
    assert (await desk.get(ROLES))["creator"]["operator_id"] == str(UUID(int=7))
    assert await actions(books) == ["name_stripe_roles", "name_stripe_roles"]
