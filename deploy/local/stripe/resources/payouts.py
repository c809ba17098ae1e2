"""`/v1/payouts` (read, with `Stripe-Account`): a connected account's money on its way to its bank."""

from deploy.local.stripe.errors import Json
from deploy.local.stripe.listing import BY_TIME, matching, page
from deploy.local.stripe.resources.balance import post
from deploy.local.stripe.routing import Route
from deploy.local.stripe.tables import new_id
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call


def pay_out(call: Call, amount: int, currency: str) -> Json:
    """Paid at once. What has left for the bank can no longer be reversed."""
    row: Json = {
        "id": new_id("payout"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": call.now,
        "automatic": True,
        "balance_transaction": None,
        "created": call.now,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": None,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "paid",
        "trace_id": None,
        "type": "bank_account",
    }
    call.add(row)
    entry = post(call, "payout", -amount, currency, source=row["id"])
    call.change(row, {"balance_transaction": entry["id"]})
    for event in ("payout.created", "payout.paid"):
        call.emit(event, row, account=call.account)
    return row


def retrieve(call: Call) -> Json:
    return render(call.books, call.row("payout"))


def list_all(call: Call) -> Json:
    return page(call, call.table("payout"), "/v1/payouts", matching(call.params))


ROUTES = [
    Route("GET", "/v1/payouts/{id}", retrieve),
    Route("GET", "/v1/payouts", list_all, BY_TIME),
]
