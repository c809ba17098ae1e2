"""`/v1/transfers`: the platform's money to a connected account."""

from deploy.local.stripe.errors import Json, no_such
from deploy.local.stripe.listing import BY_TIME, matching, page
from deploy.local.stripe.params import Shape, currency, integer, merge_metadata, metadata, one_of, required, text
from deploy.local.stripe.resources.balance import available, post
from deploy.local.stripe.resources.payment_shapes import destination_payment
from deploy.local.stripe.routing import Route
from deploy.local.stripe.tables import new_id
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call, refuse

_CREATE: Shape = {
    "amount": required(integer(minimum=1)),
    "currency": required(currency()),
    "description": text(),
    "destination": required(text()),
    "metadata": metadata(),
    "source_transaction": text(),
    "source_type": one_of("bank_account", "card", "fpx"),
    "transfer_group": text(),
}
_UPDATE: Shape = {"description": text(clearable=True), "metadata": metadata()}
_LIST: Shape = {**BY_TIME, "destination": text(), "transfer_group": text()}
"""Stripe cannot filter transfers by metadata: reconcile by `transfer_group` and `created`, then compare."""

_ABLE = ("transfers", "crypto_transfers", "legacy_payments")


def create(call: Call) -> Json:
    given = call.params
    _check_destination(call, given["destination"])
    source = _source(call, given)
    if source is None and available(call.books, given["currency"]) < given["amount"]:
        raise refuse(
            "You have insufficient available funds in your Stripe account. Try adding funds directly to your "
            "available balance by creating Charges using the 4000000000000077 test card. "
            "See: https://stripe.com/docs/testing#available-balance",
            code="balance_insufficient",
        )
    transfer = call.add(_new_transfer(call, given, source))
    entry = post(call, "transfer", -given["amount"], given["currency"], source=transfer["id"])
    payment = destination_payment(call.on_account(given["destination"]), transfer)
    received = post(
        call.on_account(given["destination"]), "payment", given["amount"], given["currency"], source=payment["id"]
    )
    payment["balance_transaction"] = received["id"]
    call.change(transfer, {"balance_transaction": entry["id"], "destination_payment": payment["id"]})
    call.emit("transfer.created", transfer)
    return render(call.books, transfer)


def retrieve(call: Call) -> Json:
    return render(call.books, call.row("transfer"))


def update(call: Call) -> Json:
    transfer = call.row("transfer")
    changes = dict(call.params)
    if "metadata" in changes:
        changes["metadata"] = merge_metadata(transfer["metadata"], changes["metadata"])
    return render(call.books, call.change(transfer, changes, "transfer.updated"))


def list_all(call: Call) -> Json:
    wanted = matching(call.params, "destination", "transfer_group")
    return page(call, call.table("transfer"), "/v1/transfers", wanted)


def _check_destination(call: Call, destination: str) -> None:
    account = call.table("account").get(destination)
    if account is None:
        raise no_such("destination", destination, param="destination")
    capabilities = account["_capabilities"]
    if not any(capabilities.get(name, {}).get("status") == "active" for name in _ABLE):
        raise refuse(
            "Your destination account needs to have at least one of the following capabilities enabled: "
            f"{', '.join(_ABLE)}",
            code="insufficient_capabilities_for_transfer",
        )


def _source(call: Call, given: Json) -> Json | None:
    """A charge that pays for the transfer: no balance is needed, but its transfers must not exceed it."""
    if "source_transaction" not in given:
        return None
    charge = call.row("charge", given["source_transaction"], param="source_transaction")
    if charge["status"] == "failed":
        raise refuse("Cannot use a failed charge as source_transaction.", param="source_transaction")
    if charge["currency"] != given["currency"]:
        raise refuse("The currency of source_transaction's balance transaction differs.", param="currency")
    if charge["_transferred"] + given["amount"] > charge["amount"]:
        raise refuse(
            "The transfers from this charge would exceed its amount.", code="balance_insufficient", param="amount"
        )
    charge["_transferred"] += given["amount"]
    return charge


def _new_transfer(call: Call, given: Json, source: Json | None) -> Json:
    group = (source or {}).get("transfer_group") or given.get("transfer_group")
    if source is not None and group is None:
        group = f"group_{source['payment_intent']}"
        source["transfer_group"] = group
    return {
        "id": new_id("transfer"),
        "object": "transfer",
        "amount": given["amount"],
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": call.now,
        "currency": given["currency"],
        "description": given.get("description"),
        "destination": given["destination"],
        "destination_payment": None,
        "livemode": False,
        "metadata": given.get("metadata", {}),
        "reversed": False,
        "source_transaction": source["id"] if source else None,
        "source_type": given.get("source_type", "card"),
        "transfer_group": group,
    }


ROUTES = [
    Route("POST", "/v1/transfers", create, _CREATE),
    Route("GET", "/v1/transfers/{id}", retrieve),
    Route("POST", "/v1/transfers/{id}", update, _UPDATE),
    Route("GET", "/v1/transfers", list_all, _LIST),
]
