"""The eight functions of a billing workspace, each as its route: every parameter is accepted, documented and heeded."""

from typing import Any

import pytest

from tests.billing.arrangements import Books, march, sent
from tests.billing.desk import Desk, code_of, faults

MARCH_BOUNDS = {"period_start": "2026-02-28T13:00:00Z", "period_end": "2026-03-31T13:00:00Z"}
INVOICE = "/admin/billing/invoices/{invoice_id}"

# By function: its route, and how each of its parameters is called there.
FUNCTIONS = {
    "previewInvoicePeriod": (
        ("get", "/admin/billing/preview-invoice-period"),
        {"periodStart": "period_start", "periodEnd": "period_end", "installerId": "installer_id"},
    ),
    "generateInvoiceDrafts": (
        ("post", "/admin/billing/generate-invoice-drafts"),
        {"periodStart": "period_start", "periodEnd": "period_end", "installerIds": "installer_ids"},
    ),
    "markInvoiceIssued": (
        ("post", f"{INVOICE}/mark-issued"),
        {
            "invoiceId": "invoice_id",
            "stripeInvoiceId": "stripe_invoice_id",
            "stripeInvoiceUrl": "stripe_invoice_url",
            "dueAt": "due_at",
        },
    ),
    "recordInvoicePayment": (
        ("post", f"{INVOICE}/payments"),
        {
            "invoiceId": "invoice_id",
            "amountCents": "amount_cents",
            "receivedAt": "received_at",
            "method": "method",
            "reference": "reference",
        },
    ),
    "addInvoiceAdjustment": (
        ("post", f"{INVOICE}/adjustments"),
        {
            "invoiceId": "invoice_id",
            "type": "type",
            "reasonCode": "reason_code",
            "amountCents": "amount_cents",
            "notes": "notes",
        },
    ),
    "listInvoices": (
        ("get", "/admin/billing/invoices"),
        {
            "status": "status",
            "installerId": "installer_id",
            "periodStart": "period_start",
            "periodEnd": "period_end",
        },
    ),
    "listDeliveryEvents": (
        ("get", "/admin/billing/delivery-events"),
        {
            "installerId": "installer_id",
            "status": "status",
            "periodStart": "period_start",
            "periodEnd": "period_end",
        },
    ),
    "exportInstallerInvoicePayload": (("get", f"{INVOICE}/export"), {"invoiceId": "invoice_id"}),
}


@pytest.fixture
async def documented(desk: Desk) -> dict[str, Any]:
    told: dict[str, Any] = await desk.get("/schema/openapi.json")
    return told


async def test_each_has_its_route_and_documents_every_parameter(documented: dict[str, Any]) -> None:
    for name, ((method, path), parameters) in FUNCTIONS.items():
        missing = set(parameters.values()) - _documented(documented, method, path)
        assert not missing, f"{name} does not document {missing}"


def _documented(told: dict[str, Any], method: str, path: str) -> set[str]:
    operation = told["paths"][path][method]
    found = {parameter["name"] for parameter in operation.get("parameters", ())}
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        name = schema["$ref"].rsplit("/", 1)[1]
        found |= told["components"]["schemas"][name]["properties"].keys()
    return found


async def test_a_month_is_closed_by_all_eight(desk: Desk, books: Books) -> None:
    installer_id, other = await books.priced_installer(), await books.priced_installer()
    await books.deliver(sent(installer_id, march(3)), sent(other, march(4)))
    mine = {"installer_id": str(installer_id)}

    preview = await desk.get("/admin/billing/preview-invoice-period", **MARCH_BOUNDS, **mine)
    assert (preview["period"], preview["total_cents"]) == ("2026-03", 9_350)
    body = MARCH_BOUNDS | {"installer_ids": [str(installer_id)]}
    run = await desk.do("POST", "/admin/billing/generate-invoice-drafts", body)
    assert (run["drafted_count"], run["planned_count"]) == (1, 1)
    path = f"/admin/billing/invoices/{run['results'][0]['invoice_id']}"

    assert (await desk.get(f"{path}/export"))["total_cents"] == 9_350
    issue = {
        "stripe_invoice_id": "in_march0001",
        "stripe_invoice_url": "https://invoice.stripe.example/i/1",
        "due_at": "2026-04-20T13:59:59Z",
    }
    issued = await desk.do("POST", f"{path}/mark-issued", issue)
    assert {key: issued[key] for key in issue} == issue
    paid = {"amount_cents": 350, "received_at": "2026-04-02T00:00:00Z", "method": "cheque", "reference": "cheque 7"}
    recorded = await desk.do("POST", f"{path}/payments", paid, status=201)
    assert {key: recorded["payment"][key] for key in paid} == paid
    credit = {"type": "credit", "reason_code": "invalid_contact", "amount_cents": 100, "notes": "No such number"}
    adjusted = await desk.do("POST", f"{path}/adjustments", credit, status=201)
    assert (adjusted["ex_gst_cents"], adjusted["notes"]) == (100, "No such number")

    listed = await desk.items("/admin/billing/invoices", status="partially_paid", **MARCH_BOUNDS, **mine)
    assert [(row["number"], row["balance_cents"]) for row in listed] == [("WB-000001", 9_350 - 350 - 110)]
    events = await desk.items("/admin/billing/delivery-events", status="billable", **MARCH_BOUNDS, **mine)
    assert [row["invoice_number"] for row in events] == ["WB-000001"]
    for path in ("/admin/billing/invoices", "/admin/billing/delivery-events"):
        april = {"period_start": MARCH_BOUNDS["period_end"], "period_end": "2026-04-30T14:00:00Z"}
        assert await desk.items(path, **april) == []


@pytest.mark.parametrize(
    ("bounds", "fields"),
    [
        ({"period_start": "2026-02-28T13:00:00Z", "period_end": "2026-03-31T12:59:59Z"}, {"period_end"}),
        (
            {"period_start": "2026-03-01T00:00:00Z", "period_end": "2026-04-01T00:00:00Z"},
            {"period_start", "period_end"},
        ),
        ({"period_start": "2026-02-28T13:00:00Z"}, {"period_end"}),
        ({"period": "2026-04", **MARCH_BOUNDS}, {"period_start", "period_end"}),
        ({}, {"period"}),
    ],
    ids=["an hour short", "by another zone's clock", "without an end", "of another month", "of none"],
)
async def test_a_period_is_a_month_of_the_business(desk: Desk, bounds: dict[str, str], fields: set[str]) -> None:
    answer = await desk.ask("POST", "/admin/billing/generate-invoice-drafts", bounds)
    assert (answer.status_code, code_of(answer)) == (422, "not_a_month")
    assert faults(answer).keys() == fields
