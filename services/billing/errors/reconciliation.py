"""What is refused of reconciliation, and of who sees to Stripe."""

from http import HTTPStatus

from chassis.errors import NotFound, Refusal


class ReconciliationNotFound(NotFound):
    code = "reconciliation_not_found"
    title = "No such run"


class DifferenceNotFound(NotFound):
    code = "difference_not_found"
    title = "No such difference"


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


class NothingReconciled(Refusal):
    """A review is of a comparison: there is none that is newer than the last review."""

    code = "nothing_reconciled"
    title = "Nothing was compared since"
