"""Operators over HTTP, for those who manage access."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody
from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from chassis.database import Database
from chassis.errors import NotFound
from chassis.http import Body, Given, Line, Operator, Text, requires
from chassis.http.caching import NO_STORE
from chassis.paging import Page, PageRequest
from contracts.identity import Capability, Role
from services.identity import queries
from services.identity.commands import operators as commands
from services.identity.commands.access import live_session
from services.identity.commands.enrolments import Invitation
from services.identity.commands.operators import ChangeRole, ForOperator, NewOperator, RevokeSessions
from services.identity.domain import OperatorStatus, is_email, normalised_email
from services.identity.http.shapes import OperatorView
from services.identity.models import Operator as OperatorRow
from services.identity.models import OperatorSession
from services.identity.security import Security


def _email(text: str) -> str:
    email = normalised_email(text)
    if not is_email(email):
        raise PydanticCustomError("invalid_email", "Input should be an e-mail address")
    return email


Reason = Annotated[Text, Field(max_length=500)]
RoleName = Annotated[Role, Field(strict=False)]


class InviteBody(Body):
    email: Annotated[Line, Field(max_length=254), AfterValidator(_email)]
    name: Annotated[Line, Field(max_length=100)]
    role: RoleName


class RoleBody(Body):
    role: RoleName
    reason: Reason


class ReasonBody(Body):
    reason: Reason


class RevokeBody(Body):
    """Without `session_id`: all of them."""

    reason: Reason
    session_id: Annotated[UUID, Field(strict=False)] | None = None


class InvitedOperator(OperatorView):
    """`enrolment_token` is shown this once: hand it to the operator, for `POST /enrolments`."""

    enrolment_token: str
    enrolment_expires_at: datetime

    @classmethod
    def of_invitation(cls, row: OperatorRow, invitation: Invitation) -> "InvitedOperator":
        return cls(
            **OperatorView.of(row).model_dump(),
            enrolment_token=invitation.token,
            enrolment_expires_at=invitation.expires_at,
        )


class LiveSession(BaseModel):
    session_id: UUID
    started_at: datetime
    expires_at: datetime
    last_seen_at: datetime
    mfa_at: datetime

    @classmethod
    def of(cls, row: OperatorSession) -> "LiveSession":
        return cls(
            session_id=row.id,
            started_at=row.started_at,
            expires_at=row.expires_at,
            last_seen_at=row.last_seen_at,
            mfa_at=row.mfa_at,
        )


class OperatorDetail(OperatorView):
    sessions: list[LiveSession]


class RevokedSessions(BaseModel):
    revoked: int


def place_of(row: OperatorRow) -> tuple[datetime, UUID]:
    return row.created_at, row.id


@get("/admin/operators", guards=[requires(Capability.MANAGE_ADMIN_ACCESS)])
async def list_operators(
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
    page: Given[PageRequest],
    role: FromQuery[Role | None] = None,
    status: FromQuery[OperatorStatus | None] = None,
) -> Page[OperatorView]:
    """Newest first."""
    async with database.reading() as session:
        await live_session(session, operator, security.now())
        rows = await queries.list_operators(session, page, role=role, status=status)
    return page.page(rows, place_of, OperatorView.of)


@get("/admin/operators/{operator_id:uuid}", guards=[requires(Capability.MANAGE_ADMIN_ACCESS)])
async def get_operator(
    operator_id: FromPath[UUID], database: Given[Database], security: Given[Security], operator: Given[Operator]
) -> OperatorDetail:
    """With the sessions that are open now."""
    async with database.reading() as session:
        await live_session(session, operator, security.now())
        row = NotFound.unless(
            await queries.operator(session, operator_id), "there is no such operator", operator_id=operator_id
        )
        open_now = await queries.live_sessions(session, operator_id, security.now())
    return OperatorDetail(**OperatorView.of(row).model_dump(), sessions=[LiveSession.of(each) for each in open_now])


@post(
    "/admin/operators",
    guards=[requires(Capability.MANAGE_ADMIN_ACCESS, step_up=True)],
    response_headers=NO_STORE,
)
async def invite_operator(
    data: JSONBody[InviteBody], database: Given[Database], security: Given[Security], operator: Given[Operator]
) -> InvitedOperator:
    """They choose their password and enrol their second factor themselves."""
    async with database.transaction() as session:
        row, invitation = await commands.invite_operator(
            session, NewOperator(data.email, data.name, data.role), operator, security
        )
    return InvitedOperator.of_invitation(row, invitation)


@post(
    "/admin/operators/{operator_id:uuid}/role",
    guards=[requires(Capability.MANAGE_ADMIN_ACCESS, step_up=True)],
    status_code=200,
)
async def change_role(
    operator_id: FromPath[UUID],
    data: JSONBody[RoleBody],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> OperatorView:
    """Ends the operator's sessions; the last super admin keeps the role."""
    async with database.transaction() as session:
        command = ChangeRole(operator_id, data.role, data.reason)
        row = await commands.change_role(session, command, operator, security)
    return OperatorView.of(row)


@post(
    "/admin/operators/{operator_id:uuid}/disable",
    guards=[requires(Capability.MANAGE_ADMIN_ACCESS)],
    status_code=200,
)
async def disable_operator(
    operator_id: FromPath[UUID],
    data: JSONBody[ReasonBody],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> OperatorView:
    """Ends the operator's sessions. Nobody disables themselves."""
    async with database.transaction() as session:
        row = await commands.disable_operator(session, ForOperator(operator_id, data.reason), operator, security)
    return OperatorView.of(row)


@post(
    "/admin/operators/{operator_id:uuid}/enable",
    guards=[requires(Capability.MANAGE_ADMIN_ACCESS, step_up=True)],
    status_code=200,
)
async def enable_operator(
    operator_id: FromPath[UUID],
    data: JSONBody[ReasonBody],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> OperatorView:
    async with database.transaction() as session:
        row = await commands.enable_operator(session, ForOperator(operator_id, data.reason), operator, security)
    return OperatorView.of(row)


@post(
    "/admin/operators/{operator_id:uuid}/reset-second-factor",
    guards=[requires(Capability.MANAGE_ADMIN_ACCESS, step_up=True)],
    status_code=200,
    response_headers=NO_STORE,
)
async def reset_second_factor(
    operator_id: FromPath[UUID],
    data: JSONBody[ReasonBody],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> InvitedOperator:
    """For a lost device or an expired invitation: a new enrolment token, and the sessions end."""
    async with database.transaction() as session:
        row, invitation = await commands.reset_second_factor(
            session, ForOperator(operator_id, data.reason), operator, security
        )
    return InvitedOperator.of_invitation(row, invitation)


@post(
    "/admin/operators/{operator_id:uuid}/revoke-sessions",
    guards=[requires(Capability.MANAGE_ADMIN_ACCESS)],
    status_code=200,
)
async def revoke_sessions(
    operator_id: FromPath[UUID],
    data: JSONBody[RevokeBody],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> RevokedSessions:
    """Here they end at once; tokens given out before die within their short life."""
    async with database.transaction() as session:
        command = RevokeSessions(operator_id, data.reason, data.session_id)
        ended = await commands.revoke_sessions(session, command, operator, security)
    return RevokedSessions(revoked=ended)


ROUTES = (
    list_operators,
    get_operator,
    invite_operator,
    change_role,
    disable_operator,
    enable_operator,
    reset_second_factor,
    revoke_sessions,
)
