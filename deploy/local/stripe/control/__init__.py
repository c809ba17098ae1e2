"""`/_control/…`: what only a simulator has. JSON in and out, without a key, and for callers on this machine alone."""

import json
from collections.abc import Callable
from ipaddress import ip_address

from deploy.local.stripe.control import account_routes, fault_routes, money_routes, state_routes, webhook_routes
from deploy.local.stripe.control.body import Body
from deploy.local.stripe.control.machine import Machine
from deploy.local.stripe.errors import ApiError, Json
from deploy.local.stripe.transport import Answer, Request

Act = Callable[[Machine, Body], Json]
ActOn = Callable[[Machine, Body, str], Json]

_ACTS: dict[tuple[str, str], Act] = {
    ("GET", "health"): state_routes.health,
    ("GET", "state"): state_routes.state,
    ("GET", "requests"): state_routes.requests,
    ("POST", "reset"): state_routes.reset,
    ("GET", "faults"): fault_routes.show,
    ("POST", "faults"): fault_routes.add,
    ("DELETE", "faults"): fault_routes.clear,
    ("GET", "webhooks"): webhook_routes.show,
    ("POST", "webhooks/endpoints"): webhook_routes.add_endpoint,
    ("POST", "webhooks/pause"): webhook_routes.pause,
    ("POST", "webhooks/resume"): webhook_routes.resume,
    ("POST", "webhooks/duplicate"): webhook_routes.duplicate,
    ("POST", "webhooks/drop"): webhook_routes.drop,
    ("POST", "webhooks/resend"): webhook_routes.resend,
    ("POST", "balance/pay_out"): money_routes.pay_out,
    ("POST", "balance/top_up"): money_routes.top_up,
}
_ACTS_ON: dict[tuple[str, str], ActOn] = {
    ("invoices", "pay"): money_routes.pay_invoice,
    ("payment_intents", "settle"): money_routes.settle,
    ("payment_intents", "fail"): money_routes.fail_payment,
    ("accounts", "requirements"): account_routes.set_requirements,
    ("accounts", "capability"): account_routes.set_capability_status,
    ("accounts", "onboard"): account_routes.complete_onboarding,
    ("accounts", "pay_out"): account_routes.pay_out,
}


class ControlRoutes:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def answer(self, request: Request) -> Answer:
        try:
            _check_is_local(request)
            return Answer.of(self._act(request))
        except ApiError as error:
            return Answer.refusal(error)

    def _act(self, request: Request) -> Json:
        path = request.path.removeprefix("/_control/")
        body = Body(_content(request))
        act = _ACTS.get((request.method, path))
        if act is not None:
            return act(self._machine, body)
        noun, _, rest = path.partition("/")
        identifier, _, verb = rest.partition("/")
        act_on = _ACTS_ON.get((noun, verb)) if request.method == "POST" else None
        if act_on is None:
            raise ApiError(f"no control route: {request.method} {request.path}", status=404)
        return act_on(self._machine, body, identifier)


def _check_is_local(request: Request) -> None:
    if not request.caller or not ip_address(request.caller).is_loopback:
        raise ApiError("control routes answer callers on this machine alone", status=403)


def _content(request: Request) -> Json:
    if not request.body:
        return {}
    try:
        content = json.loads(request.body)
    except ValueError:
        raise ApiError("the body is not JSON") from None
    if not isinstance(content, dict):
        raise ApiError("the body is not a JSON object")
    return content
