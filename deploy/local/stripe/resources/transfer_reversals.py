"""`/v1/transfers/{id}/reversals`: money back from a connected account, as far as it still has it."""

from deploy.local.stripe.errors import Json, no_such
from deploy.local.stripe.listing import PAGING, page
from deploy.local.stripe.params import Shape, integer, merge_metadata, metadata, text
from deploy.local.stripe.resources.balance import available, post
from deploy.local.stripe.resources.payment_shapes import destination_refund
from deploy.local.stripe.routing import Route
from deploy.local.stripe.tables import Sequence, new_id
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call, refuse

_CREATE: Shape = {"amount": integer(minimum=1), "description": text(), "metadata": metadata()}


def create(call: Call) -> Json:
    transfer = call.row("transfer")
    left = transfer["amount"] - transfer["amount_reversed"]
    if left == 0:
        raise refuse(f"The transfer {transfer['id']} is already fully reversed.")
    amount = call.params.get("amount", left)
    if amount > left:
        raise refuse(
            f"Transfer reversal amount ({_dollars(amount)}) is greater than unreversed amount on transfer "
            f"({_dollars(left)})",
            param="amount",
        )
    recipient = call.on_account(transfer["destination"])
    if available(recipient.books, transfer["currency"]) < amount:
        raise refuse(
            "The connected account has insufficient available funds to reverse this transfer.",
            code="balance_insufficient",
        )
    reversal = call.add(_new_reversal(call, transfer, amount))
    _move_back(call, recipient, transfer, reversal)
    reversed_cents = transfer["amount_reversed"] + amount
    call.change(transfer, {"amount_reversed": reversed_cents, "reversed": reversed_cents == transfer["amount"]})
    call.emit("transfer.reversed", transfer)
    return render(call.books, reversal)


def retrieve(call: Call) -> Json:
    return render(call.books, _reversal(call))


def update(call: Call) -> Json:
    reversal = _reversal(call)
    changes = {name: merge_metadata(reversal["metadata"], given) for name, given in call.params.items()}
    return render(call.books, call.change(reversal, changes))


def list_all(call: Call) -> Json:
    transfer = call.row("transfer")
    rows = Sequence(call.table("transfer_reversal").of(transfer["id"])[::-1])
    return page(call, rows, f"/v1/transfers/{transfer['id']}/reversals")


def _reversal(call: Call) -> Json:
    row = call.table("transfer_reversal").get(call.path["child"])
    if row is None or row["transfer"] != call.path["id"]:
        raise no_such("transfer reversal", call.path["child"])
    return row


def _move_back(call: Call, recipient: Call, transfer: Json, reversal: Json) -> None:
    currency, amount = transfer["currency"], reversal["amount"]
    entry = post(call, "transfer_refund", amount, currency, source=reversal["id"])
    refund = destination_refund(recipient, transfer, reversal)
    taken = post(recipient, "payment_refund", -amount, currency, source=refund["id"])
    refund["balance_transaction"] = taken["id"]
    reversal.update({"balance_transaction": entry["id"], "destination_payment_refund": refund["id"]})


def _new_reversal(call: Call, transfer: Json, amount: int) -> Json:
    return {
        "id": new_id("transfer_reversal"),
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": None,
        "created": call.now,
        "currency": transfer["currency"],
        "destination_payment_refund": None,
        "metadata": call.params.get("metadata", {}),
        "source_refund": None,
        "transfer": transfer["id"],
    }


def _dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02d}"


ROUTES = [
    Route("POST", "/v1/transfers/{id}/reversals", create, _CREATE),
    Route("GET", "/v1/transfers/{id}/reversals/{child}", retrieve),
    Route("POST", "/v1/transfers/{id}/reversals/{child}", update, {"metadata": metadata()}),
    Route("GET", "/v1/transfers/{id}/reversals", list_all, PAGING),
]
