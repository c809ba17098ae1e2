"""One's own password and second factor over HTTP."""

from datetime import datetime

from litestar import post
from litestar.params import JSONBody
from pydantic import BaseModel

from chassis.database import Database
from chassis.http import Given, Operator, public, signed_in
from chassis.http.caching import NO_STORE
from services.identity.commands import enrolments, passwords
from services.identity.commands.enrolments import BeginEnrolment, Provisioning
from services.identity.commands.passwords import ChangePassword
from services.identity.http.shapes import IN_BODY, Code, Password, SecretBody, Token
from services.identity.security import Security


class ChangePasswordBody(SecretBody):
    current_password: Password
    new_password: Password


class BeginEnrolmentBody(SecretBody):
    enrolment_token: Token
    password: Password


class ConfirmEnrolmentBody(SecretBody):
    enrolment_token: Token
    totp_code: Code


class ProvisioningView(BaseModel):
    """`provisioning_uri` is for a QR code. It holds the secret, and this is the only time that it is shown."""

    enrolment_token: str
    provisioning_uri: str
    expires_at: datetime

    @classmethod
    def of(cls, made: Provisioning) -> "ProvisioningView":
        return cls(enrolment_token=made.token, provisioning_uri=made.uri, expires_at=made.expires_at)


@post("/operators/current/password", guards=[signed_in()], status_code=204)
async def change_password(
    data: JSONBody[ChangePasswordBody], database: Given[Database], security: Given[Security], operator: Given[Operator]
) -> None:
    """Ends all of the operator's sessions, this one too."""
    command = ChangePassword(operator, data.current_password.get_secret_value(), data.new_password.get_secret_value())
    await passwords.change_password(database, command, security)


@post("/operators/current/second-factor", guards=[signed_in(step_up=True)], response_headers=NO_STORE)
async def replace_second_factor(
    database: Given[Database], security: Given[Security], operator: Given[Operator]
) -> ProvisioningView:
    """A secret for a new device. The old one is good until the new one is confirmed."""
    async with database.transaction() as session:
        made = await enrolments.replace_second_factor(session, operator, security)
    return ProvisioningView.of(made)


@post(
    "/enrolments",
    guards=[public("authenticated by the enrolment token")],
    security=IN_BODY,
    response_headers=NO_STORE,
)
async def begin_enrolment(
    data: JSONBody[BeginEnrolmentBody], database: Given[Database], security: Given[Security]
) -> ProvisioningView:
    """A second factor for an invited operator, or for one who lost theirs.

    `password` is the first password of the one, and the password of the other.
    """
    command = BeginEnrolment(data.enrolment_token.get_secret_value(), data.password.get_secret_value())
    return ProvisioningView.of(await enrolments.begin_enrolment(database, command, security))


@post(
    "/enrolments/confirm",
    guards=[public("authenticated by the enrolment token")],
    security=IN_BODY,
    status_code=204,
)
async def confirm_enrolment(
    data: JSONBody[ConfirmEnrolmentBody], database: Given[Database], security: Given[Security]
) -> None:
    """From now on the new factor counts; sign in with the next code."""
    async with database.transaction() as session:
        await enrolments.confirm_enrolment(session, data.enrolment_token.get_secret_value(), data.totp_code, security)


ROUTES = (change_password, replace_second_factor, begin_enrolment, confirm_enrolment)
