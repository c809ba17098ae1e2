"""What identity refuses. What concerns signing in tells nobody which part was wrong."""

from http import HTTPStatus

from chassis.errors import Refusal


class InvalidCredentials(Refusal):
    """One answer for an unknown e-mail, a wrong password, a wrong or used code, a disabled or unfinished operator."""

    code = "invalid_credentials"
    title = "E-mail, password or code is not right"
    status = HTTPStatus.UNAUTHORIZED

    def __init__(self) -> None:
        super().__init__("The e-mail, the password or the one-time code is not right, or the code was used before.")


class InvalidCode(Refusal):
    code = "invalid_code"
    title = "The one-time code is not right"
    status = HTTPStatus.UNAUTHORIZED

    def __init__(self) -> None:
        super().__init__("The one-time code is not right, or it was used before: wait for the next one.")


class TooManyAttempts(Refusal):
    code = "too_many_attempts"
    title = "Too many failed attempts"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Try again in {retry_after_seconds} seconds.", retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class SessionEnded(Refusal):
    code = "session_ended"
    title = "The session has ended"
    status = HTTPStatus.UNAUTHORIZED

    def __init__(self) -> None:
        super().__init__("The session has ended or was revoked: sign in again.")


class InvalidRefreshToken(Refusal):
    code = "invalid_refresh_token"
    title = "The refresh token is not valid"
    status = HTTPStatus.UNAUTHORIZED

    def __init__(self) -> None:
        super().__init__("The refresh token is unknown, expired or was used before: sign in again.")


class InvalidEnrolmentToken(Refusal):
    code = "invalid_enrolment_token"
    title = "The enrolment token is not valid"
    status = HTTPStatus.UNAUTHORIZED

    def __init__(self) -> None:
        super().__init__("The enrolment token is unknown, expired or was used before: ask for a new one.")


class OperatorExists(Refusal):
    code = "operator_exists"
    title = "An operator with this e-mail exists"


class LastSuperAdmin(Refusal):
    code = "last_super_admin"
    title = "Nobody would be left to manage access"


class OwnAccount(Refusal):
    code = "own_account"
    title = "This cannot be done to one's own account"


class OperatorDisabled(Refusal):
    code = "operator_disabled"
    title = "The operator is disabled"
