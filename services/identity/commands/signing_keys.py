"""Keys that sign: published before they sign, kept in the set until the last token they signed has expired."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import SYSTEM, Actor, Subject, record
from services.identity import queries
from services.identity.domain import KeyTerm, published_kids, signing_kid, upcoming_kid
from services.identity.models import SigningKey
from services.identity.security import Security
from services.identity.tokens import new_key_pair


@dataclass(frozen=True, slots=True)
class RotateSigningKey:
    """`is_compromised` withdraws what is published now at once: every token out there dies with its key."""

    reason: str
    is_compromised: bool = False


async def rotate_signing_key(
    session: AsyncSession, command: RotateSigningKey, actor: Actor, security: Security
) -> SigningKey:
    """The key that signs next. While one is published and waits for its time, there is no other."""
    await _lock(session)
    at = security.now()
    keys = await queries.signing_keys(session)
    waiting = upcoming_kid(terms_of(keys), at)
    if waiting is not None and not command.is_compromised:
        return _by_kid(keys, waiting)
    before = signing_kid(terms_of(keys), at)
    if command.is_compromised:
        _withdraw(keys, at)
    ahead = timedelta() if command.is_compromised or before is None else _publish_ahead(security)
    key = _new_key(session, at, at + ahead, security)
    await record(
        session,
        actor=actor,
        action="rotate_signing_key",
        subject=Subject("signing_key", key.kid),
        before={"signing": before},
        after={"next": key.kid, "signs_from": key.signs_from, "compromised": command.is_compromised},
        reason_text=command.reason,
    )
    return key


async def rotate_when_due(session: AsyncSession, security: Security) -> SigningKey | None:
    """A new key where the signing one has served its days; None where it has not."""
    at = security.now()
    keys = await queries.signing_keys(session)
    kid = signing_kid(terms_of(keys), at)
    if kid is not None and at - _by_kid(keys, kid).signs_from < timedelta(days=security.settings.signing_key_days):
        return None
    return await rotate_signing_key(session, RotateSigningKey("its days are over"), SYSTEM, security)


async def signing_key(session: AsyncSession, security: Security) -> SigningKey:
    """The key that signs now; a new installation makes its first."""
    found = await _signing_now(session, security.now())
    if found is not None:
        return found
    await _lock(session)
    at = security.now()
    return await _signing_now(session, at) or _new_key(session, at, at, security)


async def published_keys(session: AsyncSession, security: Security) -> list[SigningKey]:
    """What the JWKS shows."""
    keys = await queries.signing_keys(session)
    return [_by_kid(keys, kid) for kid in published_kids(terms_of(keys), security.now(), security.settings.token_life)]


async def drop_retired_keys(session: AsyncSession, security: Security) -> None:
    """A key that nobody needs any more is one that nobody can steal.

    Under the lock nobody makes one meanwhile; and those that were looked at go by name, whatever else is there.
    """
    await _lock(session)
    keys = await queries.signing_keys(session)
    needed = set(published_kids(terms_of(keys), security.now(), security.settings.token_life))
    retired = [key.kid for key in keys if key.kid not in needed]
    await session.execute(delete(SigningKey).where(SigningKey.kid.in_(retired)))


def terms_of(keys: Sequence[SigningKey]) -> list[KeyTerm]:
    return [KeyTerm(key.kid, key.signs_from, key.withdrawn_at) for key in keys]


def private_key(key: SigningKey, security: Security) -> bytes:
    return security.vault.open(key.private_key, _label(key.kid))


async def _signing_now(session: AsyncSession, at: datetime) -> SigningKey | None:
    keys = await queries.signing_keys(session)
    kid = signing_kid(terms_of(keys), at)
    return None if kid is None else _by_kid(keys, kid)


async def _lock(session: AsyncSession) -> None:
    """One change of keys at a time: two next ones would each shorten the other's term."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("signing_keys", 0))))


def _new_key(session: AsyncSession, at: datetime, signs_from: datetime, security: Security) -> SigningKey:
    pair = new_key_pair()
    key = SigningKey(
        kid=pair.kid,
        public_key=pair.public_key,
        private_key=security.vault.seal(pair.private_key, _label(pair.kid)),
        created_at=at,
        signs_from=signs_from,
    )
    session.add(key)
    return key


def _withdraw(keys: Sequence[SigningKey], at: datetime) -> None:
    for key in keys:
        key.withdrawn_at = key.withdrawn_at or at


def _publish_ahead(security: Security) -> timedelta:
    return timedelta(seconds=security.settings.key_publish_ahead_seconds)


def _by_kid(keys: Sequence[SigningKey], kid: str) -> SigningKey:
    return next(key for key in keys if key.kid == kid)


def _label(kid: str) -> str:
    return f"signing-key:{kid}"
