"""What is refused of an invoice: as a draft, at its issue, and of its document."""

from collections.abc import Sequence
from uuid import UUID

from chassis.errors import FieldError, Invalid, NotFound, Refusal
from services.billing.domain.tax_invoice import Blocker


class InvoiceNotFound(NotFound):
    code = "invoice_not_found"
    title = "No such invoice"


class NotOfThisKind(Refusal):
    """Installers' invoices hold deliveries; only a client's lines are written by hand."""

    code = "invoice_of_another_kind"
    title = "The invoice is of another kind"


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


class VersionConflict(Refusal):
    code = "version_conflict"
    title = "Somebody changed it in the meantime"


class NotReadyToIssue(Refusal):
    """Every blocker at once: `errors` has its code, `field` says who can take it away."""

    code = "not_ready_to_issue"
    title = "The invoice is not ready to issue"

    def __init__(self, invoice_id: UUID, blockers: Sequence[Blocker]) -> None:
        errors = tuple(FieldError(blocker.owner, blocker.code, blocker.detail) for blocker in blockers)
        detail = "; ".join(blocker.detail for blocker in blockers)
        super().__init__(detail, errors=errors, invoice_id=invoice_id)


class DueBeforeIssue(Invalid):
    code = "due_before_issue"
    title = "Due before it is issued"


class StripeReferenceTaken(Refusal):
    code = "stripe_reference_taken"
    title = "Another invoice has this Stripe reference"


class AlreadyIssuedOtherwise(Refusal):
    code = "invoice_issued_under_another_reference"
    title = "The invoice is issued under another Stripe reference"


class DocumentNotReady(NotFound):
    """A draft has no document; an issued invoice has one within moments."""

    code = "document_not_ready"
    title = "The document is not rendered yet"


class HasPayments(Refusal):
    code = "invoice_has_payments"
    title = "Money came in for the invoice"
