"""New payment intents, charges and invoice payments, field by field as the pinned version has them."""

from secrets import token_hex

from deploy.local.stripe.errors import Json
from deploy.local.stripe.resources.payment_methods import Decline, Kind, details
from deploy.local.stripe.tables import new_id
from deploy.local.stripe.world import Call

_INTENT: Json = {
    "amount_capturable": 0,
    "amount_details": {"tip": {}},
    "amount_received": 0,
    "application": None,
    "application_fee_amount": None,
    "automatic_payment_methods": None,
    "canceled_at": None,
    "cancellation_reason": None,
    "capture_method": "automatic",
    "confirmation_method": "automatic",
    "customer": None,
    "customer_account": None,
    "description": None,
    "excluded_payment_method_types": None,
    "last_payment_error": None,
    "latest_charge": None,
    "livemode": False,
    "metadata": {},
    "next_action": None,
    "on_behalf_of": None,
    "payment_method": None,
    "payment_method_configuration_details": None,
    "payment_method_options": {},
    "payment_method_types": ["card", "au_becs_debit"],
    "processing": None,
    "receipt_email": None,
    "review": None,
    "setup_future_usage": None,
    "shipping": None,
    "source": None,
    "statement_descriptor": None,
    "statement_descriptor_suffix": None,
    "status": "requires_payment_method",
    "transfer_data": None,
    "transfer_group": None,
}

_CHARGE: Json = {
    "amount_refunded": 0,
    "application": None,
    "application_fee": None,
    "application_fee_amount": None,
    "balance_transaction": None,
    "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
    "calculated_statement_descriptor": None,
    "captured": True,
    "customer": None,
    "description": None,
    "disputed": False,
    "failure_balance_transaction": None,
    "failure_code": None,
    "failure_message": None,
    "fraud_details": {},
    "livemode": False,
    "metadata": {},
    "on_behalf_of": None,
    "outcome": None,
    "paid": False,
    "payment_intent": None,
    "payment_method": None,
    "payment_method_details": None,
    "receipt_email": None,
    "receipt_number": None,
    "receipt_url": None,
    "refunded": False,
    "review": None,
    "shipping": None,
    "source": None,
    "source_transfer": None,
    "statement_descriptor": None,
    "statement_descriptor_suffix": None,
    "transfer_data": None,
    "transfer_group": None,
    "_transferred": 0,
}


def new_intent(call: Call, terms: Json) -> Json:
    """`terms`: at least `amount` and `currency`."""
    identifier = new_id("payment_intent")
    row: Json = {
        "id": identifier,
        "object": "payment_intent",
        **_INTENT,
        "client_secret": f"{identifier}_secret_{token_hex(12)}",
        "created": call.now,
        "_invoice_payment": None,
        **terms,
    }
    return call.add(row, "payment_intent.created")


def new_charge(call: Call, intent: Json, method: str, kind: Kind, decline: Decline | None) -> Json:
    status = "failed" if decline else "pending" if kind.is_asynchronous else "succeeded"
    same = {name: intent[name] for name in ("currency", "customer", "description", "metadata", "transfer_group")}
    row: Json = {
        "id": new_id("charge") if kind is Kind.CARD else new_id("charge").replace("ch_", "py_"),
        "object": "charge",
        **_CHARGE,
        **same,
        "amount": intent["amount"],
        "amount_captured": 0 if decline else intent["amount"],
        "created": call.now,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "outcome": _outcome(decline),
        "paid": status == "succeeded",
        "payment_intent": intent["id"],
        "payment_method": method,
        "payment_method_details": details(kind),
        "status": status,
    }
    return call.add(row)


def new_invoice_payment(call: Call, invoice: Json, intent: Json, *, is_default: bool) -> Json:
    row: Json = {
        "id": new_id("invoice_payment"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": intent["amount"],
        "created": call.now,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": is_default,
        "livemode": False,
        "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
    call.change(intent, {"_invoice_payment": row["id"]})
    return call.add(row)


def _outcome(decline: Decline | None) -> Json:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if decline else "approved_by_network",
        "reason": decline.decline_code if decline else None,
        "risk_level": "normal",
        "seller_message": "The bank declined." if decline else "Payment complete.",
        "type": "issuer_declined" if decline else "authorized",
    }


def destination_payment(recipient: Call, transfer: Json) -> Json:
    """What a transfer is on the connected account's own books: a charge with an id of `py_`."""
    row: Json = {
        "id": new_id("charge").replace("ch_", "py_"),
        "object": "charge",
        **_CHARGE,
        "amount": transfer["amount"],
        "amount_captured": transfer["amount"],
        "created": recipient.now,
        "currency": transfer["currency"],
        "paid": True,
        "source_transfer": transfer["id"],
        "status": "succeeded",
        "transfer_group": transfer["transfer_group"],
    }
    return recipient.add(row)


def destination_refund(recipient: Call, transfer: Json, reversal: Json) -> Json:
    """What a reversal is on the connected account's own books."""
    payment = recipient.row("charge", transfer["destination_payment"])
    payment["amount_refunded"] += reversal["amount"]
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]
    row: Json = {
        "id": new_id("refund").replace("re_", "pyr_"),
        "object": "refund",
        "amount": reversal["amount"],
        "balance_transaction": None,
        "charge": payment["id"],
        "created": recipient.now,
        "currency": reversal["currency"],
        "metadata": {},
        "payment_intent": None,
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": reversal["id"],
        "status": "succeeded",
        "transfer_reversal": None,
    }
    return recipient.add(row)
