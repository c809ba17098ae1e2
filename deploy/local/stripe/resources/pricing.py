"""What one line costs: an amount, or a unit price times a quantity."""

from dataclasses import dataclass
from decimal import Decimal
from secrets import token_hex

from deploy.local.stripe.errors import Json
from deploy.local.stripe.params import Shape, currency, decimal, free, hash_of, integer, required, text
from deploy.local.stripe.resources.totals import rounded
from deploy.local.stripe.world import refuse

_PRICE_DATA: Shape = {
    "currency": required(currency()),
    "product": text(),
    "product_data": free(),
    "tax_behavior": text(),
    "unit_amount": integer(),
    "unit_amount_decimal": decimal(),
}
PRICING: Shape = {
    "amount": integer(),
    "price_data": hash_of(_PRICE_DATA),
    "quantity": integer(minimum=0),
    "quantity_decimal": decimal(),
}
UNIT_AMOUNT: Shape = {"unit_amount_decimal": decimal()}


@dataclass(frozen=True, slots=True)
class Price:
    amount: int
    """Cents, quantity included."""
    unit_amount: Decimal
    quantity: Decimal
    product: str | None = None

    def as_json(self) -> Json:
        """Stripe makes a price (and a product) of each line that has none; these ids lead nowhere here."""
        details = {"price": "price_" + token_hex(12), "product": self.product or "prod_" + token_hex(7)}
        return {
            "type": "price_details",
            "price_details": details,
            "unit_amount_decimal": plain(self.unit_amount),
        }


def price_of(given: Json, currency_code: str) -> Price:
    ways = [name for name in ("amount", "price_data", "unit_amount_decimal") if name in given]
    if len(ways) > 1:
        raise refuse(f"You may only specify one of these parameters: {', '.join(ways)}.", param=ways[0])
    if not ways:
        raise refuse("You must specify an amount or a price for the line.", code="parameter_missing", param="amount")
    quantity = given.get("quantity_decimal", Decimal(given.get("quantity", 1)))
    if "amount" in given:
        amount: int = given["amount"]
        return Price(amount, Decimal(amount) / quantity if quantity else Decimal(0), quantity)
    unit_amount, product = _unit_amount(given, currency_code)
    return Price(rounded(unit_amount * quantity), unit_amount, quantity, product)


def plain(number: Decimal) -> str:
    """Without exponent or trailing zeros: `12.5`, `1000`."""
    text_form = f"{number:.12f}"
    return text_form.rstrip("0").rstrip(".")


def _unit_amount(given: Json, currency_code: str) -> tuple[Decimal, str | None]:
    price = given.get("price_data")
    if price is None:
        return given["unit_amount_decimal"], None
    if price["currency"] != currency_code:
        raise refuse(
            f"The price specified only supports `{price['currency']}`. This doesn't match the expected currency: "
            f"`{currency_code}`.",
            param="price_data[currency]",
        )
    if ("unit_amount" in price) == ("unit_amount_decimal" in price):
        raise refuse("You must specify one of unit_amount and unit_amount_decimal.", param="price_data[unit_amount]")
    return price.get("unit_amount_decimal", Decimal(price.get("unit_amount", 0))), price.get("product")
