"""What is refused of money that came in, and of what a customer has with us."""

from uuid import UUID

from chassis.errors import Invalid, Refusal
from services.billing.domain.issuing import dollars


class PaymentExceedsBalance(Refusal):
    """More than is owed is a slip of the pen, unless whoever types it in says that the rest is the customer's."""

    code = "payment_exceeds_balance"
    title = "The payment is more than is owed"

    def __init__(self, invoice_id: UUID, amount_cents: int, balance_cents: int) -> None:
        detail = f"{dollars(amount_cents)} was given and {dollars(balance_cents)} is owed"
        super().__init__(detail, invoice_id=invoice_id, balance_cents=balance_cents)


class ReceivedInTheFuture(Invalid):
    code = "received_in_the_future"
    title = "Money cannot have come in yet"


class PaymentReferenceTaken(Refusal):
    code = "payment_reference_taken"
    title = "The reference stands for another payment"


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
