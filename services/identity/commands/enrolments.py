"""Second factors on their way: an invitation, a secret that is shown once, and the code that confirms it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import record
from chassis.database import Database
from chassis.ids import new_id
from services.identity import one_time_codes, queries
from services.identity.commands.access import Caller, live_session, revoke_sessions_of, subject_of
from services.identity.commands.attempts import admit_attempt, forgive_attempt, operator_guesses
from services.identity.commands.passwords import refuse_weak
from services.identity.commands.telling import tell
from services.identity.domain import SessionEnd
from services.identity.errors import InvalidCode, InvalidCredentials, InvalidEnrolmentToken, SessionEnded
from services.identity.models import Enrolment, Operator
from services.identity.security import Security
from services.identity.tokens import hashed, new_opaque_token


@dataclass(frozen=True, slots=True)
class Invitation:
    """The token is nowhere kept: who loses it asks for another."""

    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Provisioning:
    """`uri` holds the secret and is shown this once; `token` is what confirms it."""

    token: str = field(repr=False)
    uri: str = field(repr=False)
    expires_at: datetime


async def invitation_of(session: AsyncSession, operator: Operator, security: Security) -> Invitation:
    """What an admin hands to the operator. Hold the operator's lock, or have just made it."""
    token, enrolment = await _open(session, operator, security)
    return Invitation(token, enrolment.expires_at)


async def _open(session: AsyncSession, operator: Operator, security: Security) -> tuple[str, Enrolment]:
    """Whatever was open before is void."""
    await close_enrolment(session, operator.id)
    token = new_opaque_token()
    at = security.now()
    row = Enrolment(
        id=new_id(),
        operator_id=operator.id,
        token_hash=hashed(token),
        created_at=at,
        expires_at=at + timedelta(seconds=security.settings.enrolment_seconds),
    )
    session.add(row)
    return token, row


async def close_enrolment(session: AsyncSession, operator_id: UUID) -> None:
    await session.execute(delete(Enrolment).where(Enrolment.operator_id == operator_id))


@dataclass(frozen=True, slots=True)
class BeginEnrolment:
    """`password` is the first one of an invited operator, and the known one of an operator who lost a device."""

    token: str = field(repr=False)
    password: str = field(repr=False)


async def begin_enrolment(database: Database, command: BeginEnrolment, security: Security) -> Provisioning:
    """Begun again, it shows a new secret, and the one before is void."""
    async with database.transaction() as session:
        _, operator = await _enrolling(session, command.token, security)
        guesses = operator_guesses(operator.id, "enrolment", security)
        if operator.password_hash is not None:
            await admit_attempt(session, guesses, security.now())
    first_hash = await _first_hash(operator, command.password, security)
    async with database.transaction() as session:
        enrolment, now_operator = await _enrolling(session, command.token, security)
        if now_operator.password_hash != operator.password_hash:
            raise InvalidCredentials()
        enrolment.password_hash = first_hash
        await forgive_attempt(session, guesses)
        return await _provision(session, command.token, enrolment, now_operator, security)


async def _first_hash(operator: Operator, password: str, security: Security) -> str | None:
    """None where the operator has a password, which then must be this one."""
    if operator.password_hash is None:
        refuse_weak(password, operator)
        return await security.passwords.hash(password)
    if not await security.passwords.verify(operator.password_hash, password):
        raise InvalidCredentials()
    return None


async def replace_second_factor(session: AsyncSession, caller: Caller, security: Security) -> Provisioning:
    """One's own, on a new device; the old one is good until the new one is confirmed."""
    operator = await queries.lock_operator(session, caller.id)
    await live_session(session, caller, security.now())
    if operator is None:
        raise SessionEnded()
    token, enrolment = await _open(session, operator, security)
    return await _provision(session, token, enrolment, operator, security)


async def confirm_enrolment(session: AsyncSession, token: str, code: str, security: Security) -> Operator:
    """From now on this factor counts; sessions that were opened with another one end."""
    enrolment, operator = await _enrolling(session, token, security)
    step = security.matching_step(enrolment.totp_secret, operator.id, code)
    if step is None:
        raise InvalidCode()
    at = security.now()
    operator.totp_secret, operator.totp_enrolled_at = enrolment.totp_secret, at
    operator.totp_last_step = max(step, operator.totp_last_step or step)
    if enrolment.password_hash is not None:
        operator.password_hash, operator.password_changed_at = enrolment.password_hash, at
    await session.delete(enrolment)
    tell(session, operator)
    ended = await revoke_sessions_of(session, operator.id, SessionEnd.SECOND_FACTOR_CHANGED, at)
    after = {"sessions_ended": len(ended)}
    await record(session, actor=operator, action="enrol_second_factor", subject=subject_of(operator.id), after=after)
    return operator


async def _enrolling(session: AsyncSession, token: str, security: Security) -> tuple[Enrolment, Operator]:
    """The open enrolment of a token and its operator, locked: the operator's lock is the lock of both."""
    known = await queries.enrolment(session, hashed(token))
    operator = await queries.lock_operator(session, known.operator_id) if known else None
    enrolment = await queries.enrolment(session, hashed(token))
    if enrolment is None or operator is None or security.now() >= enrolment.expires_at:
        raise InvalidEnrolmentToken()
    return enrolment, operator


async def _provision(
    session: AsyncSession, token: str, enrolment: Enrolment, operator: Operator, security: Security
) -> Provisioning:
    secret = one_time_codes.new_secret()
    enrolment.totp_secret = security.sealed_secret(secret, operator.id)
    await record(session, actor=operator, action="begin_enrolment", subject=subject_of(operator.id))
    uri = one_time_codes.provisioning_uri(secret, operator.email, security.settings.totp_issuer)
    return Provisioning(token, uri, enrolment.expires_at)
