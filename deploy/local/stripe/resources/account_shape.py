"""A new connected account, its requirements and capabilities, field by field as the pinned version has them."""

from secrets import token_hex

from deploy.local.stripe.errors import Json
from deploy.local.stripe.world import Call

ONBOARDING_FIELDS = ("business_type", "external_account", "individual.verification.document", "tos_acceptance.date")

_PAYOUTS: Json = {
    "debit_negative_balances": True,
    "schedule": {"delay_days": 2, "interval": "daily"},
    "statement_descriptor": None,
}


def blank_account(call: Call, given: Json) -> Json:
    return {
        "id": "acct_1" + token_hex(8),
        "object": "account",
        "business_profile": {
            "annual_revenue": None,
            "mcc": None,
            "name": None,
            "product_description": None,
            "support_address": None,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": None,
        "charges_enabled": False,
        "controller": {"is_controller": True, "type": "application"},
        "country": given.get("country", call.world.settings.country),
        "created": call.now,
        "default_currency": call.world.settings.currency,
        "details_submitted": False,
        "email": None,
        "future_requirements": requirements({}),
        "metadata": {},
        "payouts_enabled": False,
        "requirements": requirements({}),
        "settings": {"payouts": _PAYOUTS, "dashboard": {"display_name": None, "timezone": "Australia/Sydney"}},
        "tos_acceptance": {"date": None},
        "type": given.get("type", "none"),
        "_capabilities": {},
    }


def requirements(wanted: Json) -> Json:
    """Fields that are past due, or due before the account was ever able, disable it unless a reason is given."""
    past_due = wanted.get("past_due", [])
    currently_due = wanted.get("currently_due", [])
    reason = wanted.get("disabled_reason")
    if reason is None and (past_due or currently_due):
        reason = "requirements.past_due"
    return {
        "alternatives": [],
        "current_deadline": wanted.get("current_deadline"),
        "currently_due": currently_due or past_due,
        "disabled_reason": reason,
        "errors": wanted.get("errors", []),
        "eventually_due": wanted.get("eventually_due", currently_due or past_due),
        "past_due": past_due,
        "pending_verification": wanted.get("pending_verification", []),
    }


def capability_json(account: Json, name: str) -> Json:
    capability = account["_capabilities"][name]
    due = account["requirements"]
    return {
        "id": name,
        "object": "capability",
        "account": account["id"],
        "future_requirements": requirements({}),
        "requested": capability["requested"],
        "requested_at": capability["requested_at"],
        "requirements": {**due, "disabled_reason": capability["disabled_reason"]},
        "status": capability["status"],
    }
