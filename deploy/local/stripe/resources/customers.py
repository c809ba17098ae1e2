"""Customers: whom invoices are written to."""

import string
from secrets import choice

from deploy.local.stripe.errors import Json
from deploy.local.stripe.listing import BY_TIME, matching, page
from deploy.local.stripe.params import (
    Shape,
    free,
    hash_of,
    integer,
    list_of,
    merge_hash,
    merge_metadata,
    metadata,
    one_of,
    required,
    text,
)
from deploy.local.stripe.routing import Route
from deploy.local.stripe.tables import new_id
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call

_ADDRESS_PARTS = ("city", "country", "line1", "line2", "postal_code", "state")
ADDRESS: Shape = {part: text(clearable=True) for part in _ADDRESS_PARTS}
_TAX_ID: Shape = {"type": required(text()), "value": required(text())}

_UPDATE: Shape = {
    "address": hash_of(ADDRESS, clearable=True),
    "balance": integer(),
    "business_name": text(clearable=True),
    "description": text(clearable=True),
    "email": text(clearable=True, longest=512),
    "individual_name": text(clearable=True),
    "invoice_prefix": text(longest=12),
    "invoice_settings": free(),
    "metadata": metadata(),
    "name": text(clearable=True),
    "next_invoice_sequence": integer(minimum=1),
    "phone": text(clearable=True),
    "preferred_locales": list_of(text()),
    "shipping": free(),
    "tax_exempt": one_of("", "exempt", "none", "reverse"),
}
_CREATE: Shape = {**_UPDATE, "tax_id_data": list_of(hash_of(_TAX_ID))}

_INVOICE_SETTINGS: Json = {
    "custom_fields": None,
    "default_payment_method": None,
    "footer": None,
    "rendering_options": None,
}


def full_address(given: Json | None) -> Json | None:
    return None if given is None else {part: given.get(part) for part in _ADDRESS_PARTS}


def create(call: Call) -> Json:
    given = dict(call.params)
    tax_ids = given.pop("tax_id_data", [])
    row: Json = {
        "id": new_id("customer"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": call.now,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": "".join(choice(string.ascii_uppercase + string.digits) for _ in range(8)),
        "invoice_settings": _INVOICE_SETTINGS,
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
        "_tax_ids": tax_ids,
    }
    return render(call.books, call.add({**row, **_changes(row, given)}, "customer.created"))


def retrieve(call: Call) -> Json:
    return render(call.books, call.row("customer"))


def update(call: Call) -> Json:
    row = call.row("customer")
    return render(call.books, call.change(row, _changes(row, call.params), "customer.updated"))


def delete(call: Call) -> Json:
    row = call.row("customer")
    call.emit("customer.deleted", row)
    call.table("customer").remove(row["id"])
    return {"id": row["id"], "object": "customer", "deleted": True}


def list_all(call: Call) -> Json:
    return page(call, call.table("customer"), "/v1/customers", matching(call.params, "email"))


def _changes(row: Json, given: Json) -> Json:
    changes = dict(given)
    if "metadata" in given:
        changes["metadata"] = merge_metadata(row["metadata"], given["metadata"])
    if "address" in given:
        changes["address"] = full_address(given["address"])
    if "invoice_settings" in given:
        changes["invoice_settings"] = merge_hash(row["invoice_settings"], given["invoice_settings"])
    if "tax_exempt" in given:
        changes["tax_exempt"] = given["tax_exempt"] or "none"
    return changes


ROUTES = [
    Route("POST", "/v1/customers", create, _CREATE),
    Route("GET", "/v1/customers/{id}", retrieve),
    Route("POST", "/v1/customers/{id}", update, _UPDATE),
    Route("DELETE", "/v1/customers/{id}", delete),
    Route("GET", "/v1/customers", list_all, {**BY_TIME, "email": text()}),
]
