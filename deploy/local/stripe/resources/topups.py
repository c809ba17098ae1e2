"""`/v1/topups` (read): money that the platform put into its balance itself; the control routes make them."""

from deploy.local.stripe.errors import Json
from deploy.local.stripe.listing import BY_TIME, matching, page
from deploy.local.stripe.resources.balance import post
from deploy.local.stripe.routing import Route
from deploy.local.stripe.tables import new_id
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call


def top_up(call: Call, amount: int, currency: str) -> Json:
    row: Json = {
        "id": new_id("topup"),
        "object": "topup",
        "amount": amount,
        "balance_transaction": None,
        "created": call.now,
        "currency": currency,
        "description": None,
        "expected_availability_date": call.now,
        "failure_code": None,
        "failure_message": None,
        "initiated_by": "user",
        "livemode": False,
        "metadata": {},
        "source": None,
        "statement_descriptor": None,
        "status": "succeeded",
        "transfer_group": None,
    }
    call.add(row)
    entry = post(call, "topup", amount, currency, source=row["id"])
    call.change(row, {"balance_transaction": entry["id"]})
    call.emit("topup.succeeded", row)
    return row


def retrieve(call: Call) -> Json:
    return render(call.books, call.row("topup"))


def list_all(call: Call) -> Json:
    return page(call, call.table("topup"), "/v1/topups", matching(call.params))


ROUTES = [
    Route("GET", "/v1/topups/{id}", retrieve),
    Route("GET", "/v1/topups", list_all, BY_TIME),
]
