"""`/v1/invoice_payments`: which payment paid how much of which invoice."""

from deploy.local.stripe.errors import Json
from deploy.local.stripe.listing import BY_TIME, matching, page
from deploy.local.stripe.params import Shape, hash_of, one_of, required, text
from deploy.local.stripe.routing import Route
from deploy.local.stripe.tables import Sequence
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call

_PAYMENT: Shape = {"payment_intent": text(), "type": required(one_of("payment_intent", "payment_record"))}
_LIST: Shape = {
    **BY_TIME,
    "invoice": text(),
    "payment": hash_of(_PAYMENT),
    "status": one_of("canceled", "open", "paid"),
}


def retrieve(call: Call) -> Json:
    return render(call.books, call.row("invoice_payment"))


def list_all(call: Call) -> Json:
    same = matching(call.params, "invoice", "status")
    wanted_payment = call.params.get("payment", {}).items()
    table = call.table("invoice_payment")
    invoice = call.params.get("invoice")
    rows = Sequence(table.of(invoice)[::-1]) if invoice else table
    return page(
        call,
        rows,
        "/v1/invoice_payments",
        lambda row: same(row) and all(row["payment"].get(name) == value for name, value in wanted_payment),
    )


ROUTES = [
    Route("GET", "/v1/invoice_payments/{id}", retrieve),
    Route("GET", "/v1/invoice_payments", list_all, _LIST),
]
