"""Which properties of which objects `expand` may name. Checked before any work: no answer may fail after it."""

from deploy.local.stripe.errors import InvalidParameters

DEEPEST = 4
"""Levels, the `data` of a list counted too."""

_LEAF = "leaf"
_ANYTHING = "anything"

# Property by object, with what it leads to: an object, `list of` objects, a hash of the object's own, or a leaf.
_PROPERTIES: dict[str, dict[str, str]] = {
    "balance_transaction": {"source": _ANYTHING},
    "capability": {"account": "account"},
    "charge": {
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "payment_intent": "payment_intent",
        "refunds": "list of refund",
        "source_transfer": "transfer",
    },
    "credit_note": {
        "customer": "customer",
        "invoice": "invoice",
        "lines": "list of credit_note_line_item",
        "refunds": "credit_note.refunds",
    },
    "credit_note.refunds": {"refund": "refund"},
    "invoice": {
        "amount_paid_off_stripe": _LEAF,
        "confirmation_secret": _LEAF,
        "customer": "customer",
        "lines": "list of line_item",
        "payments": "list of invoice_payment",
    },
    "invoice_payment": {"invoice": "invoice", "payment": "invoice_payment.payment"},
    "invoice_payment.payment": {"payment_intent": "payment_intent"},
    "invoiceitem": {"customer": "customer", "invoice": "invoice"},
    "payment_intent": {"customer": "customer", "latest_charge": "charge"},
    "payout": {"balance_transaction": "balance_transaction"},
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "payment_intent": "payment_intent",
        "source_transfer_reversal": "transfer_reversal",
    },
    "topup": {"balance_transaction": "balance_transaction"},
    "transfer": {
        "balance_transaction": "balance_transaction",
        "destination": "account",
        "destination_payment": "charge",
        "reversals": "list of transfer_reversal",
        "source_transaction": "charge",
    },
    "transfer_reversal": {
        "balance_transaction": "balance_transaction",
        "destination_payment_refund": "refund",
        "transfer": "transfer",
    },
}

_OBJECTS_BY_NOUN = {
    "balance_transactions": "balance_transaction",
    "capabilities": "capability",
    "charges": "charge",
    "credit_notes": "credit_note",
    "invoice_payments": "invoice_payment",
    "invoiceitems": "invoiceitem",
    "invoices": "invoice",
    "lines": "line_item",
    "payment_intents": "payment_intent",
    "payouts": "payout",
    "refunds": "refund",
    "reversals": "transfer_reversal",
    "topups": "topup",
    "transfers": "transfer",
}


def check_expansions(method: str, path: str, expansions: list[str]) -> None:
    """`path` is the endpoint's own, as `/v1/transfers/{id}/reversals`: its last noun tells what it answers with."""
    parts = path.split("/")
    nouns = [part for part in parts if part in _OBJECTS_BY_NOUN]
    answer = _OBJECTS_BY_NOUN[nouns[-1]] if nouns else ""
    is_list = method == "GET" and bool(nouns) and parts[-1] == nouns[-1]
    for expansion in expansions:
        _check(f"list of {answer}" if is_list else answer, expansion)


def _check(place: str, expansion: str) -> None:
    steps = expansion.split(".")
    if len(steps) > DEEPEST:
        raise InvalidParameters(
            f"You cannot expand more than {DEEPEST} levels of a property. (Property: {expansion})",
            code="property_expansion_max_depth",
            param="expand",
        )
    for step in steps:
        following = _following(place, step)
        if following is None:
            raise InvalidParameters(f"This property cannot be expanded ({expansion}).", param="expand")
        place = following


def _following(place: str, step: str) -> str | None:
    if place.startswith("list of "):
        return place.removeprefix("list of ") if step == "data" else None
    return _PROPERTIES.get(place, {}).get(step)
