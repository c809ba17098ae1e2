"""What the other commands share: the caller's session must live, sessions are revoked, tokens are issued."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.ids import new_id
from contracts.identity import AUDIENCE, TokenClaims
from services.identity import queries
from services.identity.commands.signing_keys import private_key, signing_key
from services.identity.domain import SessionEnd
from services.identity.errors import SessionEnded
from services.identity.models import Operator, OperatorSession, RefreshToken
from services.identity.security import Security
from services.identity.tokens import hashed, new_opaque_token, signed


class Caller(Protocol):
    """Whoever asks, as the access token says; the database may know better."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def session_id(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class AccessToken:
    token: str
    expires_at: datetime


async def live_session(session: AsyncSession, caller: Caller, at: datetime) -> OperatorSession:
    """Here a revoked session ends at once, though its last access token has minutes to live elsewhere."""
    found = await queries.session_of(session, caller.session_id, caller.id)
    if found is None or not found.is_live(at):
        raise SessionEnded()
    return found


async def revoke_sessions_of(
    session: AsyncSession,
    operator_id: UUID,
    reason: SessionEnd,
    at: datetime,
    *,
    only: UUID | None = None,
    but: UUID | None = None,
) -> list[UUID]:
    """All live ones of an operator, only that one, or all but one; returns those that it ended.

    Hold the operator's lock.
    """
    statement = update(OperatorSession).where(
        OperatorSession.operator_id == operator_id,
        OperatorSession.revoked_at.is_(None),
        OperatorSession.expires_at > at,
    )
    if only is not None:
        statement = statement.where(OperatorSession.id == only)
    if but is not None:
        statement = statement.where(OperatorSession.id != but)
    ended = await session.scalars(statement.values(revoked_at=at, revoked_for=reason).returning(OperatorSession.id))
    return list(ended)


async def issue_access_token(
    session: AsyncSession, operator: Operator, row: OperatorSession, security: Security
) -> AccessToken:
    """Signed by the key of this instant; it never outlives the session."""
    key = await signing_key(session, security)
    at = security.now()
    expires_at = min(at + timedelta(seconds=security.settings.access_token_seconds), row.expires_at)
    role = operator.role
    claims = TokenClaims(
        iss=security.settings.token_issuer,
        aud=AUDIENCE,
        sub=str(operator.id),
        sid=str(row.id),
        jti=str(new_id()),
        name=operator.name,
        roles=[role],
        capabilities=_sorted(role.capabilities),
        mfa_at=int(row.mfa_at.timestamp()),
        csrf=security.csrf_of(row.id),
        iat=int(at.timestamp()),
        exp=int(expires_at.timestamp()),
    )
    return AccessToken(signed(claims, key.kid, private_key(key, security)), expires_at.replace(microsecond=0))


def issue_refresh_token(session: AsyncSession, row: OperatorSession, security: Security) -> str:
    """The token itself, which is nowhere kept. The one before it must have been used."""
    token = new_opaque_token()
    expires_at = refresh_expiry(row, security)
    session.add(
        RefreshToken(token_hash=hashed(token), session_id=row.id, issued_at=security.now(), expires_at=expires_at)
    )
    return token


def refresh_expiry(row: OperatorSession, security: Security) -> datetime:
    """Until when a refresh token waits from now on; it never outlives the session."""
    return min(security.now() + timedelta(seconds=security.settings.session_idle_seconds), row.expires_at)


def subject_of(operator_id: UUID) -> Subject:
    return Subject("operator", operator_id)


def _sorted(capabilities: Iterable[str]) -> list[str]:
    return sorted(str(capability) for capability in capabilities)
