"""What Stripe and an account's owner do to a connected account."""

from deploy.local.stripe.control.body import Body
from deploy.local.stripe.control.machine import Machine
from deploy.local.stripe.errors import ApiError, Json
from deploy.local.stripe.resources.accounts import CAPABILITIES, onboard, require, set_capability
from deploy.local.stripe.resources.payouts import pay_out as send_payout
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call

_REQUIREMENT_FIELDS = {
    "alternatives",
    "current_deadline",
    "currently_due",
    "disabled_reason",
    "errors",
    "eventually_due",
    "past_due",
    "pending_verification",
}


def set_requirements(machine: Machine, body: Body, identifier: str) -> Json:
    """`{}` clears them and gives the account its capabilities back."""
    call = Call(machine.world)
    account = call.row("account", identifier)
    wanted = body.rest()
    unknown = wanted.keys() - _REQUIREMENT_FIELDS
    if unknown:
        raise ApiError(f"unknown fields: {', '.join(sorted(unknown))}")
    require(call, account, wanted)
    return render(call.books, account)


def set_capability_status(machine: Machine, body: Body, identifier: str) -> Json:
    call = Call(machine.world)
    account = call.row("account", identifier)
    name = body.text("capability", "transfers")
    status = body.text("status")
    reason = body.text("disabled_reason") if body.has("disabled_reason") else None
    body.end()
    if name not in CAPABILITIES or status not in {"active", "inactive", "pending"}:
        raise ApiError("unknown capability or status")
    set_capability(call, account, name, status, reason)
    call.emit("account.updated", account, account=identifier)
    return render(call.books, account)


def complete_onboarding(machine: Machine, body: Body, identifier: str) -> Json:
    body.end()
    call = Call(machine.world)
    account = call.row("account", identifier)
    onboard(call, account)
    return render(call.books, account)


def pay_out(machine: Machine, body: Body, identifier: str) -> Json:
    """The account's balance leaves for its bank, all of it or `amount`."""
    call = Call(machine.world)
    account = call.row("account", identifier)
    currency = body.text("currency", account["default_currency"])
    available = machine.world.connected[identifier].available_cents.get(currency, 0)
    amount = body.integer("amount", available)
    body.end()
    if not 0 < amount <= available:
        raise ApiError(f"the account has {available} cents available", param="amount")
    return send_payout(call.on_account(identifier), amount, currency)
