"""What is refused of receipts, of what takes money back, and of write-offs."""

from chassis.errors import Invalid, NotFound, Refusal


class PaymentNotFound(NotFound):
    code = "payment_not_found"
    title = "No such payment"


class ReceiptNotFound(NotFound):
    code = "receipt_not_found"
    title = "No such receipt"


class WriteOffNotFound(NotFound):
    code = "write_off_not_found"
    title = "No such write-off"


class CreditApplicationNotFound(NotFound):
    code = "credit_application_not_found"
    title = "No such application of credit"


class SplitExceedsReceipt(Invalid):
    code = "split_exceeds_receipt"
    title = "The parts are more than came in"


class InvoiceOfAnotherAccount(Refusal):
    """One customer's money never pays for another's invoice."""

    code = "invoice_of_another_account"
    title = "The invoice is another customer's"


class StripeTellsPayments(Refusal):
    """With a key set, what came in at Stripe is asked for there, each payment for its own invoice."""

    code = "stripe_tells_payments"
    title = "Stripe tells of its payments itself"


class ReversalTooLarge(Refusal):
    code = "reversal_exceeds_payment"
    title = "More than is left of it"


class ReversalIdTaken(Refusal):
    code = "reversal_id_taken"
    title = "The id stands for another reversal"


class ReversalReferenceTaken(Refusal):
    code = "reversal_reference_taken"
    title = "The reference stands for another reversal"


class CustomerCreditSpent(Refusal):
    """What is to go back pays for other invoices: each of those applications is taken back first."""

    code = "customer_credit_spent"
    title = "It pays for other invoices"


class CreditCameBack(Refusal):
    code = "credit_came_back"
    title = "What was applied came back already"


class InvoiceWrittenOff(Refusal):
    code = "invoice_written_off"
    title = "The invoice is written off"


class NothingOwed(Refusal):
    code = "nothing_owed"
    title = "Nothing is left to pay"


class WriteOffStands(Refusal):
    """An invoice has one at a time that waits or stands."""

    code = "write_off_stands"
    title = "The invoice has a write-off"


class WriteOffIdTaken(Refusal):
    code = "write_off_id_taken"
    title = "The id stands for another write-off"


class WriteOffDecided(Refusal):
    code = "write_off_already_decided"
    title = "The write-off is decided"


class OwedOtherwise(Refusal):
    """A payment or a credit came since it was asked for: what would be written off is not what is left."""

    code = "write_off_out_of_date"
    title = "Another amount is owed by now"
