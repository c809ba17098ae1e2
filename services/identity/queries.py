"""Every SELECT of identity."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from contracts.identity import Role
from services.identity.domain import OperatorStatus
from services.identity.models import Enrolment, Operator, OperatorSession, RefreshToken, SigningKey


async def operator_by_email(session: AsyncSession, email: str) -> Operator | None:
    """By the normalised e-mail."""
    found: Operator | None = await session.scalar(select(Operator).where(Operator.email == email))
    return found


async def password_parameters(session: AsyncSession) -> set[str]:
    """Of all password hashes that are kept, of whomever: one kind, and a second one after the settings were raised."""
    kind = func.regexp_replace(Operator.password_hash, r"\$[^$]*\$[^$]*$", "")
    return set(await session.scalars(select(kind).where(Operator.password_hash.is_not(None)).distinct()))


async def operator(session: AsyncSession, operator_id: UUID) -> Operator | None:
    return await session.get(Operator, operator_id)


async def lock_operator(session: AsyncSession, operator_id: UUID) -> Operator | None:
    found: Operator | None = await session.scalar(
        select(Operator).where(Operator.id == operator_id).with_for_update().execution_options(populate_existing=True)
    )
    return found


async def untold_operators(session: AsyncSession, at_most: int) -> Sequence[Operator]:
    """Locked; of whom nothing was ever published. Those that somebody else has in hand are told by them."""
    query = select(Operator).where(Operator.version == 0).order_by(Operator.id).limit(at_most)
    return (await session.scalars(query.with_for_update(skip_locked=True))).all()


async def lock_with_super_admins(session: AsyncSession, operator_id: UUID) -> dict[UUID, Operator]:
    """The operator and all super admins, locked in the order of their ids so that two such commands cannot deadlock.

    Whoever takes access from anyone holds these locks; so two of them cannot each think that the other one remains.
    """
    wanted = (Operator.id == operator_id) | (Operator.role == Role.SUPER_ADMIN)
    rows = await session.scalars(
        select(Operator).where(wanted).order_by(Operator.id).with_for_update().execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


async def lock_session(session: AsyncSession, session_id: UUID) -> OperatorSession | None:
    found: OperatorSession | None = await session.scalar(
        select(OperatorSession)
        .where(OperatorSession.id == session_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


async def session_of(session: AsyncSession, session_id: UUID, operator_id: UUID) -> OperatorSession | None:
    """As it is now in the database, whatever was read of it before."""
    found: OperatorSession | None = await session.scalar(
        select(OperatorSession)
        .where(OperatorSession.id == session_id, OperatorSession.operator_id == operator_id)
        .execution_options(populate_existing=True)
    )
    return found


async def live_sessions(session: AsyncSession, operator_id: UUID, at: datetime) -> Sequence[OperatorSession]:
    """The latest first, at most 100: nobody acts on more by hand."""
    rows = await session.scalars(
        select(OperatorSession)
        .where(
            OperatorSession.operator_id == operator_id,
            OperatorSession.revoked_at.is_(None),
            OperatorSession.expires_at > at,
        )
        .order_by(OperatorSession.started_at.desc(), OperatorSession.id)
        .limit(100)
    )
    return rows.all()


async def refresh_token(session: AsyncSession, token_hash: bytes) -> RefreshToken | None:
    """Under the lock of its session ask again: what it says of its use may have changed."""
    found: RefreshToken | None = await session.scalar(
        select(RefreshToken).where(RefreshToken.token_hash == token_hash).execution_options(populate_existing=True)
    )
    return found


async def enrolment(session: AsyncSession, token_hash: bytes) -> Enrolment | None:
    found: Enrolment | None = await session.scalar(
        select(Enrolment).where(Enrolment.token_hash == token_hash).execution_options(populate_existing=True)
    )
    return found


async def enrolling(session: AsyncSession, token_hash: bytes, at: datetime) -> tuple[Enrolment, Operator] | None:
    """The enrolment of a token that is open still, and whose it is; nothing is locked."""
    query = select(Enrolment, Operator).join(Operator, Operator.id == Enrolment.operator_id)
    row = (
        await session.execute(query.where(Enrolment.token_hash == token_hash, Enrolment.expires_at > at))
    ).one_or_none()
    return (row[0], row[1]) if row else None


async def signing_keys(session: AsyncSession) -> Sequence[SigningKey]:
    """All that are not purged: a handful, in the order in which they sign."""
    rows = await session.scalars(select(SigningKey).order_by(SigningKey.signs_from, SigningKey.kid))
    return rows.all()


async def list_operators(
    session: AsyncSession, page: PageRequest, *, role: Role | None = None, status: OperatorStatus | None = None
) -> Sequence[Operator]:
    """Newest first, one row more than the page holds."""
    query = select(Operator)
    if role is not None:
        query = query.where(Operator.role == role)
    if status is not None:
        query = query.where(has_status(status))
    return (await session.scalars(page.apply(query, Operator.created_at, Operator.id))).all()


async def operators_named(session: AsyncSession, text: str, most: int) -> Sequence[Operator]:
    """By a part of the name or the e-mail, or by the whole id."""
    found = Operator.name.icontains(text, autoescape=True) | Operator.email.icontains(text, autoescape=True)
    with suppress(ValueError):
        found |= Operator.id == UUID(text)
    return (await session.scalars(select(Operator).where(found).order_by(Operator.name, Operator.id).limit(most))).all()


async def count_lapsing(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Operator).where(is_lapsing())) or 0


def is_lapsing() -> ColumnElement[bool]:
    """Who waits for a second factor, with an invitation that has run out or does so within a day.

    One that ran out is purged by night: who has none is among them.
    """
    holds_on = select(Enrolment.id).where(
        Enrolment.operator_id == Operator.id, Enrolment.expires_at > func.now() + timedelta(days=1)
    )
    return has_status(OperatorStatus.INVITED) & ~holds_on.exists()


async def super_admins_who_can_act(session: AsyncSession, *, but: UUID) -> int:
    """How many, beside that one."""
    query = select(func.count()).select_from(Operator).where(Operator.role == Role.SUPER_ADMIN, Operator.id != but)
    return await session.scalar(query.where(has_status(OperatorStatus.ACTIVE))) or 0


def has_status(status: OperatorStatus) -> ColumnElement[bool]:
    """As `Operator.status` says it."""
    is_enrolled = Operator.password_hash.is_not(None) & Operator.totp_secret.is_not(None)
    match status:
        case OperatorStatus.DISABLED:
            return Operator.disabled_at.is_not(None)
        case OperatorStatus.ACTIVE:
            return Operator.disabled_at.is_(None) & is_enrolled
        case OperatorStatus.INVITED:
            return Operator.disabled_at.is_(None) & ~is_enrolled
