"""Payments, receipts, write-offs and voids as rooms: what they show, what their forms do, and what they refuse."""

import re
from typing import Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.identity import Role
from tests.billing.arrangements import Books
from tests.billing.arrangements_settlement import (
    apply_credit,
    ask_to_write_off,
    client_invoices,
    receive,
    waiting_void,
)
from tests.billing.windows import Window


@pytest.fixture
async def owed(books: Books) -> tuple[UUID, list[UUID]]:
    """A client's account and its invoices of $110.00 and $330.00."""
    ids = await client_invoices(books, 10_000, 30_000)
    return (await books.invoice(ids[0])).account_id, ids


class TestReceipts:
    async def test_are_split_recorded_and_taken_back(
        self, books: Books, window: Window, owed: tuple[UUID, list[UUID]]
    ) -> None:
        account_id, ids = owed
        account = f"/console/accounts/{account_id}"
        assert "Record a receipt" in await window.open(account)
        answer = await window.send(f"{account}/receive", amount="150.00")
        assert answer.headers["location"].endswith("/receive?cents=15000")
        page = await window.open(f"{account}/receive?cents=15000")
        assert re.findall(r'name="paid" value="([^"]+)"', page) == ["110.00", "40.00"]
        assert await books.value("SELECT count(*) FROM receipts") == 0

        form: dict[str, Any] = {
            "amount": "150.00",
            "received_day": "2026-04-02",
            "method": "bank_transfer",
            "reference": "bank 1",
            "invoice_id": [str(id_) for id_ in ids],
            "paid": ["110.00", ""],
        }
        too_much = await window.send(f"{account}/receive/record", **form | {"paid": ["110.00", "41.00"]}, status=422)
        assert "more than the $150.00 that came in" in too_much.text
        answer = await window.send(f"{account}/receive/record", **form)
        receipt = answer.headers["location"].split("?")[0]
        page = await window.open(receipt)
        assert "WB-000001" in page
        assert "40.00" in page
        assert "Pay back the rest" in page
        listed = await window.open("/console/receipts?unapplied=true")
        assert "bank 1" in listed
        assert "Receipt bank 1" in await window.open(account)

        back: dict[str, Any] = {"reason_code": "refunded", "notes": "They asked for it", "reversal_id": str(new_id())}
        refused = await window.send(f"{receipt}/refund", **back, amount="40.01", status=409)
        assert "$40.00 is left of it" in refused.text
        await window.send(f"{receipt}/refund", **back, amount="40.00")
        await window.send(f"{receipt}/reverse", **back | {"reason_code": "bounced", "reversal_id": str(new_id())})
        page = await window.open(f"{receipt}?done=reverse")
        assert "They asked for it" in page
        assert "all of it was taken back" in page
        assert (await books.invoice(ids[0])).balance_cents == 11_000

    async def test_are_read_by_who_may_not_move_money(
        self, books: Books, window: Window, owed: tuple[UUID, list[UUID]]
    ) -> None:
        recorded = await receive(books, owed[0], 12_000)
        page = await window.open(f"/console/receipts/{recorded.receipt.id}", Role.EDITOR)
        assert "Your role lacks manage_billing_ops" in page
        await window.open(f"/console/accounts/{owed[0]}/receive?cents=100", Role.EDITOR, status=403)


async def test_a_payment_is_taken_back_on_its_page(books: Books, window: Window, owed: tuple[UUID, list[UUID]]) -> None:
    paid = await books.pay(owed[1][0], 11_000, "bank 7")
    path = f"/console/payments/{paid.payment.id}"
    assert "bank 7" in await window.open("/console/payments")
    assert path in await window.open(f"/console/client-invoices/{owed[1][0]}")
    form: dict[str, Any] = {
        "amount": "10.00",
        "reason_code": "entered_in_error",
        "notes": "A slip",
        "reversal_id": str(new_id()),
    }
    await window.send(f"{path}/reverse", **form)
    page = await window.open(f"{path}?done=reverse")
    assert "Taken back in part" in page
    assert "A slip" in page
    assert "10.00" in await window.open("/console/payments?reversed=true")
    assert (await books.invoice(owed[1][0])).balance_cents == 1_000


async def test_credit_is_taken_back_from_an_invoice(
    books: Books, window: Window, owed: tuple[UUID, list[UUID]]
) -> None:
    account_id, ids = owed
    await receive(books, account_id, 5_000, {})
    await apply_credit(books, ids[0], 3_000, application_id := new_id())
    invoice = f"/console/client-invoices/{ids[0]}"
    assert "Take credit back from it" in await window.open(invoice)
    assert "Paid for by their credit" in await window.open(f"/console/accounts/{account_id}")
    form: dict[str, Any] = {"application_id": str(application_id), "notes": "For another"}
    await window.send(f"/console/invoices/{ids[0]}/unapply-credit", **form)
    page = await window.open(invoice)
    assert "took the customer&#39;s credit back from it" in page
    assert "Take credit back from it" not in page


class TestWriteOffs:
    async def test_are_asked_for_and_agreed_to_by_another(
        self, books: Books, window: Window, owed: tuple[UUID, list[UUID]]
    ) -> None:
        invoice_id = owed[1][1]
        invoice = f"/console/client-invoices/{invoice_id}"
        seen = re.search(r'name="seen" value="([^"]*)"', await window.open(invoice))
        assert seen is not None
        form: dict[str, Any] = {"reason_code": "insolvent", "notes": "Wound up", "write_off_id": str(id_ := new_id())}
        await window.send(f"/console/invoices/{invoice_id}/write-off", **form, seen=seen[1])
        assert "A write-off waits for a second operator" in await window.open(invoice)
        path = f"/console/write-offs/{id_}"
        assert "WB-000002" in await window.open("/console/write-offs?state=pending")
        page = await window.open(path)
        assert "whoever asked for it cannot agree to it" in page
        other: dict[str, Any] = {"options": {"operator_id": UUID(int=9), "name": "Chris Checker"}}
        await window.send(f"{path}/approve", **other)
        page = await window.open(f"{path}?done=approve")
        assert "Agreed to by Chris Checker" in page
        page = await window.open(invoice)
        assert "Written off" in page
        assert "it is written off: reverse that first" in page
        await window.send(f"{path}/reverse", notes="They paid after all")
        assert "They paid after all" in await window.open(path)
        assert (await books.invoice(invoice_id)).balance_cents == 33_000

    async def test_are_turned_down(self, books: Books, window: Window, owed: tuple[UUID, list[UUID]]) -> None:
        written = await ask_to_write_off(books, owed[1][1])
        path = f"/console/write-offs/{written.id}"
        await window.send(f"{path}/reject", notes="", status=422)
        await window.send(f"{path}/reject", notes="They will pay")
        assert "They will pay" in await window.open(path)
        assert "They will pay" in await window.open(f"/console/client-invoices/{owed[1][1]}")


class TestVoids:
    async def test_over_the_limit_are_asked_for_and_agreed_to_by_another(
        self, books: Books, window: Window, owed: tuple[UUID, list[UUID]]
    ) -> None:
        invoice_id = owed[1][1]
        invoice = f"/console/client-invoices/{invoice_id}"
        page = await window.open(invoice)
        assert "It waits until another operator agrees." in _void_form(page)
        seen = re.search(r'name="seen" value="([^"]*)"', page)
        assert seen is not None
        form: dict[str, Any] = {"reason_code": "duplicate", "notes": "Sent twice"}
        form["void_request_id"] = str(id_ := new_id())
        await window.send(f"/console/invoices/{invoice_id}/void", **form, seen=seen[1])
        page = await window.open(f"{invoice}?done=void")
        assert "A void waits for a second operator" in page
        assert "Asked for: another operator has to agree" in page
        assert "a void of it waits for approval" in page
        assert "WB-000002" in await window.open("/console/void-requests?state=pending")
        path = f"/console/void-requests/{id_}"
        page = await window.open(path)
        assert "whoever asked for it cannot agree to it" in page
        assert "Sent twice" in page
        other: dict[str, Any] = {"options": {"operator_id": UUID(int=9), "name": "Chris Checker"}}
        await window.send(f"{path}/approve", **other)
        page = await window.open(f"{path}?done=approve")
        assert "Agreed to by Chris Checker" in page
        assert "its invoice is void by it" in page
        page = await window.open(invoice)
        assert "agreed to its void" in page
        assert (await books.invoice(invoice_id)).status == "void"

    async def test_are_turned_down(self, books: Books, window: Window, owed: tuple[UUID, list[UUID]]) -> None:
        asked = await waiting_void(books, owed[1][1])
        path = f"/console/void-requests/{asked.id}"
        await window.send(f"{path}/reject", notes="", status=422)
        await window.send(f"{path}/reject", notes="They do owe it")
        assert "They do owe it" in await window.open(path)
        assert "turned its void down" in await window.open(f"/console/client-invoices/{owed[1][1]}")

    async def test_up_to_it_are_done_at_once(self, window: Window, owed: tuple[UUID, list[UUID]]) -> None:
        invoice = f"/console/client-invoices/{owed[1][0]}"
        assert "It waits until another operator agrees." not in _void_form(await window.open(invoice))
        await window.send(f"/console/invoices/{owed[1][0]}/void", reason_code="duplicate")
        page = await window.open(f"{invoice}?done=void")
        assert "Asked for: another operator has to agree" not in page
        assert "Voided" in page
        assert "voided it" in page


def _void_form(page: str) -> str:
    """From its effect on: write-offs of the same invoice say the same of theirs."""
    return page.partition("its number stays taken")[2][:200]


async def test_what_falls_with_a_void_is_told_before_and_on_what_takes_its_place(books: Books, window: Window) -> None:
    invoice = await books.issued_invoice()
    path = f"/console/invoices/{invoice.id}"
    assert "fall with it" not in await window.open(path)
    await books.credit(invoice.id, 2_500)
    assert "$25.00 in credits, ex GST, were given on it and fall with it." in _void_form(await window.open(path))
    await window.send(f"{path}/void", reason_code="wrong_details")
    (drafted,) = await books.drafts()
    page = await window.open(f"/console/invoices/{drafted.invoice_id}")
    assert "It takes the place of a void one" in page
    assert "$25.00 in credits, ex GST, were given on it and fall with it." in page
