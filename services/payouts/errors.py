"""What payouts refuses."""

from http import HTTPStatus

from chassis.errors import Refusal


class ExpertEmailTaken(Refusal):
    code = "expert_exists"
    title = "An expert with this e-mail or Stripe account exists"


class BoardAllocated(Refusal):
    code = "board_allocated"
    title = "The board's pay is allocated: its participation rules are closed"


class NotAllocatable(Refusal):
    code = "not_allocatable"
    title = "The board's pay cannot be allocated as its rules stand"


class NotReady(Refusal):
    code = "payout_not_ready"
    title = "The payout is not ready to be sent"


class GateClosed(Refusal):
    code = "payout_gate_closed"
    title = "Something is in the way of the payout"


class AwaitingApproval(Refusal):
    code = "approval_needs_another_operator"
    title = "A second operator has to approve it"
    status = HTTPStatus.CONFLICT


class NotOnHold(Refusal):
    code = "payout_not_on_hold"
    title = "The payout is neither on hold nor failed"


class NotReversible(Refusal):
    code = "payout_not_reversible"
    title = "The payout cannot be reversed by this amount"


class StripeUnavailable(Refusal):
    code = "stripe_not_configured"
    title = "No Stripe key is set: nothing can be transferred"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class WebhookClosed(Refusal):
    code = "webhook_closed"
    title = "No signing secret is set: nothing can be believed"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class SignatureInvalid(Refusal):
    code = "signature_invalid"
    title = "The signature is not Stripe's, or too old"
    status = HTTPStatus.BAD_REQUEST
