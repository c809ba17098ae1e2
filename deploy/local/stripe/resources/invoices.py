"""`/v1/invoices`: drafts are made, filled and changed here; invoice_actions.py takes them on from there."""

from deploy.local.stripe.errors import Json
from deploy.local.stripe.listing import BY_TIME, PAGING, matching, page
from deploy.local.stripe.params import (
    Shape,
    currency,
    flag,
    free,
    hash_of,
    instants,
    integer,
    list_of,
    merge_hash,
    merge_metadata,
    metadata,
    one_of,
    required,
    text,
)
from deploy.local.stripe.resources.invoice_lines import LINE, add_given_line, add_line, check_line
from deploy.local.stripe.resources.invoice_shape import blank_invoice
from deploy.local.stripe.resources.invoice_sums import InvoiceStatus, check_is_draft, retotal
from deploy.local.stripe.routing import Route
from deploy.local.stripe.tables import Sequence
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call, refuse

_CUSTOM_FIELD: Shape = {"name": required(text(longest=40)), "value": required(text(longest=140))}
_UPDATE: Shape = {
    "auto_advance": flag(),
    "collection_method": one_of("charge_automatically", "send_invoice"),
    "custom_fields": list_of(hash_of(_CUSTOM_FIELD)),
    "days_until_due": integer(minimum=0),
    "default_payment_method": text(),
    "default_tax_rates": list_of(text()),
    "description": text(clearable=True),
    "due_date": integer(),
    "effective_at": integer(clearable=True),
    "footer": text(clearable=True),
    "metadata": metadata(),
    "number": text(clearable=True, longest=26),
    "payment_settings": free(),
    "rendering": free(),
    "statement_descriptor": text(clearable=True),
}
_CREATE: Shape = {
    **_UPDATE,
    "currency": currency(),
    "customer": required(text()),
    "pending_invoice_items_behavior": one_of("exclude", "include"),
}
_LIST: Shape = {
    **BY_TIME,
    "collection_method": one_of("charge_automatically", "send_invoice"),
    "customer": text(),
    "due_date": instants(),
    "status": one_of(*InvoiceStatus),
}
_ADD_LINES: Shape = {"invoice_metadata": metadata(), "lines": required(list_of(hash_of(LINE)))}

_STILL_EDITABLE = {"auto_advance", "days_until_due", "default_payment_method", "due_date", "metadata"}
"""What Stripe lets an open invoice change."""

_AUTO_ADVANCE_SECONDS = 3600
_DAY_SECONDS = 86_400


def create(call: Call) -> Json:
    given = dict(call.params)
    customer = call.row("customer", given.pop("customer"), param="customer")
    behaviour = given.pop("pending_invoice_items_behavior", "exclude")
    code = given.pop("currency", None) or customer["currency"] or call.world.settings.currency
    _check_due(given)
    invoice = blank_invoice(call, customer, code)
    invoice.update(_changes(call, invoice, given))
    call.table("invoice").add(invoice)
    if behaviour == "include":
        _take_pending_items(call, invoice)
    retotal(call, invoice, event=None)
    call.emit("invoice.created", invoice)
    call.change(customer, {"currency": code})
    return render(call.books, invoice)


def retrieve(call: Call) -> Json:
    return render(call.books, call.row("invoice"))


def update(call: Call) -> Json:
    invoice = call.row("invoice")
    if invoice["status"] != InvoiceStatus.DRAFT and not call.params.keys() <= _STILL_EDITABLE:
        raise refuse("Finalized invoices can't be updated in this way", code="invoice_not_editable")
    call.change(invoice, _changes(call, invoice, call.params), "invoice.updated")
    if invoice["status"] == InvoiceStatus.DRAFT:
        retotal(call, invoice)
    return render(call.books, invoice)


def delete(call: Call) -> Json:
    invoice = call.row("invoice")
    if invoice["status"] != InvoiceStatus.DRAFT:
        raise refuse(
            "You can only delete draft invoices. Use the void endpoint for a finalized one.",
            code="invoice_not_editable",
        )
    call.emit("invoice.deleted", invoice)
    for line in call.table("line_item").of(invoice["id"]):
        call.table("line_item").remove(line["id"])
        call.change(call.row("invoiceitem", line["_item"]), {"invoice": None})
    call.table("invoice").remove(invoice["id"])
    return {"id": invoice["id"], "object": "invoice", "deleted": True}


def list_all(call: Call) -> Json:
    wanted = matching(call.params, "customer", "status", "collection_method", times=("created", "due_date"))
    return page(call, call.table("invoice"), "/v1/invoices", wanted)


def add_lines(call: Call) -> Json:
    invoice = call.row("invoice")
    check_is_draft(invoice)
    for line in call.params["lines"]:
        check_line(call, invoice, line)
    for line in call.params["lines"]:
        add_given_line(call, invoice, line)
    if "invoice_metadata" in call.params:
        merged = merge_metadata(invoice["metadata"], call.params["invoice_metadata"])
        call.change(invoice, {"metadata": merged})
    retotal(call, invoice)
    return render(call.books, invoice)


def list_lines(call: Call) -> Json:
    invoice = call.row("invoice")
    lines = Sequence(call.table("line_item").of(invoice["id"]))
    return page(call, lines, f"/v1/invoices/{invoice['id']}/lines")


def _check_due(given: Json) -> None:
    is_sent = given.get("collection_method") == "send_invoice"
    if is_sent and not {"days_until_due", "due_date"} & given.keys():
        raise refuse("If collection_method is 'send_invoice', you must specify either due_date or days_until_due.")
    if {"days_until_due", "due_date"} <= given.keys():
        raise refuse("You may only specify one of these parameters: days_until_due, due_date.", param="due_date")


def _check_default_rates(call: Call, invoice: Json, identifiers: list[str]) -> None:
    for identifier in identifiers:
        call.row("tax_rate", identifier, param="default_tax_rates")
    if identifiers and any(line["_tax_amounts"] for line in call.table("line_item").of(invoice["id"])):
        raise refuse("You cannot set tax rates where tax amounts were given.", param="default_tax_rates")


def _take_pending_items(call: Call, invoice: Json) -> None:
    """Waiting items come in reverse order of their making, as Stripe lists them; later lines follow in order."""
    for item in call.table("invoiceitem").of(invoice["customer"])[::-1]:
        if item["invoice"] is None and item["currency"] == invoice["currency"]:
            add_line(call, invoice, item)


def _changes(call: Call, invoice: Json, given: Json) -> Json:
    changes = dict(given)
    if "metadata" in given:
        changes["metadata"] = merge_metadata(invoice["metadata"], given["metadata"])
    if "days_until_due" in given:
        changes["due_date"] = invoice["created"] + changes.pop("days_until_due") * _DAY_SECONDS
    if "default_tax_rates" in given:
        _check_default_rates(call, invoice, given["default_tax_rates"])
        changes["_default_tax_rates"] = changes.pop("default_tax_rates")
    if "payment_settings" in given:
        changes["payment_settings"] = merge_hash(invoice["payment_settings"], given["payment_settings"])
    if "auto_advance" in given and invoice["status"] == InvoiceStatus.DRAFT:
        ahead = invoice["created"] + _AUTO_ADVANCE_SECONDS
        changes["automatically_finalizes_at"] = ahead if given["auto_advance"] else None
    return changes


ROUTES = [
    Route("POST", "/v1/invoices", create, _CREATE),
    Route("GET", "/v1/invoices/{id}", retrieve),
    Route("POST", "/v1/invoices/{id}", update, _UPDATE),
    Route("DELETE", "/v1/invoices/{id}", delete),
    Route("GET", "/v1/invoices", list_all, _LIST),
    Route("POST", "/v1/invoices/{id}/add_lines", add_lines, _ADD_LINES),
    Route("GET", "/v1/invoices/{id}/lines", list_lines, PAGING),
]
