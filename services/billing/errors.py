"""What billing refuses, each with a stable code; details name ids and amounts, never people."""

from collections.abc import Sequence
from http import HTTPStatus
from uuid import UUID

from chassis.errors import FieldError, Invalid, NotFound, Refusal
from services.billing.domain.issuing import dollars
from services.billing.domain.tax_invoice import Blocker


class AccountNotFound(NotFound):
    code = "account_not_found"
    title = "No such account"


class InvoiceNotFound(NotFound):
    code = "invoice_not_found"
    title = "No such invoice"


class AdjustmentNotFound(NotFound):
    code = "adjustment_not_found"
    title = "No such adjustment"


class DeliveryNotFound(NotFound):
    code = "delivery_not_found"
    title = "No such delivery"


class CreditRequestNotFound(NotFound):
    code = "credit_request_not_found"
    title = "No such request"


class StripeEventNotFound(NotFound):
    code = "stripe_event_not_found"
    title = "No such Stripe event"


class PostingNotFound(NotFound):
    code = "posting_not_found"
    title = "No such posting"


class DocumentNotReady(NotFound):
    """A draft has no document; an issued invoice has one within moments."""

    code = "document_not_ready"
    title = "The document is not rendered yet"


class StripeCustomerTaken(Refusal):
    code = "stripe_customer_taken"
    title = "The Stripe customer is another account's"


class PlanVersionExists(Refusal):
    """Two edits of one instant: the first one stands, the second is told."""

    code = "price_plan_version_exists"
    title = "There is a price plan version from this instant"


class PeriodNotEnded(Refusal):
    code = "period_not_ended"
    title = "The period has not ended"


class MonthHasHeldDeliveries(Refusal):
    """A month closes whole: each delivery without a price is named."""

    code = "held_deliveries"
    title = "Deliveries of the period have no price"

    def __init__(self, period: str, held: Sequence[tuple[UUID, UUID]]) -> None:
        errors = tuple(
            FieldError(f"assignments.{assignment_id}", "no_price_plan", f"installer {installer_id} has no price for it")
            for assignment_id, installer_id in held
        )
        super().__init__(f"{len(held)} deliveries of {period} are held without a price", errors=errors, period=period)


class NotADraft(Refusal):
    code = "invoice_not_a_draft"
    title = "The invoice is not a draft"


class NotIssued(Refusal):
    code = "invoice_not_issued"
    title = "The invoice is not issued"


class NotVoid(Refusal):
    code = "invoice_not_void"
    title = "The invoice is not void"


class BoardIsBilled(Refusal):
    code = "board_is_billed"
    title = "The board has an invoice"


class NotOfThisKind(Refusal):
    """Installers' invoices hold deliveries; only a client's lines are written by hand."""

    code = "invoice_of_another_kind"
    title = "The invoice is of another kind"


class VersionConflict(Refusal):
    code = "version_conflict"
    title = "Somebody changed it in the meantime"


class AlreadyIssuedOtherwise(Refusal):
    code = "invoice_issued_under_another_reference"
    title = "The invoice is issued under another Stripe reference"


class NotReadyToIssue(Refusal):
    """Every blocker at once: `errors` has its code, `field` says who can take it away."""

    code = "not_ready_to_issue"
    title = "The invoice is not ready to issue"

    def __init__(self, invoice_id: UUID, blockers: Sequence[Blocker]) -> None:
        errors = tuple(FieldError(blocker.owner, blocker.code, blocker.detail) for blocker in blockers)
        detail = "; ".join(blocker.detail for blocker in blockers)
        super().__init__(detail, errors=errors, invoice_id=invoice_id)


class StripeReferenceTaken(Refusal):
    code = "stripe_reference_taken"
    title = "Another invoice has this Stripe reference"


class StripeAway(Refusal):
    """Stripe could not be asked, so nothing was decided: the same request may succeed soon."""

    code = "stripe_unavailable"
    title = "Stripe cannot be asked just now"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after_seconds = 5


class DueBeforeIssue(Invalid):
    code = "due_before_issue"
    title = "Due before it is issued"


class ReceivedInTheFuture(Invalid):
    code = "received_in_the_future"
    title = "Money cannot have come in yet"


class PaymentExceedsBalance(Refusal):
    """More than is owed is a slip of the pen, unless whoever types it in says that the rest is the customer's."""

    code = "payment_exceeds_balance"
    title = "The payment is more than is owed"

    def __init__(self, invoice_id: UUID, amount_cents: int, balance_cents: int) -> None:
        detail = f"{dollars(amount_cents)} was given and {dollars(balance_cents)} is owed"
        super().__init__(detail, invoice_id=invoice_id, balance_cents=balance_cents)


class StripePaymentIdMissing(Invalid):
    code = "stripe_payment_id_missing"
    title = "A payment at Stripe needs its id there"


class StripePaymentDiffers(Refusal):
    """What would be typed in otherwise than Stripe has it could never be told apart from a second payment."""

    code = "stripe_payment_differs"
    title = "Stripe has it otherwise"


class NoCustomerCredit(Refusal):
    code = "customer_credit_exceeded"
    title = "More than the customer has, or than is owed"


class CreditApplicationIdTaken(Refusal):
    code = "credit_application_id_taken"
    title = "The id stands for another application of credit"


class PaymentReferenceTaken(Refusal):
    code = "payment_reference_taken"
    title = "The reference stands for another payment"


class ReasonRefused(Refusal):
    """We bill on delivery: what became of the sale is no ground for a credit."""

    code = "credit_reason_refused"
    title = "Not a reason for a credit"


class UnknownReason(Invalid):
    code = "reason_unknown"
    title = "No such reason"


class LineNotFound(Invalid):
    code = "line_not_found"
    title = "The invoice has no such line"


class AdjustmentIdTaken(Refusal):
    code = "adjustment_id_taken"
    title = "The id stands for another adjustment"


class AmountMissing(Invalid):
    code = "amount_missing"
    title = "An amount is required"


class AmountNotExpected(Invalid):
    code = "amount_not_expected"
    title = "The amount follows from what is named"


class DeliveriesMissing(Invalid):
    code = "deliveries_missing"
    title = "The deliveries have to be named"


class DeliveriesNotExpected(Invalid):
    code = "deliveries_not_expected"
    title = "No deliveries are named here"


class DeliveriesNotLate(Refusal):
    """Each one that cannot be charged is named in `errors` with its reason."""

    code = "deliveries_not_late"
    title = "Not deliveries that the invoice went without"


class DeliveriesCostNothing(Refusal):
    code = "deliveries_cost_nothing"
    title = "There is nothing to charge"


class DeliveryIsBilled(Refusal):
    code = "delivery_is_billed"
    title = "The delivery is billed"


class SecondOperatorNeeded(Refusal):
    code = "second_operator_needed"
    title = "Over the limit of one operator"


class CreditTooLarge(Refusal):
    code = "credit_exceeds_balance"
    title = "The credit is more than is left"


class AdjustmentDecided(Refusal):
    code = "adjustment_already_decided"
    title = "The adjustment is decided"


class ProposalDecided(Refusal):
    code = "credit_proposal_decided"
    title = "The proposal is decided"


class ProposalNotReady(Refusal):
    code = "credit_proposal_not_ready"
    title = "The proposal cannot be decided yet"


class MakerCannotApprove(Refusal):
    code = "maker_cannot_approve"
    title = "Another operator has to agree"


class HasPayments(Refusal):
    code = "invoice_has_payments"
    title = "Money came in for the invoice"


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
