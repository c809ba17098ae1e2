"""Every SELECT of payouts, and the sweep's own book-keeping rows."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.paging import PageRequest
from services.payouts.domain import AttemptOutcome, PayoutState
from services.payouts.models import AccountNotice, Approval, Attempt, Board, Expert, Participation, Payout, Sweep

OPEN = (AttemptOutcome.PENDING, AttemptOutcome.UNKNOWN)
"""Of a call whose outcome is not known."""


async def payout_with_expert(session: AsyncSession, payout_id: UUID) -> tuple[Payout, Expert]:
    found = await session.execute(
        select(Payout, Expert).join(Expert, Expert.id == Payout.expert_id).where(Payout.id == payout_id)
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound("no such payout", payout_id=payout_id)
    return row[0], row[1]


async def list_payouts(
    session: AsyncSession,
    page: PageRequest,
    *,
    state: PayoutState | None = None,
    expert_id: UUID | None = None,
    board_id: UUID | None = None,
) -> Sequence[tuple[Payout, Expert, Board]]:
    """Oldest first, one row more than the page holds."""
    query = (
        select(Payout, Expert, Board)
        .join(Expert, Expert.id == Payout.expert_id)
        .join(Board, Board.id == Payout.board_id)
    )
    if state is not None:
        query = query.where(Payout.state == state)
    if expert_id is not None:
        query = query.where(Payout.expert_id == expert_id)
    if board_id is not None:
        query = query.where(Payout.board_id == board_id)
    found = await session.execute(page.apply(query, Payout.created_at, Payout.id, newest_first=False))
    return [(row[0], row[1], row[2]) for row in found]


async def attempts_of(session: AsyncSession, payout_id: UUID) -> Sequence[Attempt]:
    query = select(Attempt).where(Attempt.payout_id == payout_id).order_by(Attempt.created_at, Attempt.id)
    return (await session.scalars(query)).all()


async def standing_approval(session: AsyncSession, payout_id: UUID, now: datetime) -> Approval | None:
    approval: Approval | None = await session.scalar(
        select(Approval).where(
            Approval.payout_id == payout_id, Approval.approved_at.is_(None), Approval.expires_at > now
        )
    )
    return approval


async def ready_payouts(session: AsyncSession) -> Sequence[Payout]:
    """Oldest first: who has waited longest is paid first when the balance does not do for all."""
    query = select(Payout).where(Payout.state == PayoutState.READY).order_by(Payout.created_at, Payout.id)
    return (await session.scalars(query)).all()


async def next_open_attempt(session: AsyncSession, machine_now: datetime) -> UUID | None:
    found: UUID | None = await session.scalar(
        select(Attempt.id)
        .where(Attempt.outcome.in_([AttemptOutcome.PENDING, AttemptOutcome.UNKNOWN]))
        .where(Attempt.lease_until <= machine_now)
        .order_by(Attempt.lease_until)
        .limit(1)
    )
    return found


async def unsettled_payouts(
    session: AsyncSession, states: Collection[PayoutState]
) -> dict[PayoutState, tuple[int, int]]:
    """How many there are in each state, and what they come to in cents; those without any are left out."""
    query = (
        select(Payout.state, func.count(), func.sum(Payout.amount_cents))
        .where(Payout.state.in_(states))
        .group_by(Payout.state)
    )
    return {PayoutState(state): (count, int(cents)) for state, count, cents in await session.execute(query)}


async def open_attempts(session: AsyncSession) -> dict[AttemptOutcome, tuple[int, datetime]]:
    """How many calls have no answer that counts, and since when; outcomes without any are left out."""
    # Written into the statement: by a parameter, the planner cannot know that the partial index serves.
    query = (
        select(Attempt.outcome, func.count(), func.min(Attempt.created_at))
        .where(Attempt.outcome.in_(bindparam(None, OPEN, expanding=True, literal_execute=True)))
        .group_by(Attempt.outcome)
    )
    return {AttemptOutcome(outcome): (count, oldest_at) for outcome, count, oldest_at in await session.execute(query)}


async def attempt_created_at(session: AsyncSession, attempt_id: UUID) -> datetime | None:
    created_at: datetime | None = await session.scalar(select(Attempt.created_at).where(Attempt.id == attempt_id))
    return created_at


async def next_account_notice(session: AsyncSession) -> str | None:
    """The account that has waited longest to be asked about."""
    found: str | None = await session.scalar(
        select(AccountNotice.stripe_account_id)
        .where(AccountNotice.settled_at.is_(None))
        .order_by(AccountNotice.received_at)
        .limit(1)
    )
    return found


async def open_sweep(session: AsyncSession, due_at: datetime, now: datetime) -> None:
    await session.execute(insert(Sweep).values(due_at=due_at, started_at=now).on_conflict_do_nothing())


async def close_sweep(session: AsyncSession, due_at: datetime, now: datetime, sent: Sequence[Payout]) -> None:
    """Adds what this run sent; what is still ready then was left for want of balance or was refused."""
    left = (
        await session.execute(
            select(func.count(), func.coalesce(func.sum(Payout.amount_cents), 0)).where(
                Payout.state == PayoutState.READY
            )
        )
    ).one()
    await session.execute(
        update(Sweep)
        .where(Sweep.due_at == due_at)
        .values(
            finished_at=now,
            sent_count=Sweep.sent_count + len(sent),
            sent_cents=Sweep.sent_cents + sum(payout.amount_cents for payout in sent),
            left_count=left[0],
            left_cents=left[1],
        )
    )


async def list_sweeps(session: AsyncSession, limit: int) -> Sequence[Sweep]:
    return (await session.scalars(select(Sweep).order_by(Sweep.due_at.desc()).limit(limit))).all()


async def list_experts(session: AsyncSession, page: PageRequest) -> Sequence[Expert]:
    """Oldest first, one row more than the page holds."""
    query = page.apply(select(Expert), Expert.created_at, Expert.id, newest_first=False)
    return (await session.scalars(query)).all()


async def expert(session: AsyncSession, expert_id: UUID) -> Expert:
    found = await session.get(Expert, expert_id)
    if found is None:
        raise NotFound("no such expert", expert_id=expert_id)
    return found


async def refuse_unknown_experts(session: AsyncSession, expert_ids: Iterable[UUID]) -> None:
    asked = set(expert_ids)
    known = set(await session.scalars(select(Expert.id).where(Expert.id.in_(asked))))
    if asked - known:
        raise NotFound("no such expert", expert_id=min(asked - known))


async def board(session: AsyncSession, board_id: UUID) -> Board:
    found = await session.get(Board, board_id)
    if found is None:
        raise NotFound("no such board", board_id=board_id)
    return found


async def list_held_boards(session: AsyncSession) -> Sequence[Board]:
    query = select(Board).where(Board.held_reason.is_not(None)).order_by(Board.closed_at, Board.id)
    return (await session.scalars(query)).all()


async def participations_of(session: AsyncSession, board_id: UUID) -> Sequence[Participation]:
    query = select(Participation).where(Participation.board_id == board_id).order_by(Participation.position)
    return (await session.scalars(query)).all()


async def payouts_of_board(session: AsyncSession, board_id: UUID) -> Sequence[Payout]:
    return (await session.scalars(select(Payout).where(Payout.board_id == board_id).order_by(Payout.id))).all()
