"""`/v1/charges` (read) and `/v1/refunds`."""

from deploy.local.stripe.errors import Json, no_such
from deploy.local.stripe.listing import BY_TIME, PAGING, matching, page
from deploy.local.stripe.params import Shape, integer, merge_metadata, metadata, one_of, text
from deploy.local.stripe.resources.balance import available, post
from deploy.local.stripe.routing import Route
from deploy.local.stripe.tables import Sequence, new_id
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call, refuse

_LIST_CHARGES: Shape = {**BY_TIME, "customer": text(), "payment_intent": text(), "transfer_group": text()}
_LIST_REFUNDS: Shape = {**BY_TIME, "charge": text(), "payment_intent": text()}
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_REFUND: Shape = {
    "amount": integer(minimum=1),
    "charge": text(),
    "metadata": metadata(),
    "payment_intent": text(),
    "reason": one_of(*_REASONS),
}


def retrieve(call: Call) -> Json:
    return render(call.books, call.row("charge"))


def list_all(call: Call) -> Json:
    wanted = matching(call.params, "customer", "payment_intent", "transfer_group")
    return page(call, call.table("charge"), "/v1/charges", wanted)


def list_refunds_of_charge(call: Call) -> Json:
    charge = call.row("charge")
    refunds = Sequence(call.table("refund").of(charge["id"])[::-1])
    return page(call, refunds, f"/v1/charges/{charge['id']}/refunds")


def create_refund(call: Call) -> Json:
    refund = refund_charge(call, _charge_of(call), call.params.get("amount"), call.params)
    return render(call.books, refund)


def refund_charge(call: Call, charge: Json, amount: int | None, given: Json) -> Json:
    """Gives a charge back, wholly or in part. A transfer that was made from it stays where it is."""
    left = charge["amount"] - charge["amount_refunded"]
    if charge["status"] != "succeeded":
        raise refuse(f"Charge {charge['id']} has not succeeded and can't be refunded.", code="charge_not_refundable")
    if left == 0:
        raise refuse(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = amount if amount is not None else left
    if amount > left:
        raise refuse("Refund amount is greater than unrefunded amount on charge", param="amount")
    if amount > available(call.books, charge["currency"]):
        raise refuse("Insufficient funds in your Stripe account to refund this payment.", code="balance_insufficient")
    refund = _new_refund(call, charge, amount, given)
    entry = post(call, "refund", -amount, charge["currency"], source=refund["id"])
    call.change(refund, {"balance_transaction": entry["id"]})
    refunded = charge["amount_refunded"] + amount
    call.change(charge, {"amount_refunded": refunded, "refunded": refunded == charge["amount"]})
    call.emit("refund.created", refund)
    call.emit("charge.refunded", charge)
    return refund


def retrieve_refund(call: Call) -> Json:
    return render(call.books, call.row("refund"))


def update_refund(call: Call) -> Json:
    refund = call.row("refund")
    changes = {name: merge_metadata(refund["metadata"], given) for name, given in call.params.items()}
    return render(call.books, call.change(refund, changes, "refund.updated"))


def list_refunds(call: Call) -> Json:
    return page(call, call.table("refund"), "/v1/refunds", matching(call.params, "charge", "payment_intent"))


def _charge_of(call: Call) -> Json:
    if "charge" in call.params:
        return call.row("charge", call.params["charge"], param="charge")
    if "payment_intent" not in call.params:
        raise refuse("One of the following params should be provided: payment_intent or charge.")
    intent = call.row("payment_intent", call.params["payment_intent"], param="payment_intent")
    if intent["latest_charge"] is None:
        raise no_such("charge", intent["id"], param="payment_intent")
    return call.row("charge", intent["latest_charge"])


def _new_refund(call: Call, charge: Json, amount: int, given: Json) -> Json:
    row: Json = {
        "id": new_id("refund"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": call.now,
        "currency": charge["currency"],
        "destination_details": {"type": "card", "card": {"type": "refund"}},
        "metadata": given.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "reason": given.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    return call.add(row)


ROUTES = [
    Route("GET", "/v1/charges/{id}", retrieve),
    Route("GET", "/v1/charges", list_all, _LIST_CHARGES),
    Route("GET", "/v1/charges/{id}/refunds", list_refunds_of_charge, PAGING),
    Route("POST", "/v1/refunds", create_refund, _REFUND),
    Route("GET", "/v1/refunds/{id}", retrieve_refund),
    Route("POST", "/v1/refunds/{id}", update_refund, {"metadata": metadata()}),
    Route("GET", "/v1/refunds", list_refunds, _LIST_REFUNDS),
]
