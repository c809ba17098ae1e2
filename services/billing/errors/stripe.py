"""What is refused of Stripe's webhooks, and where Stripe cannot be asked."""

from http import HTTPStatus

from chassis.errors import NotFound, Refusal


class StripeAway(Refusal):
    """Stripe could not be asked, so nothing was decided: the same request may succeed soon."""

    code = "stripe_unavailable"
    title = "Stripe cannot be asked just now"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after_seconds = 5


class StripeEventNotFound(NotFound):
    code = "stripe_event_not_found"
    title = "No such Stripe event"


class StripeEventNotWaiting(Refusal):
    code = "stripe_event_not_waiting"
    title = "Nobody is waited for"


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


class StripeNotConnected(Refusal):
    """No key is set, so that nobody can be asked: references are typed in here, and a report can be uploaded."""

    code = "stripe_not_connected"
    title = "Nothing is looked up at Stripe"


class StripeInvoiceUnknown(Refusal):
    code = "stripe_invoice_unknown"
    title = "Stripe has no such invoice"
