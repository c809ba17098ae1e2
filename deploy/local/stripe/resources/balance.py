"""Balances and the transactions that make them: each movement of money is one row, and the rows sum to the balance.

Stripe lets card money settle for days before it is available; here it is available at once.
"""

from typing import Any

from deploy.local.stripe.errors import Json
from deploy.local.stripe.listing import BY_TIME, matching, page
from deploy.local.stripe.params import Shape, currency, text
from deploy.local.stripe.routing import Route
from deploy.local.stripe.tables import Books, new_id
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call

_LIST: Shape = {**BY_TIME, "currency": currency(), "source": text(), "type": text()}

_CATEGORIES = {
    "charge": "charge",
    "payment": "charge",
    "payment_refund": "refund",
    "payout": "payout",
    "refund": "refund",
    "topup": "topup",
    "transfer": "transfer",
    "transfer_refund": "transfer_reversal",
}
"""Types of a balance transaction, with the category that Stripe reports each under."""


def post(call: Call, type_: str, amount: int, currency_code: str, *, source: str, fee: int = 0) -> Json:
    """Moves the available balance of the call's account by `amount` less `fee`; money out is negative."""
    row: Json = {
        "id": new_id("balance_transaction"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": call.now,
        "balance_type": "payments",
        "created": call.now,
        "currency": currency_code,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [_stripe_fee(fee, currency_code)] if fee else [],
        "net": amount - fee,
        "reporting_category": _CATEGORIES[type_],
        "source": source,
        "status": "available",
        "type": type_,
    }
    available = call.books.available_cents
    available[currency_code] = available.get(currency_code, 0) + row["net"]
    call.add(row)
    if row["net"] > 0 and call.account is None:
        call.emit("balance.available", balance(call.books, call.world.settings.currency))
    return row


def available(books: Books, currency_code: str) -> int:
    return books.available_cents.get(currency_code, 0)


def balance(books: Books, default_currency: str) -> Json:
    sums = {default_currency: 0, **books.available_cents}
    return {
        "object": "balance",
        "available": [_money(amount, code) for code, amount in sums.items()],
        "connect_reserved": [_money(0, code, with_types=False) for code in sums],
        "livemode": False,
        "pending": [_money(0, code) for code in sums],
    }


def retrieve_balance(call: Call) -> Json:
    return balance(call.books, call.world.settings.currency)


def retrieve(call: Call) -> Json:
    return render(call.books, call.row("balance_transaction"))


def list_all(call: Call) -> Json:
    wanted = matching(call.params, "currency", "source", "type")
    return page(call, call.table("balance_transaction"), "/v1/balance_transactions", wanted)


def _money(amount: int, code: str, *, with_types: bool = True) -> dict[str, Any]:
    money: dict[str, Any] = {"amount": amount, "currency": code}
    return {**money, "source_types": {"card": amount}} if with_types else money


def _stripe_fee(fee: int, code: str) -> Json:
    return {
        "amount": fee,
        "application": None,
        "currency": code,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }


ROUTES = [
    Route("GET", "/v1/balance", retrieve_balance),
    Route("GET", "/v1/balance_transactions/{id}", retrieve),
    Route("GET", "/v1/balance_transactions", list_all, _LIST),
]
