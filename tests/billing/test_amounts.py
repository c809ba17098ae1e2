"""Every amount, price and quantity that billing takes over HTTP: at its bounds, beyond them, and as no whole number.

Each is taken and stands in the books to the cent, or it is refused by name and nothing has changed.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from services.billing.http.fields import LARGEST_AMOUNT_CENTS, LARGEST_PRICE_CENTS
from tests.billing.amounts import (
    ADMIN,
    LINES,
    MOST_QUANTITY,
    PLANS,
    WAYS,
    charged,
    gst_of,
    line,
    prices,
    receipt,
    refused,
    scene_of,
    taken,
)
from tests.billing.arrangements import Books, march, sent
from tests.billing.desk import Desk, code_of, faults, render_all

MOST_LINES = 100
BEYOND = {
    "payment": (10_500, 409, "payment_exceeds_balance"),
    "part": (10_500, 409, "payment_exceeds_balance"),
    "reversal": (500, 409, "reversal_exceeds_payment"),
    "rest": (700, 409, "reversal_exceeds_payment"),
    "credit_applied": (700, 409, "customer_credit_exceeded"),
    "credit": (10_000, 409, "credit_exceeds_balance"),
    "promise": (10_500, 422, "promise_exceeds_balance"),
}
"""By way: the most that there is of it, and how a cent more is refused."""
WITHOUT = {
    f"/admin/ops/invoices/{new_id()}/mark-paid": {},
    f"{ADMIN}/invoices/{new_id()}/write-off": {"reason_code": "insolvent"},
    f"{ADMIN}/receipts/{new_id()}/reverse": {"reason_code": "bounced"},
    f"{ADMIN}/adjustments/{new_id()}/approve": {},
    f"{ADMIN}/write-offs/{new_id()}/approve": {},
    f"{ADMIN}/invoices/{new_id()}/void": {"reason_code": "duplicate"},
    f"{ADMIN}/void-requests/{new_id()}/approve": {},
    f"{ADMIN}/credit-applications/{new_id()}/reverse": {"notes": "For the other invoice"},
}
"""What takes all that there is: an amount beside it is refused, not left unread."""


@pytest.mark.parametrize("name", WAYS)
async def test_an_amount_is_held_to_the_cent_or_refused_by_name(books: Books, desk: Desk, name: str) -> None:
    way = WAYS[name]
    scene = await scene_of(books, desk, 3 * LARGEST_AMOUNT_CENTS, LARGEST_AMOUNT_CENTS, LARGEST_AMOUNT_CENTS)
    traces, before = await scene.traces(), await books.trial_balance()
    for value, fault in refused(way):
        answer = await scene.send(way, value)
        assert (answer.status_code, code_of(answer)) == (422, "invalid_request"), value
        assert faults(answer) == {way.field: fault}, value
    assert await scene.traces() == traces
    for cents in taken(way):
        async with scene.undone():
            answer = await scene.send(way, cents)
            assert answer.is_success, (cents, answer.text)
            assert way.told(answer.json()) == cents
            assert await scene.moved(before) == {name: moved for name, moved in way.moves(cents).items() if moved}


@pytest.mark.parametrize("name", BEYOND)
async def test_all_that_there_is_is_taken_and_not_a_cent_more(books: Books, desk: Desk, name: str) -> None:
    most, status, code = BEYOND[name]
    scene = await scene_of(books, desk, 10_000, rest_cents=700, paid_cents=500)
    traces = await scene.traces()
    answer = await scene.send(WAYS[name], most + 1)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert await scene.traces() == traces
    answer = await scene.send(WAYS[name], most)
    assert (answer.is_success, WAYS[name].told(answer.json())) == (True, most), answer.text


async def test_where_all_is_meant_no_amount_is_taken(desk: Desk) -> None:
    for path, body in WITHOUT.items():
        answer = await desk.ask("POST", path, body | {"amount_cents": 1})
        assert faults(answer) == {"amount_cents": "extra_forbidden"}, path


async def test_no_way_of_money_is_missing_here(desk: Desk) -> None:
    """By the document of the interface: whatever a body has in cents, or multiplies with them."""
    schema = await desk.get("/schema/openapi.json")
    asked = {
        (method.upper(), path, name)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        for name in _amounts(content.get("schema", {}), schema["components"]["schemas"])
    }
    assert asked == {(way.method, way.path, way.field.replace(".0", "")) for way in WAYS.values()}


def _amounts(schema: Any, all_: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        schema = all_[schema["$ref"].rsplit("/", 1)[1]]
    for alternative in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), schema.get("items", {})):
        if alternative:
            yield from _amounts(alternative, all_)
    for name, inner in schema.get("properties", {}).items():
        if name.endswith("_cents") or name == "quantity":
            yield name
        yield from (f"{name}.{below}" for below in _amounts(inner, all_))


@pytest.mark.parametrize("cents", [0, 1, LARGEST_PRICE_CENTS])
async def test_a_month_at_the_bounds_of_a_price(books: Books, desk: Desk, cents: int) -> None:
    installer_id = await books.installer()
    await books.deliver(*(sent(installer_id, march(day)) for day in (3, 4, 5)))
    await desk.do("POST", PLANS.format(installer_id=installer_id), prices(cents, 0), status=201)
    (drafted,) = await books.drafts()
    assert drafted.invoice_id is not None
    invoice = await books.issue(drafted.invoice_id)
    assert (invoice.subtotal_cents, invoice.gst_cents) == (3 * cents, gst_of(3 * cents))
    assert await books.trial_balance() == {name: moved for name, moved in charged(3 * cents).items() if moved}
    await certify(desk)


SUBTOTAL = MOST_LINES * MOST_QUANTITY * LARGEST_PRICE_CENTS
TOTAL = SUBTOTAL + SUBTOTAL // 10


async def certify(desk: Desk) -> None:
    certificate = await desk.do("POST", f"{ADMIN}/certificates", status=201)
    assert certificate["failed_count"] == 0


async def largest_draft(books: Books, desk: Desk, unit_price_cents: int) -> UUID:
    draft_id = await books.board_draft()
    path, most = LINES.format(invoice_id=draft_id), [line(MOST_QUANTITY, unit_price_cents)] * MOST_LINES
    answer = await desk.ask("PUT", path, {"version": 1, "lines": [*most, most[0]]})
    assert faults(answer) == {"lines": "too_long"}
    drafted = await desk.do("PUT", path, {"version": 1, "lines": most})
    assert abs(drafted["total_cents"]) == TOTAL
    return draft_id


async def test_a_draft_may_come_to_less_than_nothing_and_is_not_sent(books: Books, desk: Desk) -> None:
    draft_id = await largest_draft(books, desk, -LARGEST_PRICE_CENTS)
    answer = await desk.ask("POST", f"/admin/ops/invoices/{draft_id}/send")
    assert (answer.status_code, code_of(answer)) == (409, "not_ready_to_issue")
    assert {fault["code"] for fault in answer.json()["errors"]} == {"total_negative", "gst_negative"}


async def test_the_largest_invoice_goes_through_all_that_can_happen_to_it(books: Books, desk: Desk) -> None:
    """Of a hundred lines at their maximum: eleven million million dollars, and every sum of them."""
    invoice_id = await largest_draft(books, desk, LARGEST_PRICE_CENTS)
    path, other = f"{ADMIN}/invoices/{invoice_id}", desk.as_another(UUID(int=7))
    issued = await desk.do("POST", f"/admin/ops/invoices/{invoice_id}/send")
    assert (issued["total_cents"], issued["balance_cents"]) == (TOTAL, TOTAL)
    await render_all(books)
    assert (await desk.ask("GET", f"/admin/ops/invoices/{invoice_id}/document")).content.startswith(b"%PDF")

    promise = await desk.do("POST", f"{path}/promises", {"promised_for": "2026-04-20"})
    assert promise["amount_cents"] == TOTAL
    written = await desk.do("POST", f"{path}/write-off", {"reason_code": "insolvent"}, status=202)
    assert (written["amount_cents"], written["gst_cents"]) == (TOTAL, SUBTOTAL // 10)
    await desk.do("POST", f"{ADMIN}/write-offs/{written['id']}/approve", headers=other)
    await desk.do("POST", f"{ADMIN}/write-offs/{written['id']}/reverse", {"notes": "They pay"})
    await read_all(desk, issued["account_id"])

    for body in (WAYS["debit"].body(LARGEST_AMOUNT_CENTS), WAYS["credit"].body(LARGEST_AMOUNT_CENTS)):
        answer = await desk.ask("POST", f"{path}/adjustments", body)
        if answer.status_code == 202:
            await desk.do("POST", f"{ADMIN}/adjustments/{answer.json()['id']}/approve", headers=other)
    await desk.do("POST", f"{path}/payments", receipt(LARGEST_AMOUNT_CENTS), status=201)
    paid = await desk.do("POST", f"/admin/ops/invoices/{invoice_id}/mark-paid")
    assert (paid["paid_cents"], paid["balance_cents"], paid["status"]) == (TOTAL, 0, "paid")
    assert [event["total_cents"] for event in await books.published("invoice.paid")] == [TOTAL]

    whole = await desk.do("POST", f"{path}/adjustments", {"type": "credit", "reason_code": "system_fault"}, status=202)
    await desk.do("POST", f"{ADMIN}/adjustments/{whole['id']}/approve", headers=other)
    back = paid["payments"][-1]
    gone = await desk.do("POST", f"{ADMIN}/payments/{back['id']}/reverse", {"reason_code": "refunded"})
    assert gone["amount_cents"] == TOTAL - LARGEST_AMOUNT_CENTS
    await certify(desk)


async def read_all(desk: Desk, account_id: str) -> None:
    """Every sheet that sums it up."""
    span = {"from": "2026-03-01", "to": "2026-04-02"}
    statement = await desk.get(f"/admin/accounts/{account_id}/statement", **span)
    assert TOTAL in {row["amount_cents"] for row in statement["lines"]}
    for path in ("receivables", "receivables/invoices", "receivables/figures", "figures", "journal/postings"):
        await desk.get(f"{ADMIN}/{path}")
    await desk.do("POST", f"{ADMIN}/receivables/snapshots", {})
    assert (await desk.get(f"{ADMIN}/journal/trial-balance"))["ties"]
