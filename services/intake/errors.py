"""What intake says no to."""

from http import HTTPStatus

from chassis.errors import Invalid, NotFound, Refusal


class KeyMissing(Refusal):
    code = "api_key_missing"
    title = "No API key"
    status = HTTPStatus.UNAUTHORIZED


class SourceUnknown(Refusal):
    code = "source_unknown"
    title = "Unknown API key"
    status = HTTPStatus.UNAUTHORIZED


class SourceRevoked(Refusal):
    code = "source_revoked"
    title = "The lead source was revoked"
    status = HTTPStatus.UNAUTHORIZED


class KeyExpired(Refusal):
    code = "api_key_expired"
    title = "The API key has run out"
    status = HTTPStatus.UNAUTHORIZED


class KeyRevoked(Refusal):
    code = "api_key_revoked"
    title = "The API key was revoked"
    status = HTTPStatus.UNAUTHORIZED


class RateLimited(Refusal):
    code = "rate_limited"
    title = "Too many leads in a minute"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class SubmissionKeyReused(Refusal):
    code = "submission_key_reused"
    title = "The submission key was used for other content"
    status = HTTPStatus.CONFLICT


class SourceNameTaken(Refusal):
    code = "source_name_taken"
    title = "There is a lead source of this name"
    status = HTTPStatus.CONFLICT


class SourceNotActive(Refusal):
    code = "source_not_active"
    title = "The lead source was revoked"
    status = HTTPStatus.CONFLICT


class KeyNotWorking(Refusal):
    code = "api_key_not_working"
    title = "The API key does not work any more"
    status = HTTPStatus.CONFLICT


class LeadNotClosable(Refusal):
    code = "lead_not_closable"
    title = "The lead cannot be closed"
    status = HTTPStatus.CONFLICT


class LeadNotOwnable(Refusal):
    code = "lead_not_ownable"
    title = "The lead's owner cannot be changed so"
    status = HTTPStatus.CONFLICT


class NoteNeeded(Refusal):
    code = "note_needed"
    title = "A hand-over needs a note"
    status = HTTPStatus.CONFLICT


class LeadUnknown(Invalid):
    """A body names a lead that is not there; in a path that is `LeadNotFound`."""

    code = "lead_unknown"
    title = "The body names an unknown lead"


class OperatorUnknown(Invalid):
    """A body names an operator whom identity has not told of."""

    code = "operator_unknown"
    title = "The body names an unknown operator"


class OperatorNotActive(Refusal):
    code = "operator_not_active"
    title = "The operator can be given no work"
    status = HTTPStatus.CONFLICT


class LeadOver(Refusal):
    code = "lead_over"
    title = "The lead is over"
    status = HTTPStatus.CONFLICT


class FollowUpOver(Refusal):
    code = "follow_up_over"
    title = "The follow-up is over"
    status = HTTPStatus.CONFLICT


class FollowUpIdTaken(Refusal):
    code = "follow_up_id_taken"
    title = "The follow-up's id is taken"
    status = HTTPStatus.CONFLICT


class DueTimeOver(Invalid):
    code = "in_the_past"
    title = "The time is over already"


class NotCritical(Refusal):
    code = "lead_not_critical"
    title = "The lead is not critical"
    status = HTTPStatus.CONFLICT


class PolicyNameTaken(Refusal):
    code = "policy_name_taken"
    title = "There is an escalation policy of this name"
    status = HTTPStatus.CONFLICT


class StepsInvalid(Invalid):
    code = "steps_invalid"
    title = "The steps cannot be so"


class PolicyNotFound(NotFound):
    code = "escalation_policy_not_found"
    title = "No such escalation policy"


class FollowUpNotFound(NotFound):
    code = "follow_up_not_found"
    title = "No such follow-up"


class LeadNotCorrectable(Refusal):
    code = "lead_not_correctable"
    title = "The lead cannot be corrected"
    status = HTTPStatus.CONFLICT


class PlaceImpossible(Invalid):
    """A postcode beside what it was corrected together with, or what the lead had already."""

    code = "place_impossible"
    title = "There is no such place"


class LeadNotHeld(Refusal):
    code = "lead_not_held"
    title = "The lead is not held"
    status = HTTPStatus.CONFLICT


class PairDecided(Refusal):
    code = "pair_decided"
    title = "It was decided whether the two are one"
    status = HTTPStatus.CONFLICT


class LeadNotMergeable(Refusal):
    code = "lead_not_mergeable"
    title = "The leads cannot be made one"
    status = HTTPStatus.CONFLICT


class LeadNotMerged(Refusal):
    code = "lead_not_merged"
    title = "The lead was not merged"
    status = HTTPStatus.CONFLICT


class UnmergeBlocked(Refusal):
    code = "unmerge_blocked"
    title = "The merge cannot be taken apart yet"
    status = HTTPStatus.CONFLICT


class CreditNotPossible(Refusal):
    code = "credit_not_possible"
    title = "A delivery cannot be credited for it"
    status = HTTPStatus.CONFLICT


class ThresholdsInvalid(Invalid):
    code = "thresholds_invalid"
    title = "The thresholds cannot be so"


class PairNotFound(NotFound):
    code = "pair_not_found"
    title = "No such pair of leads"


class LeadNotFound(NotFound):
    code = "lead_not_found"
    title = "No such lead"


class ErasureNotFound(NotFound):
    code = "erasure_not_found"
    title = "No such erasure"


class ErasureIdTaken(Refusal):
    code = "erasure_id_taken"
    title = "Another erasure has this id"
    status = HTTPStatus.CONFLICT


class ErasureNamesPerson(Invalid):
    """What is kept of an erasure must not bring back what it took away."""

    code = "erasure_names_person"
    title = "The note names the person"


class ConsentErased(Refusal):
    code = "consent_erased"
    title = "The person was erased, and their consent with them"
    status = HTTPStatus.CONFLICT


class SourceNotFound(NotFound):
    code = "lead_source_not_found"
    title = "No such lead source"


class SourceKeyNotFound(NotFound):
    code = "lead_source_key_not_found"
    title = "No such API key"


class ClientNotFound(NotFound):
    code = "client_not_found"
    title = "No such client"


class ClientUnknown(Invalid):
    """A body names a client that is not there; in a path that is `ClientNotFound`."""

    code = "client_unknown"
    title = "The body names an unknown client"


class PeriodInvalid(Invalid):
    code = "period_invalid"
    title = "No such period"


class BoardNotFound(NotFound):
    code = "board_not_found"
    title = "No such board"
