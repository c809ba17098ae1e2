"""What customers and banks do: pay an invoice, top up the balance, answer an asynchronous payment."""

from deploy.local.stripe.control.body import Body
from deploy.local.stripe.control.machine import Machine
from deploy.local.stripe.errors import ApiError, Json
from deploy.local.stripe.resources.invoice_actions import check_payable
from deploy.local.stripe.resources.payment_methods import GENERIC_DECLINE, Decline
from deploy.local.stripe.resources.payment_shapes import new_intent, new_invoice_payment
from deploy.local.stripe.resources.payouts import pay_out as send_payout
from deploy.local.stripe.resources.settlement import attempt, complete, default_payment, fail
from deploy.local.stripe.resources.topups import top_up as add_top_up
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call


def pay_invoice(machine: Machine, body: Body, identifier: str) -> Json:
    """As its customer would on the hosted page: the whole rest, or `amount` of it."""
    call = Call(machine.world)
    invoice = call.row("invoice", identifier)
    amount = body.integer("amount") if body.has("amount") else None
    method = body.text("payment_method", "pm_card_visa")
    body.end()
    check_payable(invoice)
    if amount is not None and not 0 < amount <= invoice["amount_remaining"]:
        raise ApiError(f"amount must be 1 to {invoice['amount_remaining']} cents", param="amount")
    is_partial = amount is not None and amount < invoice["amount_remaining"]
    intent = _partial_payment(call, invoice, amount or 0) if is_partial else _whole_payment(call, invoice)
    attempt(call, intent, method)
    return {"invoice": render(call.books, invoice), "payment_intent": intent["id"], "status": intent["status"]}


def top_up(machine: Machine, body: Body) -> Json:
    amount = body.integer("amount")
    currency = body.text("currency", machine.world.settings.currency)
    body.end()
    if amount < 1:
        raise ApiError("amount must be at least 1 cent", param="amount")
    call = Call(machine.world)
    row = add_top_up(call, amount, currency)
    return {"topup": row["id"], "available_cents": call.books.available_cents}


def pay_out(machine: Machine, body: Body) -> Json:
    """The platform's own balance leaves for its bank, all of it or `amount`."""
    call = Call(machine.world)
    currency = body.text("currency", machine.world.settings.currency)
    available = call.books.available_cents.get(currency, 0)
    amount = body.integer("amount", available)
    body.end()
    if not 0 < amount <= available:
        raise ApiError(f"the platform has {available} cents available", param="amount")
    return send_payout(call, amount, currency)


def settle(machine: Machine, body: Body, identifier: str) -> Json:
    body.end()
    call = Call(machine.world)
    intent = call.row("payment_intent", identifier)
    complete(call, intent)
    return render(call.books, intent)


def fail_payment(machine: Machine, body: Body, identifier: str) -> Json:
    code = body.text("code", "insufficient_funds")
    message = body.text("message", "The customer's account has insufficient funds to cover this payment.")
    body.end()
    call = Call(machine.world)
    intent = call.row("payment_intent", identifier)
    fail(call, intent, Decline(code, GENERIC_DECLINE.decline_code, message))
    return render(call.books, intent)


def _whole_payment(call: Call, invoice: Json) -> Json:
    payment = default_payment(call, invoice)
    return call.row("payment_intent", payment["payment"]["payment_intent"])


def _partial_payment(call: Call, invoice: Json, amount: int) -> Json:
    terms: Json = {"amount": amount, "currency": invoice["currency"], "customer": invoice["customer"]}
    intent = new_intent(call, terms)
    new_invoice_payment(call, invoice, intent, is_default=False)
    return intent
