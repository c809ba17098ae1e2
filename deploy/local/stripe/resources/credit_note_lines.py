"""What a credit note credits: lines of the invoice, or lines of its own."""

from decimal import Decimal

from deploy.local.stripe.errors import Json
from deploy.local.stripe.params import Shape, decimal, integer, list_of, metadata, one_of, required, text
from deploy.local.stripe.resources.pricing import plain
from deploy.local.stripe.resources.tax_rates import rate
from deploy.local.stripe.resources.totals import Taxable, rounded
from deploy.local.stripe.tables import new_id
from deploy.local.stripe.world import Call, refuse

CREDITED_LINE: Shape = {
    "amount": integer(minimum=1),
    "description": text(),
    "invoice_line_item": text(),
    "metadata": metadata(),
    "quantity": integer(minimum=1),
    "tax_rates": list_of(text()),
    "type": required(one_of("custom_line_item", "invoice_line_item")),
    "unit_amount": integer(),
    "unit_amount_decimal": decimal(),
}


def credited(call: Call, invoice: Json, given: Json) -> tuple[Json, Taxable]:
    """The line's row, still without its taxes, and what they are reckoned from."""
    if given["type"] == "invoice_line_item":
        return _of_invoice(call, invoice, given)
    quantity = given.get("quantity", 1)
    if ("unit_amount" in given) == ("unit_amount_decimal" in given):
        raise refuse("A custom line needs one of unit_amount and unit_amount_decimal.", param="lines")
    unit_amount = given.get("unit_amount_decimal", Decimal(given.get("unit_amount", 0)))
    rates = tuple(rate(call, identifier) for identifier in given.get("tax_rates", []))
    amount = rounded(unit_amount * quantity)
    return _line(given, amount, quantity, unit_amount, given.get("description")), Taxable(amount, rates)


def whole(amount: int) -> tuple[Json, Taxable]:
    """A note for a bare amount: one line of its own, without a tax of its own."""
    given: Json = {"type": "custom_line_item"}
    return _line(given, amount, 1, Decimal(amount), "Credit"), Taxable(amount)


def _of_invoice(call: Call, invoice: Json, given: Json) -> tuple[Json, Taxable]:
    line = call.row("line_item", given.get("invoice_line_item", ""), param="lines")
    if line["invoice"] != invoice["id"]:
        raise refuse("The line belongs to another invoice.", param="lines")
    if ("amount" in given) == ("quantity" in given):
        raise refuse("Specify one of amount and quantity for an invoice line.", param="lines")
    unit_amount = Decimal(line["pricing"]["unit_amount_decimal"])
    quantity = given.get("quantity")
    amount = given["amount"] if quantity is None else rounded(unit_amount * quantity)
    if amount > line["amount"]:
        raise refuse("The credit exceeds the amount of the line.", param="lines")
    rates = tuple(rate(call, tax["tax_rate_details"]["tax_rate"]) for tax in line["taxes"])
    row = _line(given, amount, quantity, unit_amount if quantity else None, line["description"])
    return {**row, "invoice_line_item": line["id"]}, Taxable(amount, rates)


def _line(given: Json, amount: int, quantity: int | None, unit_amount: Decimal | None, description: str | None) -> Json:
    return {
        "id": new_id("credit_note_line_item"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": given.get("description", description),
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": None,
        "livemode": False,
        "metadata": given.get("metadata", {}),
        "pretax_credit_amounts": [],
        "quantity": quantity,
        "tax_rates": [],
        "type": given["type"],
        "unit_amount": int(unit_amount) if unit_amount is not None and unit_amount == int(unit_amount) else None,
        "unit_amount_decimal": plain(unit_amount) if unit_amount is not None else None,
    }
