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


class LeadNotCorrectable(Refusal):
    code = "lead_not_correctable"
    title = "The lead cannot be corrected"
    status = HTTPStatus.CONFLICT


class PlaceImpossible(Invalid):
    """A postcode beside what it was corrected together with, or what the lead had already."""

    code = "place_impossible"
    title = "There is no such place"


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
