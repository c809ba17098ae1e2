"""Signing in and staying in: sessions, their refresh tokens, and the second factor made fresh."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject, record
from chassis.database import Database
from chassis.ids import new_id
from services.identity import queries
from services.identity.commands.access import (
    AccessToken,
    Caller,
    issue_access_token,
    issue_refresh_token,
    live_session,
    refresh_expiry,
    revoke_sessions_of,
    subject_of,
)
from services.identity.commands.attempts import (
    Guess,
    admit_attempt,
    forgive_attempt,
    operator_guesses,
    sign_in_guesses,
)
from services.identity.domain import SessionEnd, normalised_email
from services.identity.errors import InvalidCode, InvalidCredentials, InvalidRefreshToken, SessionEnded
from services.identity.models import Operator, OperatorSession
from services.identity.security import Security
from services.identity.tokens import hashed


@dataclass(frozen=True, slots=True)
class SignIn:
    """`address` is where the request came from."""

    email: str
    password: str
    totp_code: str
    address: str


@dataclass(frozen=True, slots=True)
class OpenSession:
    """`proven_hash` is the password hash that the password was found to match; None where it matched none."""

    operator_id: UUID
    proven_hash: str | None
    totp_code: str
    guesses: tuple[Guess, ...]


@dataclass(frozen=True, slots=True)
class Granted:
    """What a client holds after signing in or refreshing."""

    operator: Operator
    session: OperatorSession
    access: AccessToken
    refresh_token: str


@dataclass(frozen=True, slots=True)
class SteppedUp:
    operator: Operator
    session: OperatorSession
    access: AccessToken


async def sign_in(database: Database, command: SignIn, security: Security) -> Granted:
    """Counts the attempt, hashes outside any transaction, then decides under the operator's lock.

    Who is unknown goes the same way to the same answer: hashes of nobody's, a lock on nobody, a code of nobody's.
    """
    guesses = sign_in_guesses(command.email, command.address, security)
    async with database.transaction() as session:
        await admit_attempt(session, guesses, security.now())
    async with database.reading() as session:
        known = await queries.operator_by_email(session, normalised_email(command.email))
        in_use = await queries.password_parameters(session)
    known_hash = known.password_hash if known else None
    matches = await security.passwords.verify(known_hash, command.password, in_use)
    opening = OpenSession(
        operator_id=known.id if known else security.nobodys_id,
        proven_hash=known_hash if matches else None,
        totp_code=command.totp_code,
        guesses=guesses,
    )
    async with database.transaction() as session:
        granted = await open_session(session, opening, security)
    await _renew_hash(database, opening, command.password, security)
    return granted


async def _renew_hash(database: Database, opened: OpenSession, password: str, security: Security) -> None:
    """Only now is the password at hand: a hash of older parameters is made anew, once both factors are proven."""
    if opened.proven_hash is None or not security.passwords.is_outdated(opened.proven_hash):
        return
    renewed = await security.passwords.hash(password)
    async with database.transaction() as session:
        operator = await queries.lock_operator(session, opened.operator_id)
        if operator is not None and operator.password_hash == opened.proven_hash:
            operator.password_hash = renewed


async def open_session(session: AsyncSession, command: OpenSession, security: Security) -> Granted:
    operator = await queries.lock_operator(session, command.operator_id)
    step = security.step_of(operator, command.totp_code)
    if operator is None or not _is_proven(operator, command.proven_hash) or not operator.accept_step(step):
        raise InvalidCredentials()
    at = security.now()
    row = OperatorSession(
        id=new_id(),
        operator_id=operator.id,
        started_at=at,
        expires_at=at + timedelta(seconds=security.settings.session_seconds),
        mfa_at=at,
        last_seen_at=at,
    )
    session.add(row)
    await forgive_attempt(session, command.guesses)
    await record(session, actor=operator, action="sign_in", subject=_subject(row), after={"mfa_at": at})
    return await _grant(session, operator, row, security)


def _is_proven(operator: Operator, proven_hash: str | None) -> bool:
    """The hash is compared again under the lock: the password may have changed while we hashed."""
    return proven_hash is not None and operator.password_hash == proven_hash and operator.status.may_sign_in


@dataclass(frozen=True, slots=True)
class Renewal:
    """`granted` is None where a used token came back: then the session is revoked, which has to be committed."""

    granted: Granted | None


async def refresh_session(session: AsyncSession, refresh_token: str, security: Security) -> Renewal:
    """A token is good for one use. Its second use means that two hold it, and one of them has stolen it."""
    known = await queries.refresh_token(session, hashed(refresh_token))
    row = await queries.lock_session(session, known.session_id) if known else None
    token = await queries.refresh_token(session, hashed(refresh_token))
    at = security.now()
    if token is None or row is None:
        raise InvalidRefreshToken()
    if not row.is_live(at):
        raise SessionEnded()
    operator = await _owner(session, row)
    if token.used_at is not None:
        await _revoke(session, operator, row, SessionEnd.TOKEN_REUSED, security)
        return Renewal(None)
    if at >= token.expires_at:
        raise InvalidRefreshToken()
    row.last_seen_at = token.used_at = at
    # The index allows one usable token: the old one must be used up before the new one is there.
    await session.flush()
    await record(session, actor=operator, action="refresh_session", subject=_subject(row))
    return Renewal(await _grant(session, operator, row, security))


async def renew_access(session: AsyncSession, refresh_token: str, security: Security) -> SteppedUp:
    """A new access token for a browser, whose cookie keeps the refresh token: it is not used up, but waits anew.

    Several pages of one browser ask at once; with a token for one use, all but the first would end the session.
    """
    known = await queries.refresh_token(session, hashed(refresh_token))
    row = await queries.lock_session(session, known.session_id) if known else None
    token = await queries.refresh_token(session, hashed(refresh_token))
    at = security.now()
    if token is None or row is None or token.used_at is not None or at >= token.expires_at:
        raise InvalidRefreshToken()
    if not row.is_live(at):
        raise SessionEnded()
    operator = await _owner(session, row)
    row.last_seen_at = at
    token.expires_at = refresh_expiry(row, security)
    return SteppedUp(operator, row, await issue_access_token(session, operator, row, security))


@dataclass(frozen=True, slots=True)
class StepUp:
    caller: Caller
    totp_code: str


async def step_up(database: Database, command: StepUp, security: Security) -> SteppedUp:
    guesses = operator_guesses(command.caller.id, "step-up", security)
    async with database.transaction() as session:
        await live_session(session, command.caller, security.now())
        await admit_attempt(session, guesses, security.now())
    async with database.transaction() as session:
        return await renew_second_factor(session, command, guesses, security)


async def renew_second_factor(
    session: AsyncSession, command: StepUp, guesses: tuple[Guess, ...], security: Security
) -> SteppedUp:
    operator = await queries.lock_operator(session, command.caller.id)
    row = await queries.lock_session(session, command.caller.session_id)
    at = security.now()
    if operator is None or row is None or not row.is_live(at) or row.operator_id != operator.id:
        raise SessionEnded()
    if not operator.accept_step(security.step_of(operator, command.totp_code)):
        raise InvalidCode()
    before, row.mfa_at, row.last_seen_at = row.mfa_at, at, at
    await forgive_attempt(session, guesses)
    await record(
        session,
        actor=operator,
        action="step_up",
        subject=_subject(row),
        before={"mfa_at": before},
        after={"mfa_at": at},
    )
    return SteppedUp(operator, row, await issue_access_token(session, operator, row, security))


async def end_session(session: AsyncSession, caller: Caller, security: Security) -> None:
    """Signing out twice is signing out."""
    row = await queries.lock_session(session, caller.session_id)
    if row is None or row.operator_id != caller.id or not row.is_live(security.now()):
        return
    await _revoke(session, await _owner(session, row), row, SessionEnd.SIGNED_OUT, security)


async def end_other_sessions(
    session: AsyncSession, caller: Caller, security: Security, *, only: UUID | None = None
) -> int:
    """The caller's own that run elsewhere: that one, or all but the one that asks. Says how many it ended."""
    operator = await queries.lock_operator(session, caller.id)
    current = await live_session(session, caller, security.now())
    if operator is None:
        raise SessionEnded()
    ended = await revoke_sessions_of(
        session, operator.id, SessionEnd.SIGNED_OUT, security.now(), only=only, but=current.id
    )
    if ended:
        await record(
            session,
            actor=operator,
            action="end_own_sessions",
            subject=subject_of(operator.id),
            after={"sessions_ended": len(ended)},
        )
    return len(ended)


async def _revoke(
    session: AsyncSession, operator: Operator, row: OperatorSession, reason: SessionEnd, security: Security
) -> None:
    row.revoke(reason, security.now())
    await record(session, actor=operator, action="end_session", subject=_subject(row), after={"revoked_for": reason})


async def _owner(session: AsyncSession, row: OperatorSession) -> Operator:
    owner = await queries.operator(session, row.operator_id)
    if owner is None:
        raise SessionEnded()
    return owner


async def _grant(session: AsyncSession, operator: Operator, row: OperatorSession, security: Security) -> Granted:
    access = await issue_access_token(session, operator, row, security)
    return Granted(operator, row, access, issue_refresh_token(session, row, security))


def _subject(row: OperatorSession) -> Subject:
    return Subject("session", row.id)
