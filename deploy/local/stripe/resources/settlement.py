"""Money coming in: a payment is attempted, succeeds now or later or fails, and its invoice is credited."""

from deploy.local.stripe.errors import ApiError, Json
from deploy.local.stripe.resources.balance import post
from deploy.local.stripe.resources.invoice_sums import InvoiceStatus
from deploy.local.stripe.resources.payment_methods import Decline, decline_of, kind_of
from deploy.local.stripe.resources.payment_shapes import new_charge
from deploy.local.stripe.resources.totals import rounded_share
from deploy.local.stripe.world import Call, refuse

_ATTEMPTABLE = {"requires_payment_method", "requires_confirmation", "requires_action"}


def attempt(call: Call, intent: Json, method: str) -> None:
    """Raises Stripe's 402 when the card declines; the failed attempt stays on record."""
    if intent["status"] not in _ATTEMPTABLE:
        raise refuse(
            f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
        )
    kind, decline = kind_of(method), decline_of(method)
    charge = new_charge(call, intent, method, kind, decline)
    call.change(intent, {"payment_method": method, "latest_charge": charge["id"], "last_payment_error": None})
    if decline is not None:
        _fail(call, intent, charge, decline)
        raise _card_error(charge, intent, decline)
    if kind.is_asynchronous:
        call.change(intent, {"status": "processing"})
        call.emit("charge.pending", charge)
        call.emit("payment_intent.processing", intent)
        return
    _succeed(call, intent, charge)


def complete(call: Call, intent: Json) -> None:
    """The bank's late yes to an asynchronous payment."""
    charge = _pending_charge(call, intent)
    call.change(charge, {"status": "succeeded", "paid": True})
    _succeed(call, intent, charge)


def fail(call: Call, intent: Json, decline: Decline) -> None:
    """The bank's late no."""
    charge = _pending_charge(call, intent)
    failure = {"failure_code": decline.code, "failure_message": decline.message}
    call.change(charge, {"status": "failed", "amount_captured": 0, **failure})
    _fail(call, intent, charge, decline)


def credit_intent(call: Call, intent: Json) -> None:
    """Credits the invoice that a succeeded payment is attached to; what is too much becomes the customer's credit."""
    if intent["_invoice_payment"] is None:
        return
    payment = call.row("invoice_payment", intent["_invoice_payment"])
    invoice = call.row("invoice", payment["invoice"])
    credited = min(intent["amount_received"], invoice["amount_remaining"])
    transitions = {**payment["status_transitions"], "paid_at": call.now}
    call.change(payment, {"status": "paid", "amount_paid": credited, "status_transitions": transitions})
    call.emit("invoice_payment.paid", payment)
    _keep_overpayment(call, invoice, intent["amount_received"] - credited)
    if not credited:
        return
    paid = {"amount_paid": invoice["amount_paid"] + credited, "attempted": True}
    reduce_remaining(call, invoice, invoice["amount_remaining"] - credited, paid)
    if invoice["status"] == InvoiceStatus.PAID:
        call.emit("invoice.payment_succeeded", invoice)


def reduce_remaining(call: Call, invoice: Json, remaining: int, changes: Json) -> None:
    """Writes what is left to pay; with nothing left the invoice is paid."""
    changes = {**changes, "amount_remaining": remaining}
    if remaining == 0:
        transitions = {**invoice["status_transitions"], "paid_at": call.now}
        changes |= {"status": InvoiceStatus.PAID, "status_transitions": transitions, "auto_advance": False}
    call.change(invoice, changes, "invoice.updated")
    if remaining == 0:
        cancel_default_payment(call, invoice, "automatic")
        call.emit("invoice.paid", invoice)
    else:
        _resize_default_payment(call, invoice)


def pay_off_stripe(call: Call, invoice: Json) -> None:
    """Paid by other means: no charge, no balance, and no `invoice.payment_succeeded`."""
    remaining = invoice["amount_remaining"]
    paid = {"amount_paid": invoice["amount_paid"] + remaining, "_off_stripe": invoice["_off_stripe"] + remaining}
    reduce_remaining(call, invoice, 0, {**paid, "attempted": True})


def default_payment(call: Call, invoice: Json) -> Json:
    for payment, _intent in _open_default_payments(call, invoice):
        return payment
    raise refuse("This invoice has no open payment.")


def is_processing(call: Call, invoice: Json) -> bool:
    return any(intent["status"] == "processing" for _payment, intent in _open_default_payments(call, invoice))


def cancel_default_payment(call: Call, invoice: Json, reason: str) -> None:
    """One that a bank is already processing cannot be called back: it ends as it may."""
    for _payment, intent in _open_default_payments(call, invoice):
        if intent["status"] != "processing":
            cancel_intent(call, intent, reason)


def cancel_intent(call: Call, intent: Json, reason: str | None) -> None:
    changes = {"status": "canceled", "canceled_at": call.now, "cancellation_reason": reason}
    call.change(intent, changes)
    call.emit("payment_intent.canceled", intent)
    if intent["_invoice_payment"] is not None:
        payment = call.row("invoice_payment", intent["_invoice_payment"])
        transitions = {**payment["status_transitions"], "canceled_at": call.now}
        call.change(payment, {"status": "canceled", "status_transitions": transitions})


def _succeed(call: Call, intent: Json, charge: Json) -> None:
    fee = rounded_share(charge["amount"], call.world.settings.fee_basis_points)
    entry = post(call, "charge", charge["amount"], charge["currency"], source=charge["id"], fee=fee)
    call.change(charge, {"balance_transaction": entry["id"]})
    changes = {"status": "succeeded", "amount_received": intent["amount"], "processing": None}
    call.change(intent, changes)
    call.emit("charge.succeeded", charge)
    call.emit("payment_intent.succeeded", intent)
    credit_intent(call, intent)


def _fail(call: Call, intent: Json, charge: Json, decline: Decline) -> None:
    problem = _card_error(charge, None, decline).body()["error"]
    call.change(intent, {"status": "requires_payment_method", "last_payment_error": problem, "payment_method": None})
    call.emit("charge.failed", charge)
    call.emit("payment_intent.payment_failed", intent)
    if intent["_invoice_payment"] is not None:
        invoice = call.row("invoice", call.row("invoice_payment", intent["_invoice_payment"])["invoice"])
        call.change(invoice, {"attempted": True, "attempt_count": invoice["attempt_count"] + 1})
        call.emit("invoice.payment_failed", invoice)


def _card_error(charge: Json, intent: Json | None, decline: Decline) -> ApiError:
    extra: Json = {"charge": charge["id"], "decline_code": decline.decline_code}
    if intent is not None:
        extra["payment_intent"] = {name: value for name, value in intent.items() if name[0] != "_"}
    return ApiError(decline.message, status=402, type_="card_error", code=decline.code, extra=extra)


def _pending_charge(call: Call, intent: Json) -> Json:
    if intent["status"] != "processing":
        raise refuse(f"The payment is not processing: it is {intent['status']}.")
    return call.row("charge", intent["latest_charge"])


def _keep_overpayment(call: Call, invoice: Json, overpaid: int) -> None:
    if overpaid:
        customer = call.row("customer", invoice["customer"])
        call.change(customer, {"balance": customer["balance"] - overpaid}, "customer.updated")
        call.change(invoice, {"amount_overpaid": invoice["amount_overpaid"] + overpaid})


def _resize_default_payment(call: Call, invoice: Json) -> None:
    """Stripe keeps the default payment equal to what remains."""
    for payment, intent in _open_default_payments(call, invoice):
        call.change(payment, {"amount_requested": invoice["amount_remaining"]})
        if intent["status"] != "processing":
            call.change(intent, {"amount": invoice["amount_remaining"]})


def _open_default_payments(call: Call, invoice: Json) -> list[tuple[Json, Json]]:
    """At most one, with its intent."""
    return [
        (payment, call.row("payment_intent", payment["payment"]["payment_intent"]))
        for payment in call.table("invoice_payment").of(invoice["id"])
        if payment["is_default"] and payment["status"] == "open"
    ]
