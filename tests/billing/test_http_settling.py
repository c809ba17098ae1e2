"""Receipts, what takes money back, write-offs, voids over HTTP: who may, what is answered, what stands in the audit."""

from typing import Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.identity import Role
from services.billing.http.voids import VOIDED
from tests.billing.arrangements import Books
from tests.billing.arrangements_settlement import client_invoices
from tests.billing.desk import Desk, answering, code_of, faults, payment
from tests.billing.fake_stripe import FakeStripe
from tests.kit.identity import TestIdentity

ADMIN = "/admin/billing"


@pytest.fixture
async def owed(books: Books) -> tuple[UUID, list[UUID]]:
    """A client's account and its invoices of $110.00 and $220.00."""
    ids = await client_invoices(books, 10_000, 20_000)
    return (await books.invoice(ids[0])).account_id, ids


async def audited(books: Books, action: str) -> list[Any]:
    query = "SELECT subject_kind, before, after, reason_code, reason_text FROM audit_entries WHERE action = :action"
    return await books.rows(query + " ORDER BY occurred_at, id", action=action)


class TestReceipts:
    async def test_previewed_then_recorded(self, books: Books, desk: Desk, owed: tuple[UUID, list[UUID]]) -> None:
        account_id, ids = owed
        path = f"{ADMIN}/accounts/{account_id}/receipts"
        preview = await desk.do("POST", f"{path}/preview", {"amount_cents": 15_000})
        split = [(part["invoice_id"], part["amount_cents"], part["owed_cents"]) for part in preview["parts"]]
        assert (sorted(cents for _, cents, _ in split), preview["rest_cents"]) == ([4_000, 11_000], 0)
        assert await books.value("SELECT count(*) FROM receipts") == 0

        parts = [{"invoice_id": str(ids[1]), "amount_cents": 14_000}]
        receipt = await desk.do("POST", path, payment(15_000, "bank 1", parts=parts), status=201)
        assert (receipt["rest_cents"], [each["amount_cents"] for each in receipt["payments"]]) == (1_000, [14_000])
        again = await desk.do("POST", path, payment(15_000, "bank 1", parts=parts), status=201)
        assert again["id"] == receipt["id"]
        (whole,), (part,) = await audited(books, "record_receipt"), await audited(books, "record_payment")
        assert (whole.subject_kind, whole.after["rest_cents"]) == ("account", 1_000)
        assert (whole.before, whole.after["customer_credit_cents"]) == ({"customer_credit_cents": 0}, 1_000)
        assert (part.before, part.after["balance_cents"]) == ({"balance_cents": 22_000}, 8_000)

        assert (await desk.get(f"{ADMIN}/receipts/{receipt['id']}"))["payments"][0]["receipt_id"] == receipt["id"]
        assert len(await desk.items(f"{ADMIN}/receipts", account_id=str(account_id))) == 1
        assert len(await desk.items(f"{ADMIN}/payments", account_id=str(account_id))) == 1
        assert await desk.items(f"{ADMIN}/payments", invoice_id=str(ids[0])) == []

    async def test_asks_who_may(self, desk: Desk, owed: tuple[UUID, list[UUID]]) -> None:
        path, body = f"{ADMIN}/accounts/{owed[0]}/receipts", payment(100, "bank 1")
        stale = desk.identity.stale_headers(Role.SUPER_ADMIN)
        assert code_of(await desk.ask("POST", path, body, headers=stale)) == "step_up_required"
        assert (await desk.ask("POST", path, body, role=Role.EDITOR)).status_code == 403
        twice = [{"invoice_id": str(owed[1][0]), "amount_cents": 1}] * 2
        assert (await desk.ask("POST", path, body | {"parts": twice})).status_code == 422

    async def test_with_a_key_stripe_tells_of_its_own(
        self, books: Books, identity: TestIdentity, owed: tuple[UUID, list[UUID]]
    ) -> None:
        body = payment(100, "card 1", external_payment_ref="pi_123456789")
        async with answering(books.database, identity, books.clock, FakeStripe()) as desk:
            answer = await desk.ask("POST", f"{ADMIN}/accounts/{owed[0]}/receipts", body)
        assert (answer.status_code, code_of(answer)) == (409, "stripe_tells_payments")


class TestReversals:
    async def test_of_a_receipt_and_its_parts(self, books: Books, desk: Desk, owed: tuple[UUID, list[UUID]]) -> None:
        account_id, ids = owed
        receipt = await desk.do(
            "POST", f"{ADMIN}/accounts/{account_id}/receipts", payment(34_000, "bank 1"), status=201
        )
        refund = {"reason_code": "refunded", "amount_cents": 400, "external_ref": "bank back 1", "notes": "They asked"}
        back = await desk.do("POST", f"{ADMIN}/receipts/{receipt['id']}/reverse-rest", refund)
        assert (back["amount_cents"], back["invoices"]) == (400, [])
        first = next(each for each in receipt["payments"] if each["invoice_id"] == str(ids[0]))
        error = {"reason_code": "entered_in_error", "amount_cents": 1_000, "reversal_id": str(new_id())}
        for _ in range(2):
            back = await desk.do("POST", f"{ADMIN}/payments/{first['id']}/reverse", error)
            assert back["invoices"] == [{"invoice_id": str(ids[0]), "number": "WB-000001", "balance_cents": 1_000}]
        back = await desk.do("POST", f"{ADMIN}/receipts/{receipt['id']}/reverse", {"reason_code": "bounced"})
        assert (back["amount_cents"], len(back["reversals"])) == (32_600, 3)

        rows = await audited(books, "reverse_payment")
        assert [row.subject_kind for row in rows[:2]] == ["account", "invoice"]
        assert (rows[0].reason_code, rows[0].reason_text) == ("refunded", "They asked")
        assert (rows[0].before, rows[0].after["customer_credit_cents"]) == ({"customer_credit_cents": 1_000}, 600)
        assert rows[1].before == {"paid_cents": 11_000, "balance_cents": 0}
        assert (rows[1].after["paid_cents"], rows[1].after["balance_cents"]) == (10_000, 1_000)
        assert len(rows) == 5
        assert [row.before["customer_credit_cents"] for row in rows[2:] if row.subject_kind == "account"] == [600]
        detail = await desk.get(f"{ADMIN}/receipts/{receipt['id']}")
        assert sum(each["amount_cents"] for each in detail["reversals"]) == 34_000

    async def test_refuses_what_cannot_be(self, books: Books, desk: Desk, owed: tuple[UUID, list[UUID]]) -> None:
        paid = await books.pay(owed[1][0], 100, "bank 1")
        path = f"{ADMIN}/payments/{paid.payment.id}/reverse"
        answer = await desk.ask("POST", path, {"reason_code": "regret", "amount_cents": 0})
        assert faults(answer) == {"reason_code": "enum", "amount_cents": "greater_than_equal"}
        answer = await desk.ask("POST", path, {"reason_code": "bounced", "amount_cents": 101})
        assert (answer.status_code, code_of(answer)) == (409, "reversal_exceeds_payment")
        answer = await desk.ask("POST", f"{ADMIN}/payments/{new_id()}/reverse", {"reason_code": "bounced"})
        assert (answer.status_code, code_of(answer)) == (404, "payment_not_found")
        stale = desk.identity.stale_headers(Role.SUPER_ADMIN)
        assert code_of(await desk.ask("POST", path, {"reason_code": "bounced"}, headers=stale)) == "step_up_required"

    async def test_of_applied_credit(self, books: Books, desk: Desk, owed: tuple[UUID, list[UUID]]) -> None:
        account_id, ids = owed
        path = f"{ADMIN}/accounts/{account_id}"
        body = payment(5_000, "bank 1", parts=[])
        receipt = await desk.do("POST", f"{path}/receipts", body, status=201)
        await desk.do("POST", f"{ADMIN}/invoices/{ids[0]}/apply-credit", {"amount_cents": 3_000}, status=201)
        credit = await desk.get(f"{path}/customer-credit")
        assert (credit["credit_cents"], [each["cents"] for each in credit["sources"]]) == (2_000, [5_000])
        assert credit["sources"][0]["receipt_id"] == receipt["id"]
        (applied,) = credit["applications"]
        assert (applied["amount_cents"], applied["invoice_id"]) == (3_000, str(ids[0]))
        undo = f"{ADMIN}/credit-applications/{applied['application_id']}/reverse"
        for _ in range(2):
            back = await desk.do("POST", undo, {"notes": "For the other invoice"})
            assert back["balance_cents"] == 11_000
        (row,) = await audited(books, "unapply_credit")
        assert (row.before, row.after["balance_cents"]) == ({"balance_cents": 8_000}, 11_000)
        credit = await desk.get(f"{path}/customer-credit")
        assert (credit["credit_cents"], credit["applications"]) == (5_000, [])


class TestWriteOffs:
    async def test_over_the_limit_needs_another(self, books: Books, desk: Desk, owed: tuple[UUID, list[UUID]]) -> None:
        invoice_id = owed[1][1]
        body = {"reason_code": "insolvent", "notes": "Wound up", "write_off_id": str(new_id())}
        maker: dict[str, Any] = {"headers": desk.as_another(UUID(int=6), "Mia Maker")}
        for _ in range(2):
            asked = await desk.do("POST", f"{ADMIN}/invoices/{invoice_id}/write-off", body, status=202, **maker)
        assert (asked["state"], asked["amount_cents"], asked["gst_cents"]) == ("pending", 22_000, 2_000)
        path = f"{ADMIN}/write-offs/{asked['id']}"
        answer = await desk.ask("POST", f"{path}/approve", **maker)
        assert (answer.status_code, code_of(answer)) == (409, "maker_cannot_approve")
        other = desk.as_another(UUID(int=7))
        agreed = await desk.do("POST", f"{path}/approve", {"notes": "Seen"}, headers=other)
        assert (agreed["state"], agreed["decided_by_name"]) == ("approved", "Chris Checker")
        detail = await desk.get(f"{ADMIN}/invoices/{invoice_id}")
        assert (detail["status"], detail["written_off_cents"], detail["balance_cents"]) == ("written_off", 22_000, 0)
        assert set(detail["available_actions"]) <= {"resend"}
        assert len(await desk.items(f"{ADMIN}/invoices", status="written_off")) == 1
        undone = await desk.do("POST", f"{path}/reverse", {"notes": "They paid"})
        assert (undone["state"], undone["reversal_reason"]) == ("reversed", "They paid")
        assert [len(await audited(books, f"{step}_write_off")) for step in ("ask", "approve", "reverse")] == [1, 1, 1]
        assert (await desk.get(path))["state"] == "reversed"

    async def test_within_it_is_at_once_and_can_be_turned_down_before(
        self, desk: Desk, owed: tuple[UUID, list[UUID]]
    ) -> None:
        small, large = owed[1]
        body = {"reason_code": "uneconomic"}
        written = await desk.do("POST", f"{ADMIN}/invoices/{small}/write-off", body, status=201)
        assert written["state"] == "approved"
        asked = await desk.do("POST", f"{ADMIN}/invoices/{large}/write-off", body, status=202)
        assert [each["id"] for each in await desk.items(f"{ADMIN}/write-offs", state="pending")] == [asked["id"]]
        turned = await desk.do("POST", f"{ADMIN}/write-offs/{asked['id']}/reject")
        assert turned["state"] == "rejected"
        assert len(await desk.items(f"{ADMIN}/write-offs", invoice_id=str(large))) == 1


class TestVoids:
    async def test_over_the_limit_needs_another(self, books: Books, desk: Desk, owed: tuple[UUID, list[UUID]]) -> None:
        invoice_id = owed[1][1]
        path = f"{ADMIN}/invoices/{invoice_id}/void"
        body = {"reason_code": "wrong_details", "notes": "Their old address", "void_request_id": str(new_id())}
        maker: dict[str, Any] = {"headers": desk.as_another(UUID(int=6), "Mia Maker")}
        for _ in range(2):
            asked = await desk.do("POST", path, body, status=202, **maker)
        assert (asked["id"], asked["state"], asked["amount_cents"]) == (body["void_request_id"], "pending", 22_000)
        detail = await desk.get(f"{ADMIN}/invoices/{invoice_id}")
        assert (detail["status"], "void" in detail["available_actions"]) == ("issued", False)
        answer = await desk.ask("POST", path, {"reason_code": "duplicate"})
        assert (answer.status_code, code_of(answer)) == (409, "void_request_stands")

        request = f"{ADMIN}/void-requests/{asked['id']}"
        stale = desk.identity.stale_headers(Role.SUPER_ADMIN)
        assert code_of(await desk.ask("POST", f"{request}/approve", headers=stale)) == "step_up_required"
        answer = await desk.ask("POST", f"{request}/approve", **maker)
        assert (answer.status_code, code_of(answer)) == (409, "maker_cannot_approve")
        other = desk.as_another(UUID(int=7))
        for _ in range(2):
            agreed = await desk.do("POST", f"{request}/approve", {"notes": "Seen"}, headers=other)
        assert (agreed["state"], agreed["decided_by_name"]) == ("approved", "Chris Checker")
        again = await desk.do("POST", path, body, **maker)
        assert (again["status"], again["void_reason_code"]) == ("void", "wrong_details")
        assert (await desk.get(request))["state"] == "approved"
        traced = await desk.get(f"{ADMIN}/trace/{asked['id']}")
        assert [each["id"] for each in traced["invoices"]] == [str(invoice_id)]

        (first,), (second,) = await audited(books, "ask_void"), await audited(books, "approve_void")
        assert (first.before, first.after["state"], first.after["amount_cents"]) == (None, "pending", 22_000)
        assert (first.reason_code, first.reason_text) == ("wrong_details", "Their old address")
        assert (second.before, second.after["state"], second.reason_text) == ({"state": "pending"}, "approved", "Seen")
        (void,) = await audited(books, "void_invoice")
        assert (void.before, void.after, void.reason_code) == (
            {"status": "issued"},
            {"status": "void"},
            "wrong_details",
        )
        assert void.reason_text == "Their old address"

    async def test_within_it_is_at_once_and_can_be_turned_down_before(
        self, books: Books, desk: Desk, owed: tuple[UUID, list[UUID]]
    ) -> None:
        small, large = owed[1]
        body = {"reason_code": "duplicate"}
        assert (await desk.do("POST", f"{ADMIN}/invoices/{small}/void", body))["status"] == "void"
        body["void_request_id"] = str(new_id())
        asked = await desk.do("POST", f"{ADMIN}/invoices/{large}/void", body, status=202)
        assert [each["id"] for each in await desk.items(f"{ADMIN}/void-requests", state="pending")] == [asked["id"]]
        turned = await desk.do("POST", f"{ADMIN}/void-requests/{asked['id']}/reject", {"notes": "They owe it"})
        assert turned["state"] == "rejected"
        # Whoever did not hear of it, and sends it again, does not take it for done.
        answer = await desk.ask("POST", f"{ADMIN}/invoices/{large}/void", body)
        assert (answer.status_code, code_of(answer)) == (409, "void_request_already_decided")
        (row,) = await audited(books, "reject_void")
        assert (row.before, row.after["state"], row.reason_text) == ({"state": "pending"}, "rejected", "They owe it")
        assert len(await desk.items(f"{ADMIN}/void-requests", invoice_id=str(large))) == 1
        assert await desk.items(f"{ADMIN}/void-requests", invoice_id=str(small)) == []
        for step in ("approve", "reject"):
            answer = await desk.ask("POST", f"{ADMIN}/void-requests/{new_id()}/{step}")
            assert (answer.status_code, code_of(answer)) == (404, "void_request_not_found")

    @pytest.mark.parametrize("is_large", [True, False], ids=["by two", "by one"])
    async def test_leaves_a_row_of_the_write_off_that_it_turns_down(
        self, books: Books, desk: Desk, owed: tuple[UUID, list[UUID]], is_large: bool
    ) -> None:
        invoice_id = owed[1][1]
        maker: dict[str, Any] = {"headers": desk.as_another(UUID(int=6), "Mia Maker")}
        path, reason = f"{ADMIN}/invoices/{invoice_id}", {"reason_code": "insolvent"}
        written = await desk.do("POST", f"{path}/write-off", reason, status=202, **maker)
        if not is_large:
            await books.credit(invoice_id, 12_000)
        status = 202 if is_large else 200
        answer = await desk.do("POST", f"{path}/void", {"reason_code": "wrong_details"}, status=status, **maker)
        if is_large:
            assert await audited(books, "reject_write_off") == []
            other = desk.as_another(UUID(int=7))
            for _ in range(2):
                await desk.do("POST", f"{ADMIN}/void-requests/{answer['id']}/approve", headers=other)
        (row,) = await audited(books, "reject_write_off")
        assert (row.subject_kind, row.before, row.after["state"]) == ("invoice", {"state": "pending"}, "rejected")
        assert (row.after["write_off_id"], row.after["amount_cents"]) == (written["id"], 22_000)
        assert (row.reason_code, row.reason_text) == ("insolvent", VOIDED)
        who = await books.value("SELECT actor_name FROM audit_entries WHERE action = 'reject_write_off'")
        assert who == ("Chris Checker" if is_large else "Mia Maker")


async def test_a_void_month_and_the_one_that_takes_its_place_name_each_other(books: Books, desk: Desk) -> None:
    installer_id = await books.priced_installer()
    void = await books.issue(await books.draft_of(installer_id))
    await desk.do("POST", f"{ADMIN}/invoices/{void.id}/void", {"reason_code": "wrong_details"})
    (drafted,) = await books.drafts()
    told = [event.get("replaces_invoice_id") for event in await books.published("invoice.drafted")]
    assert told == [None, str(void.id)]
    issued = await books.issue(UUID(str(drafted.invoice_id)))
    before, after = [await desk.get(f"{ADMIN}/invoices/{id_}") for id_ in (void.id, issued.id)]
    assert (before["number"], before["status"], before["replaces_invoice_id"]) == ("WB-000001", "void", None)
    assert (before["replaced_by_invoice_id"], after["replaces_invoice_id"]) == (str(issued.id), str(void.id))
    assert (after["number"], after["replaced_by_invoice_id"]) == ("WB-000002", None)
