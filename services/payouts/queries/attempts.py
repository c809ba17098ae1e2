"""What was asked of Stripe for a payout, and who approved what."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.payouts.domain import AttemptKind, AttemptOutcome
from services.payouts.models import Approval, Attempt, Payout

OPEN_OUTCOMES = [outcome for outcome in AttemptOutcome if outcome.is_open]


async def attempts_of(session: AsyncSession, payout_id: UUID) -> Sequence[Attempt]:
    query = select(Attempt).where(Attempt.payout_id == payout_id).order_by(Attempt.created_at, Attempt.id)
    return (await session.scalars(query)).all()


async def refused_attempts(session: AsyncSession, payout_id: UUID, kind: AttemptKind) -> Sequence[Attempt]:
    query = (
        select(Attempt)
        .where(Attempt.payout_id == payout_id, Attempt.kind == kind, Attempt.outcome == AttemptOutcome.REFUSED)
        .order_by(Attempt.attempt_no)
    )
    return (await session.scalars(query)).all()


async def open_attempt(session: AsyncSession, payout_id: UUID) -> UUID | None:
    found: UUID | None = await session.scalar(
        select(Attempt.id).where(Attempt.payout_id == payout_id, Attempt.outcome.in_(OPEN_OUTCOMES))
    )
    return found


async def last_attempt_no(session: AsyncSession, payout_id: UUID, kind: AttemptKind) -> int:
    """0 where there was none yet."""
    of_kind = select(func.max(Attempt.attempt_no)).where(Attempt.payout_id == payout_id, Attempt.kind == kind)
    return await session.scalar(of_kind) or 0


async def next_open_attempt(session: AsyncSession, machine_now: datetime) -> UUID | None:
    found: UUID | None = await session.scalar(
        select(Attempt.id)
        .where(Attempt.outcome.in_(OPEN_OUTCOMES), Attempt.lease_until <= machine_now)
        .order_by(Attempt.lease_until)
        .limit(1)
    )
    return found


async def lock_expired_attempt(
    session: AsyncSession, attempt_id: UUID, machine_now: datetime
) -> tuple[Attempt, Payout] | None:
    """None where somebody else was faster, or it is settled."""
    found = await session.execute(
        select(Attempt, Payout)
        .join(Payout, Payout.id == Attempt.payout_id)
        .where(Attempt.id == attempt_id, Attempt.outcome.in_(OPEN_OUTCOMES), Attempt.lease_until <= machine_now)
        .with_for_update(of=Attempt, skip_locked=True)
    )
    row = found.one_or_none()
    return (row[0], row[1]) if row is not None else None


async def standing_approval(session: AsyncSession, payout_id: UUID, now: datetime) -> Approval | None:
    approval: Approval | None = await session.scalar(
        select(Approval).where(
            Approval.payout_id == payout_id, Approval.approved_at.is_(None), Approval.expires_at > now
        )
    )
    return approval


async def lock_open_approval(session: AsyncSession, payout_id: UUID) -> Approval | None:
    """Expired or not."""
    approval: Approval | None = await session.scalar(
        select(Approval)
        .where(Approval.payout_id == payout_id, Approval.approved_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return approval


async def open_attempts(session: AsyncSession) -> dict[AttemptOutcome, tuple[int, datetime]]:
    """How many calls have no answer that counts, and since when; outcomes without any are left out."""
    # Written into the statement: by a parameter, the planner cannot know that the partial index serves.
    query = (
        select(Attempt.outcome, func.count(), func.min(Attempt.created_at))
        .where(Attempt.outcome.in_(bindparam(None, OPEN_OUTCOMES, expanding=True, literal_execute=True)))
        .group_by(Attempt.outcome)
    )
    return {AttemptOutcome(outcome): (count, oldest_at) for outcome, count, oldest_at in await session.execute(query)}
