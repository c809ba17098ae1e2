"""`/v1/invoiceitems`."""

from deploy.local.stripe.errors import Json
from deploy.local.stripe.listing import PAGING, Condition, matching, page, within
from deploy.local.stripe.params import Shape, currency, flag, instants, text
from deploy.local.stripe.resources.invoice_lines import (
    DESCRIBED,
    add_line,
    drop_line,
    item_changes,
    new_item,
    refresh_line,
    reprice,
)
from deploy.local.stripe.resources.invoice_sums import check_is_draft, retotal
from deploy.local.stripe.resources.pricing import PRICING, UNIT_AMOUNT
from deploy.local.stripe.routing import Route
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call, refuse

_UPDATE: Shape = {**PRICING, **UNIT_AMOUNT, **DESCRIBED}
_CREATE: Shape = {**_UPDATE, "currency": currency(), "customer": text(), "invoice": text()}
_LIST: Shape = {**PAGING, "created": instants(), "customer": text(), "invoice": text(), "pending": flag()}


def create(call: Call) -> Json:
    given = call.params
    invoice = call.row("invoice", given["invoice"], param="invoice") if "invoice" in given else None
    customer = call.row("customer", _customer_of(given, invoice), param="customer")
    if invoice is not None:
        check_is_draft(invoice)
        if invoice["customer"] != customer["id"]:
            raise refuse("The invoice does not belong to this customer.", param="invoice")
    code = given.get("currency") or (invoice or customer)["currency"] or call.world.settings.currency
    if invoice is not None and code != invoice["currency"]:
        raise refuse(f"An item in `{code}` cannot join an invoice in `{invoice['currency']}`.", param="currency")
    item = new_item(call, given, customer=customer["id"], currency=code, invoice=invoice["id"] if invoice else None)
    if invoice is not None:
        add_line(call, invoice, item)
        retotal(call, invoice)
    return render(call.books, item)


def retrieve(call: Call) -> Json:
    return render(call.books, call.row("invoiceitem"))


def update(call: Call) -> Json:
    item = call.row("invoiceitem")
    invoice = _draft_of(call, item)
    call.change(item, {**reprice(item, call.params), **item_changes(call, item, call.params)})
    if invoice is not None:
        refresh_line(call, item)
        retotal(call, invoice)
    return render(call.books, item)


def delete(call: Call) -> Json:
    item = call.row("invoiceitem")
    invoice = _draft_of(call, item)
    if invoice is not None:
        drop_line(call, item)
        retotal(call, invoice)
    call.emit("invoiceitem.deleted", item)
    call.table("invoiceitem").remove(item["id"])
    return {"id": item["id"], "object": "invoiceitem", "deleted": True}


def list_all(call: Call) -> Json:
    return page(call, call.table("invoiceitem"), "/v1/invoiceitems", _wanted(call.params))


def _wanted(params: Json) -> Condition:
    same = matching(params, "customer", "invoice", times=())

    def keep(row: Json) -> bool:
        is_wanted = "pending" not in params or params["pending"] == (row["invoice"] is None)
        return is_wanted and within(row["date"], params.get("created", {})) and same(row)

    return keep


def _customer_of(given: Json, invoice: Json | None) -> str:
    if "customer" in given:
        return str(given["customer"])
    if invoice is None:
        raise refuse("Missing required param: customer.", code="parameter_missing", param="customer")
    return str(invoice["customer"])


def _draft_of(call: Call, item: Json) -> Json | None:
    if item["invoice"] is None:
        return None
    invoice = call.row("invoice", item["invoice"])
    check_is_draft(invoice)
    return invoice


ROUTES = [
    Route("POST", "/v1/invoiceitems", create, _CREATE),
    Route("GET", "/v1/invoiceitems/{id}", retrieve),
    Route("POST", "/v1/invoiceitems/{id}", update, _UPDATE),
    Route("DELETE", "/v1/invoiceitems/{id}", delete),
    Route("GET", "/v1/invoiceitems", list_all, _LIST),
]
