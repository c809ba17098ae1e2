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


class LeadUnknown(Invalid):
    """A body names a lead that is not there; in a path that is `LeadNotFound`."""

    code = "lead_unknown"
    title = "The body names an unknown lead"


class LeadNotFound(NotFound):
    code = "lead_not_found"
    title = "No such lead"


class SourceNotFound(NotFound):
    code = "lead_source_not_found"
    title = "No such lead source"


class ClientNotFound(NotFound):
    code = "client_not_found"
    title = "No such client"


class ClientUnknown(Invalid):
    """A body names a client that is not there; in a path that is `ClientNotFound`."""

    code = "client_unknown"
    title = "The body names an unknown client"


class BoardNotFound(NotFound):
    code = "board_not_found"
    title = "No such board"
