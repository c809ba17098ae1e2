"""What notifications refuses."""

from http import HTTPStatus

from chassis.errors import Refusal


class DocumentCorrupt(Refusal):
    code = "document_corrupt"
    title = "The document's bytes are not those that its hash names"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class DocumentUnknown(Refusal):
    code = "document_unknown"
    title = "The document to be mailed has not arrived"


class MessageNotRetryable(Refusal):
    code = "message_not_retryable"
    title = "Only a message that failed or was suppressed can be tried again"


class LeadGivenBack(Refusal):
    code = "lead_given_back"
    title = "The lead went back to the exception queue with its mail's failure"


class MessageCancelled(Refusal):
    code = "message_cancelled"
    title = "What the message is about was taken back"


class MessageErased(Refusal):
    code = "message_erased"
    title = "What the message said has been erased"


class AddressSuppressed(Refusal):
    code = "address_suppressed"
    title = "The recipient is on the suppression list"


class NoNotification(Refusal):
    code = "no_delivery_status_notification"
    title = "This is no delivery status notification"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotBounced(Refusal):
    code = "not_bounced"
    title = "The notification does not say that the mail came back"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class BounceNotOurs(Refusal):
    code = "bounce_not_ours"
    title = "The notification is about no mail of ours"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class MessageNotAccepted(Refusal):
    code = "message_not_accepted"
    title = "Only a mail that a server took over can come back"


class SenderAccountExists(Refusal):
    code = "sender_account_exists"
    title = "A sender account of this name exists"


class SmtpSecretUnknown(Refusal):
    code = "smtp_secret_unknown"
    title = "No SMTP URL is configured under this name"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TicketSigningOff(Refusal):
    code = "ticket_signing_not_configured"
    title = "No key is set to sign the reply addresses of tickets"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class IdTaken(Refusal):
    code = "id_taken"
    title = "The id is another's"
