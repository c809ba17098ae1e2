"""What happens to an invoice after its draft: finalise, send, pay, void, write off, attach a payment."""

from deploy.local.stripe.errors import Json
from deploy.local.stripe.params import Shape, flag, required, text
from deploy.local.stripe.resources.invoice_sums import InvoiceStatus, retotal
from deploy.local.stripe.resources.payment_shapes import new_intent, new_invoice_payment
from deploy.local.stripe.resources.settlement import (
    attempt,
    cancel_default_payment,
    credit_intent,
    default_payment,
    is_processing,
    pay_off_stripe,
)
from deploy.local.stripe.resources.totals import amount_due
from deploy.local.stripe.routing import Route
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call, refuse

_PAY: Shape = {"off_session": flag(), "paid_out_of_band": flag(), "payment_method": text()}


def finalize(call: Call) -> Json:
    invoice = call.row("invoice")
    if "auto_advance" in call.params:
        call.change(invoice, {"auto_advance": call.params["auto_advance"]})
    finalize_invoice(call, invoice)
    return render(call.books, invoice)


def finalize_invoice(call: Call, invoice: Json) -> None:
    if invoice["status"] != InvoiceStatus.DRAFT:
        raise refuse(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
            code="invoice_not_editable",
        )
    retotal(call, invoice, event=None)
    customer = call.row("customer", invoice["customer"])
    due, ending = amount_due(invoice["total"], customer["balance"])
    address = f"https://invoice.stripe.example/i/{call.world.platform_account}/{invoice['id']}"
    changes: Json = {
        "status": InvoiceStatus.OPEN,
        "number": invoice["number"] or _next_number(call, customer),
        "amount_due": due,
        "amount_remaining": due,
        "starting_balance": customer["balance"],
        "ending_balance": ending,
        "effective_at": invoice["effective_at"] or call.now,
        "automatically_finalizes_at": None,
        "hosted_invoice_url": address,
        "invoice_pdf": f"{address}/pdf",
        "webhooks_delivered_at": call.now,
        "status_transitions": {**invoice["status_transitions"], "finalized_at": call.now},
    }
    call.change(customer, {"balance": ending}, "customer.updated")
    call.change(invoice, changes)
    if due:
        _open_default_payment(call, invoice)
    call.emit("invoice.finalized", invoice)
    if not due:
        _mark_paid_by_balance(call, invoice)


def send(call: Call) -> Json:
    invoice = call.row("invoice")
    if invoice["collection_method"] != "send_invoice":
        raise refuse("You can only manually send an invoice if its collection method is 'send_invoice'.")
    if invoice["status"] == InvoiceStatus.VOID:
        raise refuse("You can't send a voided invoice.")
    if invoice["status"] == InvoiceStatus.DRAFT:
        finalize_invoice(call, invoice)
    call.emit("invoice.sent", invoice)
    return render(call.books, invoice)


def pay(call: Call) -> Json:
    invoice = call.row("invoice")
    if invoice["status"] == InvoiceStatus.DRAFT:
        finalize_invoice(call, invoice)
    check_payable(invoice)
    if call.params.get("paid_out_of_band"):
        pay_off_stripe(call, invoice)
        return render(call.books, invoice)
    method = call.params.get("payment_method") or _method_on_file(call, invoice)
    if method is None:
        raise refuse(
            "There is no `default_payment_method` set on this Customer or Invoice. Please set the "
            "`default_payment_method` on the Customer or Invoice, or pass in a `payment_method`.",
            code="parameter_missing",
            param="payment_method",
        )
    attempt(call, call.row("payment_intent", default_payment(call, invoice)["payment"]["payment_intent"]), method)
    return render(call.books, invoice)


def void(call: Call) -> Json:
    invoice = call.row("invoice")
    if invoice["status"] not in {InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE}:
        raise refuse(f"You can only void open or uncollectible invoices; this one is {invoice['status']}.")
    if _attached(call, invoice, "open", "paid") or is_processing(call, invoice):
        raise refuse("This invoice has payments attached to it and can't be voided.")
    cancel_default_payment(call, invoice, "void_invoice")
    customer = call.row("customer", invoice["customer"])
    restored = customer["balance"] + invoice["starting_balance"] - (invoice["ending_balance"] or 0)
    call.change(customer, {"balance": restored}, "customer.updated")
    transitions = {**invoice["status_transitions"], "voided_at": call.now}
    changes = {"status": InvoiceStatus.VOID, "status_transitions": transitions, "auto_advance": False}
    call.change(invoice, changes, "invoice.voided")
    return render(call.books, invoice)


def mark_uncollectible(call: Call) -> Json:
    invoice = call.row("invoice")
    if invoice["status"] != InvoiceStatus.OPEN:
        raise refuse(f"You can only mark open invoices as uncollectible; this one is {invoice['status']}.")
    if _attached(call, invoice, "open") or is_processing(call, invoice):
        raise refuse("This invoice has open payments attached to it and can't be marked uncollectible.")
    changes: Json = {
        "status": InvoiceStatus.UNCOLLECTIBLE,
        "status_details": {"uncollectible": {"reason": "user_forgiven"}},
        "status_transitions": {**invoice["status_transitions"], "marked_uncollectible_at": call.now},
    }
    call.change(invoice, changes, "invoice.marked_uncollectible")
    return render(call.books, invoice)


def attach_payment(call: Call) -> Json:
    """A payment for part of the rest, or all of it; one that has succeeded counts at once."""
    invoice = call.row("invoice")
    intent = call.row("payment_intent", call.params["payment_intent"], param="payment_intent")
    check_payable(invoice)
    if intent["customer"] != invoice["customer"] or intent["currency"] != invoice["currency"]:
        raise refuse("The PaymentIntent must have the customer and currency of the invoice.", param="payment_intent")
    if intent["_invoice_payment"] is not None or intent["status"] == "canceled":
        raise refuse("This PaymentIntent is canceled or attached to an invoice already.", param="payment_intent")
    if intent["amount"] > invoice["amount_remaining"]:
        raise refuse("The amount exceeds what remains to be paid on the invoice.", param="payment_intent")
    new_invoice_payment(call, invoice, intent, is_default=False)
    if intent["status"] == "succeeded":
        credit_intent(call, intent)
    return render(call.books, invoice)


def check_payable(invoice: Json) -> None:
    status = InvoiceStatus(invoice["status"])
    if status is InvoiceStatus.PAID:
        raise refuse("Invoice is already paid")
    if not status.is_payable:
        raise refuse(f"You can only pay open or uncollectible invoices; this one is {status.value}.")


def _open_default_payment(call: Call, invoice: Json) -> None:
    """Stripe opens a payment for the whole when it finalises, and keeps it equal to what remains."""
    terms: Json = {"amount": invoice["amount_due"], "currency": invoice["currency"], "customer": invoice["customer"]}
    intent = new_intent(call, {**terms, "description": f"Payment for Invoice {invoice['number']}"})
    new_invoice_payment(call, invoice, intent, is_default=True)


def _mark_paid_by_balance(call: Call, invoice: Json) -> None:
    transitions = {**invoice["status_transitions"], "paid_at": call.now}
    changes = {"status": InvoiceStatus.PAID, "attempted": True, "status_transitions": transitions}
    call.change(invoice, changes, "invoice.updated")
    call.emit("invoice.paid", invoice)
    call.emit("invoice.payment_succeeded", invoice)


def _next_number(call: Call, customer: Json) -> str:
    sequence = customer["next_invoice_sequence"]
    call.change(customer, {"next_invoice_sequence": sequence + 1})
    return f"{customer['invoice_prefix']}-{sequence:04d}"


def _method_on_file(call: Call, invoice: Json) -> str | None:
    customer = call.row("customer", invoice["customer"])
    method: str | None = invoice["default_payment_method"] or customer["invoice_settings"]["default_payment_method"]
    return method


def _attached(call: Call, invoice: Json, *statuses: str) -> bool:
    payments = call.table("invoice_payment").of(invoice["id"])
    return any(payment["status"] in statuses and not payment["is_default"] for payment in payments)


ROUTES = [
    Route("POST", "/v1/invoices/{id}/finalize", finalize, {"auto_advance": flag()}),
    Route("POST", "/v1/invoices/{id}/send", send),
    Route("POST", "/v1/invoices/{id}/pay", pay, _PAY),
    Route("POST", "/v1/invoices/{id}/void", void),
    Route("POST", "/v1/invoices/{id}/mark_uncollectible", mark_uncollectible),
    Route("POST", "/v1/invoices/{id}/attach_payment", attach_payment, {"payment_intent": required(text())}),
]
