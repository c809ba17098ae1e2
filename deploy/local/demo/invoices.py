"""The month is closed, invoices go out, money comes in."""

from typing import Any

from stripe import StripeClient

from deploy.local.demo.operators import Refused
from deploy.local.demo.stage import Stage, at, first_of_next_month

DOCUMENTS = (
    "SELECT (SELECT count(*) FROM invoices WHERE issued_at IS NOT NULL) "
    "+ (SELECT count(*) FROM adjustments WHERE state = 'approved')"
)
"""What has to be mailed: every invoice that was issued, void or not, and every note."""


async def close_the_month(stage: Stage) -> None:
    """Preview, drafts, an invoice at Stripe for each, held against ours to the cent, issued by a run, mailed."""
    month = stage.now().date().replace(day=1)
    period = f"{month:%Y-%m}"
    stage.move_to(at(first_of_next_month(month), 8))
    await stage.finance.get("billing", "/admin/billing/preview-invoice-period", period=period)
    would = await run(stage, "generate-invoice-drafts", period, dry_run=True)
    written = await run(stage, "generate-invoice-drafts", period)
    again = await run(stage, "generate-invoice-drafts", period)
    stage.tell(
        f"a dry run would draft {would['drafted_count']} invoices; {written['drafted_count']} drafts for {period}; "
        f"a second run writes {again['drafted_count']}"
    )
    drafts = await stage.finance.every("billing", "/admin/billing/invoices", status="draft", kind="installer")
    await _show_the_gate(stage, drafts[0])
    for draft in drafts:
        await _refer(stage, draft)
    await _issue(stage, period)
    await stage.finance.post("billing", f"/admin/billing/months/{period}/snapshot", {})
    await void_and_bill_again(stage, period)


async def run(stage: Stage, what: str, period: str, **given: Any) -> Any:
    """A run over a month, to its end: the answer waits for a short one, a long one goes on in the worker."""
    begun = await stage.finance.post("billing", f"/admin/billing/{what}", {"period": period, **given})
    path = f"/admin/billing/close-runs/{begun['run_id']}"

    async def to_come() -> int:
        told = await stage.finance.get("billing", path)
        return int(told["planned_count"] - told["done_count"])

    await stage.reader.until(f"the run {what}", to_come)
    return await stage.finance.get("billing", path)


async def _issue(stage: Stage, period: str) -> None:
    would = await run(stage, "issue-invoices", period, dry_run=True)
    stage.tell(
        f"a dry run would issue {would['issued_count']} invoices, ${would['total_cents'] / 100:,.2f} with GST; "
        f"{would['blocked_count']} are blocked"
    )
    issued = await run(stage, "issue-invoices", period)
    await stage.reader.until("tax invoices by mail", lambda: mails_to_come(stage))
    stage.tell(
        f"{issued['issued_count']} invoices issued and mailed with their PDF: "
        f"${issued['total_cents'] / 100:,.2f} with GST"
    )


async def void_and_bill_again(stage: Stage, period: str) -> None:
    """One went out to the wrong address: it stays, void, with its number, and names the one that takes its place."""
    issued = await stage.finance.every("billing", "/admin/billing/invoices", status="issued", kind="installer")
    wrong = max(issued, key=lambda each: each["number"])
    await _void(stage, wrong["id"])
    stage.stripe.v1.invoices.void_invoice(wrong["stripe_invoice_id"])
    only = {"installer_ids": [wrong["account_id"]]}
    drafted = await run(stage, "generate-invoice-drafts", period, **only)
    [result] = drafted["results"]
    await _refer(stage, {"id": result["invoice_id"]})
    again = await run(stage, "issue-invoices", period, **only)
    await stage.reader.until("the tax invoice by mail", lambda: mails_to_come(stage))
    stage.tell(f"{wrong['number']} is void, and {again['results'][0]['number']} takes its place")


async def _void(stage: Stage, invoice_id: str) -> None:
    """Over the limit, by two operators."""
    body = {"reason_code": "wrong_details", "notes": "It went to their old address"}
    answer = await stage.finance.post("billing", f"/admin/billing/invoices/{invoice_id}/void", body)
    if answer.get("state") == "pending":
        path = f"/admin/billing/void-requests/{answer['id']}/approve"
        await stage.second.post("billing", path, {"notes": "Their new address is in their account"})


async def _show_the_gate(stage: Stage, draft: Any) -> None:
    """A cent too much at Stripe, and the invoice is not issued."""
    wrong = await _at_stripe(stage, draft, cents_too_many=1)
    try:
        await _mark_issued(stage, draft, wrong)
    except Refused:
        stage.stripe.v1.invoices.void_invoice(wrong)
        stage.tell("an invoice that differs by a cent from Stripe's is refused")
    else:
        raise RuntimeError("an invoice was issued against a Stripe invoice of another total")


async def _refer(stage: Stage, draft: Any) -> None:
    reference = {"stripe_invoice_id": await _at_stripe(stage, draft)}
    await stage.finance.put("billing", f"/admin/billing/invoices/{draft['id']}/stripe-reference", reference)


async def _mark_issued(stage: Stage, draft: Any, stripe_invoice_id: str) -> None:
    await stage.finance.post(
        "billing", f"/admin/billing/invoices/{draft['id']}/mark-issued", {"stripe_invoice_id": stripe_invoice_id}
    )


async def _at_stripe(stage: Stage, draft: Any, cents_too_many: int = 0) -> str:
    export = await stage.finance.get("billing", f"/admin/billing/invoices/{draft['id']}/export")
    return at_stripe(stage.stripe, export, cents_too_many)


def at_stripe(sdk: StripeClient, export: Any, cents_too_many: int = 0) -> str:
    """What a person of finance types into Stripe from the export: the id of the invoice there."""
    customer = sdk.v1.customers.create({"name": export["customer"]["name"], "email": export["customer"]["email"]})
    invoice = sdk.v1.invoices.create(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 7, "auto_advance": False}
    )
    lines: Any = [{"amount": item["amount_cents"], "description": item["description"]} for item in export["items"]]
    lines.append({"amount": export["gst_cents"] + cents_too_many, "description": "GST 10 %"})
    sdk.v1.invoices.add_lines(invoice.id, {"lines": lines})
    sdk.v1.invoices.finalize_invoice(invoice.id, {"auto_advance": False})
    return invoice.id


async def mails_to_come(stage: Stage) -> int:
    accepted = "SELECT count(*) FROM messages WHERE purpose = 'invoice' AND state = 'accepted'"
    return await stage.reader.number("billing", DOCUMENTS) - await stage.reader.number("notifications", accepted)


async def collect(stage: Stage) -> None:
    """Customers pay at Stripe, whose webhooks tell us, twice each and out of order; one pays by bank transfer.

    One is given a credit, and pays all that Stripe's invoice says: the rest is its credit with us.
    """
    issued = await stage.reader.rows(
        "billing",
        "SELECT id, number, stripe_invoice_id, total_cents FROM invoices "
        "WHERE kind = 'installer' AND document_status = 'issued' ORDER BY number",
    )
    await stage.control_stripe("webhooks/duplicate", copies=2)
    await stage.control_stripe("webhooks/pause")
    for place, invoice in enumerate(issued):
        await _pay(stage, place, invoice)
    await stage.control_stripe("webhooks/resume", order="reverse")
    await stage.reader.until("payments from Stripe", lambda: _payments_to_come(stage))
    paid = await stage.reader.number("billing", "SELECT sum(amount_cents) FROM payments")
    stage.tell(f"{len(issued) - 1} invoices paid, one in two parts, one by transfer, one left open: ${paid / 100:,.2f}")


async def _pay(stage: Stage, place: int, invoice: Any) -> None:
    path = f"invoices/{invoice['stripe_invoice_id']}/pay"
    match place:
        case 0:
            await stage.control_stripe(path, amount=invoice["total_cents"] // 3)
            await stage.control_stripe(path)
        case 1:
            await _pay_by_transfer(stage, invoice)
        case 2:
            return
        case 3:
            await _credit_a_lead(stage, invoice)
            await stage.control_stripe(path)
        case _:
            await stage.control_stripe(path)


async def _credit_a_lead(stage: Stage, invoice: Any) -> None:
    """Its number was not connected: an adjustment note goes out."""
    given = await stage.finance.post(
        "billing",
        f"/admin/billing/invoices/{invoice['id']}/adjustments",
        {"type": "credit", "reason_code": "invalid_contact", "line_no": 1, "notes": "The number is not connected"},
    )
    stage.tally.overpaid_cents += given["inc_gst_cents"]
    await stage.reader.until("the adjustment note by mail", lambda: mails_to_come(stage))
    stage.tell(f"a lead is credited by {given['number']}; its customer pays the whole invoice all the same")


async def _pay_by_transfer(stage: Stage, invoice: Any) -> None:
    await stage.finance.post(
        "billing",
        f"/admin/billing/invoices/{invoice['id']}/payments",
        {
            "amount_cents": invoice["total_cents"],
            "received_at": stage.now().isoformat(),
            "method": "bank_transfer",
            "reference": f"EFT {invoice['number']}",
        },
    )
    stage.tally.transfer_paid_cents += invoice["total_cents"]


async def _payments_to_come(stage: Stage) -> int:
    at_stripe = (await stage.reader.stripe_totals())["paid_cents"]
    known = "SELECT sum(amount_cents) FROM payments WHERE external_payment_ref IS NOT NULL"
    return int(at_stripe) - await stage.reader.number("billing", known)
