"""What is refused of credits and debits, and of credits that are asked for."""

from collections.abc import Sequence
from uuid import UUID

from chassis.errors import FieldError, Invalid, NotFound, Refusal
from services.billing.domain.tax_invoice import Blocker


class AdjustmentNotFound(NotFound):
    code = "adjustment_not_found"
    title = "No such adjustment"


class CreditRequestNotFound(NotFound):
    code = "credit_request_not_found"
    title = "No such request"


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


class CreditTooLarge(Refusal):
    code = "credit_exceeds_balance"
    title = "The credit is more than is left"


class SecondOperatorNeeded(Refusal):
    code = "second_operator_needed"
    title = "Over the limit of one operator"


class MakerCannotApprove(Refusal):
    code = "maker_cannot_approve"
    title = "Another operator has to agree"


class NoteNotReady(Refusal):
    """What its adjustment note would lack: `errors` has the code of each element, `field` says who can mend it."""

    code = "adjustment_note_not_ready"
    title = "The adjustment note would not be complete"

    def __init__(self, adjustment_id: UUID, missing: Sequence[Blocker]) -> None:
        errors = tuple(FieldError(each.owner, each.code, each.detail) for each in missing)
        super().__init__("; ".join(each.detail for each in missing), errors=errors, adjustment_id=adjustment_id)


class AdjustmentDecided(Refusal):
    code = "adjustment_already_decided"
    title = "The adjustment is decided"


class ProposalNotReady(Refusal):
    code = "credit_proposal_not_ready"
    title = "The proposal cannot be decided yet"


class ProposalDecided(Refusal):
    code = "credit_proposal_decided"
    title = "The proposal is decided"
