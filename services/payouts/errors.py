"""What payouts refuses."""

from http import HTTPStatus

from chassis.errors import Refusal


class ExpertEmailTaken(Refusal):
    code = "expert_email_taken"
    title = "Another expert has this e-mail"


class StripeAccountTaken(Refusal):
    code = "stripe_account_taken"
    title = "The Stripe account is another expert's"


class VersionConflict(Refusal):
    code = "version_conflict"
    title = "Somebody changed it in the meantime"


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


class NotOnHold(Refusal):
    code = "payout_not_on_hold"
    title = "The payout is neither on hold nor failed"


class NotReversible(Refusal):
    code = "payout_not_reversible"
    title = "The payout cannot be reversed by this amount"


class ReversalIdTaken(Refusal):
    code = "reversal_id_taken"
    title = "The id stands for another reversal"


class ReversalRefused(Refusal):
    """By Stripe: the expert's balance there does not do, or nothing is left of the transfer."""

    code = "reversal_refused"
    title = "Stripe refused the reversal: nothing came back"


class StripeNotConfigured(Refusal):
    code = "stripe_not_configured"
    title = "No Stripe key is set: nothing can be transferred"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class StripeAway(Refusal):
    """Stripe could not be asked, so nothing was decided: the same request may succeed soon."""

    code = "stripe_unavailable"
    title = "Stripe cannot be asked just now"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after_seconds = 5


class WebhooksDisabled(Refusal):
    code = "webhooks_disabled"
    title = "No webhook secret is set"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class SignatureRefused(Refusal):
    code = "signature_refused"
    title = "The signature is not Stripe's"
    status = HTTPStatus.BAD_REQUEST


class WebhookMalformed(Refusal):
    code = "webhook_malformed"
    title = "Not an event"
    status = HTTPStatus.BAD_REQUEST
