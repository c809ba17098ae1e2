"""Invoice items, and the lines they become on an invoice. An item without an invoice waits for its customer's next."""

from decimal import Decimal

from deploy.local.stripe.errors import Json
from deploy.local.stripe.params import (
    Shape,
    flag,
    hash_of,
    integer,
    list_of,
    merge_metadata,
    metadata,
    required,
    text,
)
from deploy.local.stripe.resources.pricing import PRICING, Price, plain, price_of
from deploy.local.stripe.resources.tax_rates import TAX_RATE_DATA, rate_like
from deploy.local.stripe.resources.totals import Tax
from deploy.local.stripe.tables import new_id
from deploy.local.stripe.world import Call, refuse

_PERIOD: Shape = {"start": required(integer()), "end": required(integer())}
_TAX_AMOUNT: Shape = {
    "amount": required(integer()),
    "tax_rate_data": required(hash_of(TAX_RATE_DATA)),
    "taxability_reason": text(),
    "taxable_amount": required(integer()),
}
DESCRIBED: Shape = {
    "description": text(),
    "discountable": flag(),
    "metadata": metadata(),
    "period": hash_of(_PERIOD),
    "tax_rates": list_of(text()),
}
LINE: Shape = {
    **PRICING,
    **DESCRIBED,
    "invoice_item": text(),
    "tax_amounts": list_of(hash_of(_TAX_AMOUNT)),
}


def new_item(call: Call, given: Json, *, customer: str, currency: str, invoice: str | None) -> Json:
    row: Json = {
        "id": new_id("invoiceitem"),
        "object": "invoiceitem",
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "date": call.now,
        "description": None,
        "discountable": True,
        "discounts": [],
        "frozen_fields": None,
        "invoice": invoice,
        "livemode": False,
        "metadata": {},
        "parent": None,
        "period": {"start": call.now, "end": call.now},
        "proration": False,
        "test_clock": None,
        "_tax_rates": [],
        "_tax_amounts": [],
    }
    changes = {**_priced(price_of(given, currency)), **item_changes(call, row, given)}
    return call.add({**row, **changes}, "invoiceitem.created")


def item_changes(call: Call, row: Json, given: Json) -> Json:
    """All but the price, which `reprice` reckons."""
    changes: Json = {name: given[name] for name in ("description", "discountable", "period") if name in given}
    if "metadata" in given:
        changes["metadata"] = merge_metadata(row["metadata"], given["metadata"])
    if "tax_rates" in given:
        for identifier in given["tax_rates"]:
            call.row("tax_rate", identifier, param="tax_rates")
        changes["_tax_rates"] = given["tax_rates"]
    if "tax_amounts" in given:
        changes["_tax_amounts"] = [_tax(call, amount) for amount in given["tax_amounts"]]
    return changes


def reprice(row: Json, given: Json) -> Json:
    """A new quantity alone keeps the unit price; a new price alone keeps the quantity."""
    if not {"amount", "price_data", "unit_amount_decimal", "quantity", "quantity_decimal"} & given.keys():
        return {}
    terms = dict(given)
    if not {"amount", "price_data", "unit_amount_decimal"} & given.keys():
        terms["unit_amount_decimal"] = Decimal(row["pricing"]["unit_amount_decimal"])
    if not {"amount", "quantity", "quantity_decimal"} & given.keys():
        terms["quantity_decimal"] = Decimal(row["quantity_decimal"])
    return _priced(price_of(terms, row["currency"]))


def add_line(call: Call, invoice: Json, item: Json) -> Json:
    """The line of an item: `refresh_line` keeps it like the item for as long as the invoice is a draft."""
    call.change(item, {"invoice": invoice["id"]})
    line: Json = {
        "id": new_id("line_item"),
        "object": "line_item",
        "discount_amounts": [],
        "discounts": [],
        "invoice": invoice["id"],
        "livemode": False,
        "parent": {
            "type": "invoice_item_details",
            "invoice_item_details": {
                "invoice_item": item["id"],
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": None,
            },
            "subscription_item_details": None,
        },
        "pretax_credit_amounts": [],
        "subscription": None,
        "taxes": [],
        "_item": item["id"],
    }
    return call.add({**line, **_mirrored(item)})


def refresh_line(call: Call, item: Json) -> None:
    for line in call.table("line_item").of(item["invoice"]):
        if line["_item"] == item["id"]:
            call.change(line, _mirrored(item))


def drop_line(call: Call, item: Json) -> None:
    for line in call.table("line_item").of(item["invoice"]):
        if line["_item"] == item["id"]:
            call.table("line_item").remove(line["id"])


def check_line(call: Call, invoice: Json, given: Json) -> None:
    """Refuses a line before any other of the same call is added: all of them are, or none."""
    for identifier in given.get("tax_rates", []):
        call.row("tax_rate", identifier, param="tax_rates")
    if given.get("tax_amounts") and (given.get("tax_rates") or invoice["_default_tax_rates"]):
        raise refuse("You cannot set tax amounts where tax rates apply.", param="tax_amounts")
    if "invoice_item" not in given:
        price_of(given, invoice["currency"])
        return
    item = call.row("invoiceitem", given["invoice_item"], param="invoice_item")
    if item["invoice"] is not None or item["customer"] != invoice["customer"]:
        raise refuse("The invoice item is not an unassigned item of this customer.", param="invoice_item")
    reprice(item, given)


def add_given_line(call: Call, invoice: Json, given: Json) -> None:
    """One entry of `add_lines`: a new item, or one that waits."""
    if "invoice_item" not in given:
        item = new_item(call, given, customer=invoice["customer"], currency=invoice["currency"], invoice=invoice["id"])
        add_line(call, invoice, item)
        return
    item = call.row("invoiceitem", given["invoice_item"], param="invoice_item")
    call.change(item, {**reprice(item, given), **item_changes(call, item, given)})
    add_line(call, invoice, item)


def _tax(call: Call, given: Json) -> Tax:
    rate = rate_like(call, given["tax_rate_data"])
    return Tax(
        rate["id"],
        given["amount"],
        given["taxable_amount"],
        rate["inclusive"],
        given.get("taxability_reason", "not_available"),
    )


def _priced(price: Price) -> Json:
    return {
        "amount": price.amount,
        "net_amount": price.amount,
        "pricing": price.as_json(),
        "quantity": int(price.quantity),
        "quantity_decimal": plain(price.quantity),
    }


def _mirrored(item: Json) -> Json:
    mirrored = (
        "amount",
        "currency",
        "description",
        "discountable",
        "metadata",
        "period",
        "pricing",
        "quantity",
        "quantity_decimal",
        "_tax_rates",
        "_tax_amounts",
    )
    return {**{name: item[name] for name in mirrored}, "subtotal": item["amount"]}
