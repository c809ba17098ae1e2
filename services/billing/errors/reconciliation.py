"""What is refused of reconciliation, and of who sees to Stripe."""

from http import HTTPStatus

from chassis.errors import NotFound, Refusal


class ReconciliationNotFound(NotFound):
    code = "reconciliation_not_found"
    title = "No such run"


class DifferenceNotFound(NotFound):
    code = "difference_not_found"
    title = "No such difference"


class StripeNotConnected(Refusal):
    """There is nobody to ask: a report of Stripe's can be uploaded all the same."""

    code = "stripe_not_connected"
    title = "No key of Stripe's is set"


class ReportMalformed(Refusal):
    code = "report_malformed"
    title = "Not a report of Stripe's"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class DeedNotPossible(Refusal):
    """Another thing can be done about the difference, or nothing any more."""

    code = "deed_not_possible"
    title = "That does not settle this difference"


class ReferenceDiffers(Refusal):
    code = "reference_differs"
    title = "The invoice is not the one at Stripe"


class OwnerUnknown(Refusal):
    code = "owner_unknown"
    title = "Nobody who can own it"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NothingReconciled(Refusal):
    """A review is of a comparison: there is none that is newer than the last review."""

    code = "nothing_reconciled"
    title = "Nothing was compared since"
