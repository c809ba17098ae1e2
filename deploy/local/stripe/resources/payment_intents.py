"""`/v1/payment_intents`, as far as invoices need them."""

from deploy.local.stripe.errors import Json
from deploy.local.stripe.listing import BY_TIME, matching, page
from deploy.local.stripe.params import (
    Shape,
    currency,
    flag,
    free,
    integer,
    list_of,
    merge_metadata,
    metadata,
    one_of,
    required,
    text,
)
from deploy.local.stripe.resources.payment_shapes import new_intent
from deploy.local.stripe.resources.settlement import attempt, cancel_intent
from deploy.local.stripe.routing import Route
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call, refuse

_UPDATE: Shape = {
    "description": text(clearable=True),
    "metadata": metadata(),
    "payment_method": text(),
    "receipt_email": text(clearable=True),
    "transfer_group": text(),
}
_CREATE: Shape = {
    **_UPDATE,
    "amount": required(integer(minimum=1, maximum=99_999_999)),
    "automatic_payment_methods": free(),
    "confirm": flag(),
    "currency": required(currency()),
    "customer": text(),
    "off_session": flag(),
    "payment_method_types": list_of(text()),
}
_CONFIRM: Shape = {"off_session": flag(), "payment_method": text(), "return_url": text()}
_REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")


def create(call: Call) -> Json:
    terms = {name: value for name, value in call.params.items() if name not in {"confirm", "off_session"}}
    if "customer" in terms:
        call.row("customer", terms["customer"], param="customer")
    if "automatic_payment_methods" in terms:
        terms["automatic_payment_methods"] = {"allow_redirects": "never", "enabled": True}
    if "payment_method" in terms:
        terms["status"] = "requires_confirmation"
    method = _method(call, terms) if call.params.get("confirm") else None
    intent = new_intent(call, terms)
    if method is not None:
        attempt(call, intent, method)
    return render(call.books, intent)


def retrieve(call: Call) -> Json:
    return render(call.books, call.row("payment_intent"))


def update(call: Call) -> Json:
    intent = call.row("payment_intent")
    changes = dict(call.params)
    if "metadata" in changes:
        changes["metadata"] = merge_metadata(intent["metadata"], changes["metadata"])
    return render(call.books, call.change(intent, changes))


def confirm(call: Call) -> Json:
    intent = call.row("payment_intent")
    attempt(call, intent, _method(call, intent))
    return render(call.books, intent)


def cancel(call: Call) -> Json:
    intent = call.row("payment_intent")
    if intent["status"] in {"succeeded", "canceled", "processing"}:
        raise refuse(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
        )
    attached = intent["_invoice_payment"]
    if attached is not None and call.row("invoice_payment", attached)["is_default"]:
        raise refuse("The default payment of an invoice can't be canceled directly.")
    cancel_intent(call, intent, call.params.get("cancellation_reason"))
    return render(call.books, intent)


def list_all(call: Call) -> Json:
    return page(call, call.table("payment_intent"), "/v1/payment_intents", matching(call.params, "customer"))


def _method(call: Call, intent: Json) -> str:
    method: str | None = call.params.get("payment_method") or intent.get("payment_method")
    if method is None:
        raise refuse(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
        )
    return method


ROUTES = [
    Route("POST", "/v1/payment_intents", create, _CREATE),
    Route("GET", "/v1/payment_intents/{id}", retrieve, {"client_secret": text()}),
    Route("POST", "/v1/payment_intents/{id}", update, _UPDATE),
    Route("POST", "/v1/payment_intents/{id}/confirm", confirm, _CONFIRM),
    Route("POST", "/v1/payment_intents/{id}/cancel", cancel, {"cancellation_reason": one_of(*_REASONS)}),
    Route("GET", "/v1/payment_intents", list_all, {**BY_TIME, "customer": text()}),
]
