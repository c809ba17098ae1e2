"""`/v1/credit_notes`: first what is still to be paid is reduced; the rest is refunded, credited or paid elsewhere."""

from deploy.local.stripe.errors import Json
from deploy.local.stripe.listing import BY_TIME, PAGING, matching, page
from deploy.local.stripe.params import (
    Shape,
    hash_of,
    integer,
    list_of,
    merge_metadata,
    metadata,
    one_of,
    required,
    text,
)
from deploy.local.stripe.resources.balance import available
from deploy.local.stripe.resources.charges import refund_charge
from deploy.local.stripe.resources.credit_note_lines import CREDITED_LINE, credited, whole
from deploy.local.stripe.resources.invoice_sums import InvoiceStatus, tax_json
from deploy.local.stripe.resources.settlement import reduce_remaining
from deploy.local.stripe.resources.totals import Totals, assess
from deploy.local.stripe.routing import Route
from deploy.local.stripe.tables import Sequence, new_id
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call, refuse

_REASONS = ("duplicate", "fraudulent", "order_change", "product_unsatisfactory")
_UPDATE: Shape = {"memo": text(), "metadata": metadata()}
_CREATE: Shape = {
    **_UPDATE,
    "amount": integer(minimum=1),
    "credit_amount": integer(minimum=0),
    "effective_at": integer(),
    "email_type": one_of("credit_note", "none"),
    "invoice": required(text()),
    "lines": list_of(hash_of(CREDITED_LINE)),
    "out_of_band_amount": integer(minimum=0),
    "reason": one_of(*_REASONS),
    "refund_amount": integer(minimum=0),
}
_CREDITABLE = {InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE}


def create(call: Call) -> Json:
    invoice = call.row("invoice", call.params["invoice"], param="invoice")
    if invoice["status"] not in _CREDITABLE:
        raise refuse(f"You can't credit an invoice that is {invoice['status']}.", param="invoice")
    lines, totals = _lines(call, invoice)
    _check_not_too_much(invoice, totals.total)
    before = min(totals.total, invoice["amount_remaining"])
    _check_rest(call, totals.total - before)
    refunds = _refund(call, invoice, call.params.get("refund_amount", 0))
    note = call.add({**_new_note(call, invoice, totals, before), "refunds": refunds})
    for line in lines:
        call.add({**line, "_credit_note": note["id"]})
    _credit_customer(call, invoice, call.params.get("credit_amount", 0))
    call.emit("credit_note.created", note)
    _apply(call, invoice, before, totals.total - before)
    return render(call.books, note)


def retrieve(call: Call) -> Json:
    return render(call.books, call.row("credit_note"))


def update(call: Call) -> Json:
    note = call.row("credit_note")
    changes = dict(call.params)
    if "metadata" in changes:
        changes["metadata"] = merge_metadata(note["metadata"], changes["metadata"])
    return render(call.books, call.change(note, changes, "credit_note.updated"))


def void(call: Call) -> Json:
    note = call.row("credit_note")
    invoice = call.row("invoice", note["invoice"])
    if note["status"] == "void" or note["type"] != "pre_payment" or invoice["status"] != InvoiceStatus.OPEN:
        raise refuse("You can only void an issued credit note of an invoice that is still open.")
    amount = note["pre_payment_amount"]
    restored = {
        "amount_due": invoice["amount_due"] + amount,
        "pre_payment_credit_notes_amount": invoice["pre_payment_credit_notes_amount"] - amount,
    }
    reduce_remaining(call, invoice, invoice["amount_remaining"] + amount, restored)
    call.change(note, {"status": "void", "voided_at": call.now})
    call.emit("credit_note.voided", note)
    return render(call.books, note)


def list_all(call: Call) -> Json:
    return page(call, call.table("credit_note"), "/v1/credit_notes", matching(call.params, "customer", "invoice"))


def list_lines(call: Call) -> Json:
    note = call.row("credit_note")
    lines = Sequence(call.table("credit_note_line_item").of(note["id"]))
    return page(call, lines, f"/v1/credit_notes/{note['id']}/lines")


def _lines(call: Call, invoice: Json) -> tuple[list[Json], Totals]:
    given = call.params
    if ("amount" in given) == bool(given.get("lines")):
        raise refuse("You must specify one of amount and lines.", param="amount")
    pairs = [credited(call, invoice, line) for line in given.get("lines", [])] or [whole(given["amount"])]
    totals = assess([taxable for _row, taxable in pairs])
    taxed = zip(pairs, totals.line_taxes, strict=True)
    return [{**row, "taxes": [tax_json(tax) for tax in taxes]} for (row, _taxable), taxes in taxed], totals


def _check_not_too_much(invoice: Json, total: int) -> None:
    credited_before = invoice["pre_payment_credit_notes_amount"] + invoice["post_payment_credit_notes_amount"]
    if total + credited_before > invoice["total"]:
        raise refuse("The sum of credit notes can't exceed the total of the invoice.", param="amount")


def _check_rest(call: Call, rest: int) -> None:
    named = ("refund_amount", "credit_amount", "out_of_band_amount")
    if sum(call.params.get(name, 0) for name in named) != rest:
        raise refuse(
            f"The sum of credit amount, refund amount and out of band amount must equal {rest}: what the credit note "
            "exceeds the remaining amount of the invoice by.",
            param="amount",
        )


def _apply(call: Call, invoice: Json, before: int, after: int) -> None:
    changes: Json = {
        "pre_payment_credit_notes_amount": invoice["pre_payment_credit_notes_amount"] + before,
        "post_payment_credit_notes_amount": invoice["post_payment_credit_notes_amount"] + after,
        "amount_due": invoice["amount_due"] - before,
    }
    if before:
        reduce_remaining(call, invoice, invoice["amount_remaining"] - before, changes)
    else:
        call.change(invoice, changes, "invoice.updated")


def _refund(call: Call, invoice: Json, amount: int) -> list[Json]:
    plan = _refund_plan(call, invoice, amount)
    if amount > available(call.books, invoice["currency"]):
        raise refuse("Insufficient funds in your Stripe account to refund this payment.", code="balance_insufficient")
    refunds = [(refund_charge(call, charge, part, {}), part) for charge, part in plan]
    return [{"amount_refunded": part, "refund": refund["id"], "type": "refund"} for refund, part in refunds]


def _refund_plan(call: Call, invoice: Json, amount: int) -> list[tuple[Json, int]]:
    """From the newest payment of the invoice, then the one before it."""
    plan: list[tuple[Json, int]] = []
    for payment in call.table("invoice_payment").of(invoice["id"])[::-1]:
        if payment["status"] != "paid":
            continue
        intent = call.row("payment_intent", payment["payment"]["payment_intent"])
        charge = call.row("charge", intent["latest_charge"])
        part = min(amount, charge["amount"] - charge["amount_refunded"])
        if part:
            plan.append((charge, part))
            amount -= part
    if amount:
        raise refuse("The refund exceeds what was paid on the invoice by charge.", param="refund_amount")
    return plan


def _credit_customer(call: Call, invoice: Json, amount: int) -> None:
    customer = call.row("customer", invoice["customer"])
    call.change(customer, {"balance": customer["balance"] - amount}, "customer.updated")


def _new_note(call: Call, invoice: Json, totals: Totals, before: int) -> Json:
    after = totals.total - before
    identifier = new_id("credit_note")
    number = len(call.table("credit_note").of(invoice["id"])) + 1
    return {
        "id": identifier,
        "object": "credit_note",
        "amount": totals.total,
        "amount_shipping": 0,
        "created": call.now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": call.params.get("effective_at", call.now),
        "invoice": invoice["id"],
        "livemode": False,
        "memo": call.params.get("memo"),
        "metadata": call.params.get("metadata", {}),
        "number": f"{invoice['number']}-CN-{number:02d}",
        "out_of_band_amount": call.params.get("out_of_band_amount"),
        "pdf": f"https://invoice.stripe.example/cn/{identifier}/pdf",
        "post_payment_amount": after,
        "pre_payment_amount": before,
        "pretax_credit_amounts": [],
        "reason": call.params.get("reason"),
        "refunds": [],
        "shipping_cost": None,
        "status": "issued",
        "subtotal": totals.subtotal,
        "subtotal_excluding_tax": totals.subtotal_excluding_tax,
        "total": totals.total,
        "total_excluding_tax": totals.subtotal_excluding_tax,
        "total_taxes": [tax_json(tax) for tax in totals.taxes],
        "type": "mixed" if before and after else "post_payment" if after else "pre_payment",
        "voided_at": None,
    }


ROUTES = [
    Route("POST", "/v1/credit_notes", create, _CREATE),
    Route("GET", "/v1/credit_notes/{id}", retrieve),
    Route("POST", "/v1/credit_notes/{id}", update, _UPDATE),
    Route("POST", "/v1/credit_notes/{id}/void", void),
    Route("GET", "/v1/credit_notes", list_all, {**BY_TIME, "customer": text(), "invoice": text()}),
    Route("GET", "/v1/credit_notes/{id}/lines", list_lines, PAGING),
]
