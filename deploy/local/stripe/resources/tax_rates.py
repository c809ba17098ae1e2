"""Tax rates: Australian GST is one of 10 %, exclusive or inclusive."""

from decimal import Decimal

from deploy.local.stripe.errors import Json
from deploy.local.stripe.listing import BY_TIME, matching, page
from deploy.local.stripe.params import Shape, decimal, flag, merge_metadata, metadata, required, text
from deploy.local.stripe.resources.totals import Rate
from deploy.local.stripe.routing import Route
from deploy.local.stripe.tables import new_id
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call

_UPDATE: Shape = {
    "active": flag(),
    "country": text(),
    "description": text(clearable=True),
    "display_name": text(),
    "jurisdiction": text(clearable=True),
    "metadata": metadata(),
    "state": text(),
    "tax_type": text(),
}
_CREATE: Shape = {
    **_UPDATE,
    "display_name": required(text()),
    "inclusive": required(flag()),
    "percentage": required(decimal(maximum=100)),
}
TAX_RATE_DATA: Shape = {
    **{name: param for name, param in _CREATE.items() if name not in {"active", "metadata"}},
    "jurisdiction_level": text(),
}


def create(call: Call) -> Json:
    return render(call.books, add_rate(call, call.params))


def add_rate(call: Call, given: Json) -> Json:
    percentage: Decimal = given["percentage"]
    row: Json = {
        "id": new_id("tax_rate"),
        "object": "tax_rate",
        "active": True,
        "country": None,
        "created": call.now,
        "description": None,
        "effective_percentage": None,
        "flat_amount": None,
        "jurisdiction": None,
        "jurisdiction_level": None,
        "livemode": False,
        "metadata": {},
        "rate_type": "percentage",
        "state": None,
        "tax_type": None,
    }
    exact = {"percentage": float(percentage), "_percentage": percentage}
    return call.add({**row, **given, **exact}, "tax_rate.created")


def rate_like(call: Call, given: Json) -> Json:
    """The rate with exactly these properties, as Stripe reuses one for equal `tax_rate_data`."""
    for row in call.table("tax_rate").all():
        if row["_percentage"] == given["percentage"] and all(
            row[name] == value for name, value in given.items() if name != "percentage"
        ):
            return row
    return add_rate(call, given)


def rate(call: Call, identifier: str) -> Rate:
    row = call.row("tax_rate", identifier, param="tax_rates")
    return Rate(row["id"], row["_percentage"], row["inclusive"])


def retrieve(call: Call) -> Json:
    return render(call.books, call.row("tax_rate"))


def update(call: Call) -> Json:
    row = call.row("tax_rate")
    changes = dict(call.params)
    if "metadata" in changes:
        changes["metadata"] = merge_metadata(row["metadata"], changes["metadata"])
    return render(call.books, call.change(row, changes, "tax_rate.updated"))


def list_all(call: Call) -> Json:
    return page(call, call.table("tax_rate"), "/v1/tax_rates", matching(call.params, "active", "inclusive"))


ROUTES = [
    Route("POST", "/v1/tax_rates", create, _CREATE),
    Route("GET", "/v1/tax_rates/{id}", retrieve),
    Route("POST", "/v1/tax_rates/{id}", update, _UPDATE),
    Route("GET", "/v1/tax_rates", list_all, {**BY_TIME, "active": flag(), "inclusive": flag()}),
]
