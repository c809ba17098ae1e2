"""Who may come in, and as what. Whatever takes access away ends the sessions that were opened with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import SYSTEM, Actor, record
from chassis.constraints import flush_or_refuse
from chassis.errors import FieldError, Invalid, NotFound
from chassis.ids import new_id
from contracts.identity import Role
from services.identity import queries
from services.identity.commands.access import Caller, live_session, revoke_sessions_of, subject_of
from services.identity.commands.enrolments import Invitation, close_enrolment, invitation_of
from services.identity.commands.telling import tell
from services.identity.domain import (
    AccessDeed,
    AccessObstacle,
    OperatorStatus,
    SessionEnd,
    is_email,
    normalised_email,
    obstacle_to_access,
)
from services.identity.errors import LastSuperAdmin, OperatorDisabled, OperatorExists, OwnAccount
from services.identity.models import Operator
from services.identity.security import Security


@dataclass(frozen=True, slots=True)
class NewOperator:
    email: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of an operator who is made with them on the machine itself: a hash, and an open secret."""

    password_hash: str
    totp_secret: str


@dataclass(frozen=True, slots=True)
class ChangeRole:
    operator_id: UUID
    role: Role
    reason: str


@dataclass(frozen=True, slots=True)
class ForOperator:
    """What is done to one operator, and why."""

    operator_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class RevokeSessions:
    """All of them, or only that one."""

    operator_id: UUID
    reason: str
    session_id: UUID | None = None


async def invite_operator(
    session: AsyncSession, command: NewOperator, caller: Caller, security: Security
) -> tuple[Operator, Invitation]:
    """They set their own password and second factor with the invitation's token."""
    await live_session(session, caller, security.now())
    operator = await _add_operator(session, command, caller, security)
    tell(session, operator)
    return operator, await invitation_of(session, operator, security)


async def register_operator(
    session: AsyncSession, command: NewOperator, credentials: Credentials, security: Security
) -> Operator:
    """The first operator, whom nobody can invite; also demonstrations, whose secrets are known beforehand."""
    operator = await _add_operator(session, command, SYSTEM, security)
    operator.password_hash = credentials.password_hash
    operator.totp_secret = security.sealed_secret(credentials.totp_secret, operator.id)
    operator.password_changed_at = operator.totp_enrolled_at = security.now()
    tell(session, operator)
    return operator


async def _add_operator(session: AsyncSession, command: NewOperator, actor: Actor, security: Security) -> Operator:
    email = normalised_email(command.email)
    if not is_email(email):
        raise Invalid("the e-mail is none", errors=(FieldError("email", "invalid_email", "Not an e-mail address"),))
    known = await queries.operator_by_email(session, email)
    if known is not None:
        raise OperatorExists("the e-mail belongs to an operator", operator_id=known.id)
    operator = Operator(id=new_id(), email=email, name=command.name, role=command.role, created_at=security.now())
    session.add(operator)
    await flush_or_refuse(session, {"uq_operators_email": OperatorExists("the e-mail belongs to an operator")})
    after = {"name": operator.name, "role": operator.role}
    await record(session, actor=actor, action="create_operator", subject=subject_of(operator.id), after=after)
    return operator


async def change_role(session: AsyncSession, command: ChangeRole, caller: Caller, security: Security) -> Operator:
    """Their sessions end, so that no token of the old role is made any more."""
    operator, others = await _lock_for(session, command.operator_id, caller, security)
    before = operator.role
    if before is command.role:
        return operator
    if command.role is not Role.SUPER_ADMIN:
        _refuse(AccessDeed.CHANGE_ROLE, operator, others, caller)
    operator.role = command.role
    ended = await revoke_sessions_of(session, operator.id, SessionEnd.ROLE_CHANGED, security.now())
    after = {"role": command.role, "sessions_ended": len(ended)}
    tell(session, operator)
    await _record(session, caller, "change_role", operator, command.reason, before={"role": before}, after=after)
    return operator


async def disable_operator(session: AsyncSession, command: ForOperator, caller: Caller, security: Security) -> Operator:
    operator, others = await _lock_for(session, command.operator_id, caller, security)
    if operator.disabled_at is not None:
        return operator
    _refuse(AccessDeed.DISABLE, operator, others, caller)
    operator.disabled_at = security.now()
    ended = await revoke_sessions_of(session, operator.id, SessionEnd.OPERATOR_DISABLED, operator.disabled_at)
    await close_enrolment(session, operator.id)
    tell(session, operator)
    await _record(session, caller, "disable_operator", operator, command.reason, after={"sessions_ended": len(ended)})
    return operator


async def enable_operator(session: AsyncSession, command: ForOperator, caller: Caller, security: Security) -> Operator:
    operator, _ = await _lock_for(session, command.operator_id, caller, security)
    if operator.disabled_at is None:
        return operator
    operator.disabled_at = None
    tell(session, operator)
    await _record(session, caller, "enable_operator", operator, command.reason)
    return operator


async def reset_second_factor(
    session: AsyncSession, command: ForOperator, caller: Caller, security: Security
) -> tuple[Operator, Invitation]:
    """For a lost device, and for an invitation that expired: the operator enrols anew and proves the password.

    Not for oneself: who still has the factor changes it with it.
    """
    operator, others = await _lock_for(session, command.operator_id, caller, security)
    _refuse(AccessDeed.RESET_SECOND_FACTOR, operator, others, caller)
    operator.totp_secret = operator.totp_enrolled_at = None
    tell(session, operator)
    ended = await revoke_sessions_of(session, operator.id, SessionEnd.SECOND_FACTOR_CHANGED, security.now())
    await _record(
        session, caller, "reset_second_factor", operator, command.reason, after={"sessions_ended": len(ended)}
    )
    return operator, await invitation_of(session, operator, security)


async def revoke_sessions(session: AsyncSession, command: RevokeSessions, caller: Caller, security: Security) -> int:
    """How many it ended."""
    operator, _ = await _lock_for(session, command.operator_id, caller, security)
    ended = await revoke_sessions_of(
        session, operator.id, SessionEnd.REVOKED_BY_ADMIN, security.now(), only=command.session_id
    )
    if ended:
        after = {"sessions": ended}
        await _record(session, caller, "revoke_sessions", operator, command.reason, after=after)
    return len(ended)


async def _lock_for(
    session: AsyncSession, operator_id: UUID, caller: Caller, security: Security
) -> tuple[Operator, list[Operator]]:
    """The operator, and the other super admins who can act. The caller's session is read under these locks.

    So of two super admins who take each other's access at once, the second one is nobody any more.
    """
    locked = await queries.lock_with_super_admins(session, operator_id)
    await live_session(session, caller, security.now())
    operator = NotFound.unless(locked.pop(operator_id, None), "there is no such operator", operator_id=operator_id)
    return operator, [other for other in locked.values() if other.status.may_sign_in]


def _refuse(deed: AccessDeed, operator: Operator, other_super_admins: list[Operator], caller: Caller) -> None:
    obstacle = obstacle_to_access(
        deed,
        operator.status,
        is_own=operator.id == caller.id,
        is_last_super_admin=is_last_super_admin(operator, len(other_super_admins)),
    )
    match obstacle:
        case AccessObstacle.OWN_ACCOUNT:
            raise OwnAccount(obstacle, operator_id=operator.id)
        case AccessObstacle.LAST_SUPER_ADMIN:
            raise LastSuperAdmin(obstacle, operator_id=operator.id)
        case AccessObstacle.DISABLED:
            raise OperatorDisabled(obstacle, operator_id=operator.id)


def is_last_super_admin(operator: Operator, others_who_can_act: int) -> bool:
    is_able = operator.role is Role.SUPER_ADMIN and operator.status is OperatorStatus.ACTIVE
    return is_able and not others_who_can_act


async def _record(
    session: AsyncSession,
    caller: Caller,
    action: str,
    operator: Operator,
    reason: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    await record(
        session,
        actor=caller,
        action=action,
        subject=subject_of(operator.id),
        before=before,
        after=after,
        reason_text=reason,
    )
