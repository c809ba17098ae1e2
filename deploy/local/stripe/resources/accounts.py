"""Connect accounts (v1): whom transfers go to, whether they can take them, and what Stripe still wants of them."""

from deploy.local.stripe.authentication import masked
from deploy.local.stripe.errors import Json, no_access, no_such
from deploy.local.stripe.listing import BY_TIME, matching, page
from deploy.local.stripe.params import (
    Shape,
    flag,
    free,
    hash_of,
    integer,
    merge_hash,
    merge_metadata,
    metadata,
    one_of,
    required,
    text,
)
from deploy.local.stripe.resources.account_shape import (
    ONBOARDING_FIELDS,
    blank_account,
    capability_json,
    requirements,
)
from deploy.local.stripe.routing import Route
from deploy.local.stripe.tables import Books, Sequence
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call

CAPABILITIES = ("transfers", "card_payments", "au_becs_debit_payments", "legacy_payments")
_REQUESTED: Shape = {"requested": flag()}
_TERMS: Shape = {"date": integer(), "ip": text(), "service_agreement": text(), "user_agent": text()}
_UPDATE: Shape = {
    "business_profile": free(),
    "business_type": one_of("company", "government_entity", "individual", "non_profit"),
    "capabilities": hash_of({name: hash_of(_REQUESTED) for name in CAPABILITIES}),
    "company": free(),
    "default_currency": text(),
    "email": text(),
    "individual": free(),
    "metadata": metadata(),
    "settings": free(),
    "tos_acceptance": hash_of(_TERMS),
}
_CREATE: Shape = {
    **_UPDATE,
    "controller": free(),
    "country": text(longest=2),
    "type": one_of("custom", "express", "standard"),
}


def create(call: Call) -> Json:
    given = dict(call.params)
    wanted = given.pop("capabilities", {})
    account = blank_account(call, given)
    account.update(_changes(account, given))
    call.world.connected[account["id"]] = Books()
    call.table("account").add(account)
    for name, entry in wanted.items():
        account["_capabilities"][name] = _capability(call, requested=bool(entry.get("requested")))
    if call.world.settings.onboarding == "instant":
        onboard(call, account, quietly=True)
    else:
        require(call, account, {"currently_due": list(ONBOARDING_FIELDS)}, quietly=True)
    call.emit("account.updated", account, account=account["id"])
    return render(call.books, account)


def retrieve(call: Call) -> Json:
    return render(call.world.platform, _account(call))


def retrieve_current(call: Call) -> Json:
    if call.account is not None:
        return render(call.world.platform, _account(call, call.account))
    return {
        "id": call.world.platform_account,
        "object": "account",
        "charges_enabled": True,
        "country": call.world.settings.country,
        "default_currency": call.world.settings.currency,
        "details_submitted": True,
        "email": "platform@waybill.example",
        "payouts_enabled": True,
        "type": "standard",
    }


def update(call: Call) -> Json:
    account = _account(call)
    given = dict(call.params)
    for name, entry in given.pop("capabilities", {}).items():
        _request(call, account, name, requested=bool(entry.get("requested")))
    call.change(account, _changes(account, given))
    call.emit("account.updated", account, account=account["id"])
    return render(call.books, account)


def list_all(call: Call) -> Json:
    return page(call, call.table("account"), "/v1/accounts", matching(call.params))


def retrieve_capability(call: Call) -> Json:
    account = _account(call)
    if call.path["child"] not in account["_capabilities"]:
        raise no_such("capability", call.path["child"])
    return capability_json(account, call.path["child"])


def update_capability(call: Call) -> Json:
    account = _account(call)
    if call.path["child"] not in CAPABILITIES:
        raise no_such("capability", call.path["child"])
    _request(call, account, call.path["child"], requested=call.params["requested"])
    call.emit("account.updated", account, account=account["id"])
    return capability_json(account, call.path["child"])


def list_capabilities(call: Call) -> Json:
    account = _account(call)
    rows = Sequence([capability_json(account, name) for name in account["_capabilities"]])
    return page(call, rows, f"/v1/accounts/{account['id']}/capabilities")


def onboard(call: Call, account: Json, *, quietly: bool = False) -> None:
    """The account's owner has given all that Stripe wants: what was requested becomes active."""
    call.change(account, {"details_submitted": True})
    require(call, account, {}, quietly=quietly)


def require(call: Call, account: Json, wanted: Json, *, quietly: bool = False) -> None:
    """Sets the requirements; as long as fields are due or a reason stands, the account can do nothing."""
    fresh = requirements(wanted)
    is_able = fresh["disabled_reason"] is None
    call.change(account, {"requirements": fresh, "charges_enabled": is_able, "payouts_enabled": is_able})
    status = "active" if is_able else "pending" if "pending" in fresh["disabled_reason"] else "inactive"
    for name, capability in account["_capabilities"].items():
        if capability["requested"] and capability["status"] != status:
            set_capability(call, account, name, status, fresh["disabled_reason"], quietly=quietly)
    if not quietly:
        call.emit("account.updated", account, account=account["id"])


def set_capability(
    call: Call, account: Json, name: str, status: str, reason: str | None, *, quietly: bool = False
) -> None:
    capability = account["_capabilities"].setdefault(name, _capability(call, requested=True))
    capability.update({"status": status, "disabled_reason": None if status == "active" else reason})
    if not quietly:
        call.emit("capability.updated", capability_json(account, name), account=account["id"])


def _account(call: Call, identifier: str | None = None) -> Json:
    """Stripe does not say whether an account is unknown or merely not ours."""
    identifier = identifier or call.path["id"]
    row = call.world.platform["account"].get(identifier)
    if row is None:
        raise no_access(masked(call.world.settings.api_key), identifier)
    return row


def _request(call: Call, account: Json, name: str, *, requested: bool) -> None:
    if not requested:
        account["_capabilities"].pop(name, None)
        return
    reason = account["requirements"]["disabled_reason"]
    capability = account["_capabilities"].setdefault(name, _capability(call, requested=True))
    if capability["status"] == "inactive" and reason is None:
        set_capability(call, account, name, "active", None)


def _capability(call: Call, *, requested: bool) -> Json:
    status = "inactive" if requested else "unrequested"
    instant = call.now if requested else None
    return {"requested": requested, "requested_at": instant, "status": status, "disabled_reason": None}


def _changes(account: Json, given: Json) -> Json:
    changes = dict(given)
    if "metadata" in given:
        changes["metadata"] = merge_metadata(account["metadata"], given["metadata"])
    for name in ("business_profile", "settings", "controller", "tos_acceptance"):
        if name in given:
            changes[name] = merge_hash(account[name], given[name])
    return changes


ROUTES = [
    Route("POST", "/v1/accounts", create, _CREATE),
    Route("GET", "/v1/account", retrieve_current),
    Route("GET", "/v1/accounts/{id}", retrieve),
    Route("POST", "/v1/accounts/{id}", update, _UPDATE),
    Route("GET", "/v1/accounts", list_all, BY_TIME),
    Route("GET", "/v1/accounts/{id}/capabilities", list_capabilities),
    Route("GET", "/v1/accounts/{id}/capabilities/{child}", retrieve_capability),
    Route("POST", "/v1/accounts/{id}/capabilities/{child}", update_capability, {"requested": required(flag())}),
]
