"""Every SELECT of payouts."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.paging import PageRequest
from services.payouts.domain import LOOKED_AT_AGAIN, AttemptKind, AttemptOutcome, PayoutState
from services.payouts.models import (
    AccountNotice,
    Approval,
    Attempt,
    Board,
    BoardPayment,
    Expert,
    Participation,
    Payout,
    Sweep,
)

OPEN_OUTCOMES = [outcome for outcome in AttemptOutcome if outcome.is_open]


# --- payouts and their attempts ---------------------------------------------------------------------------------------


async def lock_payout(session: AsyncSession, payout_id: UUID) -> Payout:
    payout = await session.get(Payout, payout_id, with_for_update=True, populate_existing=True)
    if payout is None:
        raise NotFound("no such payout", payout_id=payout_id)
    return payout


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


async def ready_payouts(session: AsyncSession) -> Sequence[Payout]:
    """Oldest first: who has waited longest is paid first when the balance does not do for all."""
    query = select(Payout).where(Payout.state == PayoutState.READY).order_by(Payout.created_at, Payout.id)
    return (await session.scalars(query)).all()


async def ready_figures(session: AsyncSession) -> tuple[int, int]:
    """How many are ready, and how many cents they are."""
    total = func.coalesce(func.sum(Payout.amount_cents), 0)
    row = (await session.execute(select(func.count(), total).where(Payout.state == PayoutState.READY))).one()
    return row[0], row[1]


async def held_to_look_at(session: AsyncSession) -> Sequence[UUID]:
    """Those on hold for something that passes by itself, oldest first."""
    query = (
        select(Payout.id)
        .where(Payout.state == PayoutState.ON_HOLD, Payout.invoice_id.is_not(None))
        .where(Payout.reason_code.in_(LOOKED_AT_AGAIN))
        .order_by(Payout.created_at, Payout.id)
    )
    return (await session.scalars(query)).all()


async def lock_held_of_expert(session: AsyncSession, expert_id: UUID, reason_codes: Iterable[str]) -> Sequence[Payout]:
    query = (
        select(Payout)
        .where(Payout.expert_id == expert_id, Payout.state == PayoutState.ON_HOLD)
        .where(Payout.reason_code.in_(reason_codes))
        .order_by(Payout.id)
        .with_for_update()
    )
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


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


# --- approvals --------------------------------------------------------------------------------------------------------


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


# --- what is not settled ----------------------------------------------------------------------------------------------


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
        .where(Attempt.outcome.in_(bindparam(None, OPEN_OUTCOMES, expanding=True, literal_execute=True)))
        .group_by(Attempt.outcome)
    )
    return {AttemptOutcome(outcome): (count, oldest_at) for outcome, count, oldest_at in await session.execute(query)}


# --- sweeps and webhooks ----------------------------------------------------------------------------------------------


async def list_sweeps(session: AsyncSession, limit: int) -> Sequence[Sweep]:
    return (await session.scalars(select(Sweep).order_by(Sweep.due_at.desc()).limit(limit))).all()


async def next_account_notice(session: AsyncSession) -> str | None:
    """The account to be asked about next: the one that was asked about longest ago, so that none holds up another."""
    found: str | None = await session.scalar(
        select(AccountNotice.stripe_account_id)
        .where(AccountNotice.settled_at.is_(None))
        .order_by(AccountNotice.asked_at.nulls_first(), AccountNotice.received_at)
        .limit(1)
    )
    return found


# --- experts ----------------------------------------------------------------------------------------------------------


async def list_experts(session: AsyncSession, page: PageRequest) -> Sequence[Expert]:
    """Oldest first, one row more than the page holds."""
    query = page.apply(select(Expert), Expert.created_at, Expert.id, newest_first=False)
    return (await session.scalars(query)).all()


async def expert(session: AsyncSession, expert_id: UUID) -> Expert:
    found = await session.get(Expert, expert_id)
    if found is None:
        raise NotFound("no such expert", expert_id=expert_id)
    return found


async def lock_expert(session: AsyncSession, expert_id: UUID) -> Expert:
    found = await session.get(Expert, expert_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound("no such expert", expert_id=expert_id)
    return found


async def lock_expert_by_account(session: AsyncSession, stripe_account_id: str) -> Expert | None:
    found: Expert | None = await session.scalar(
        select(Expert)
        .where(Expert.stripe_account_id == stripe_account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


async def refuse_unknown_experts(session: AsyncSession, expert_ids: Iterable[UUID]) -> None:
    asked = set(expert_ids)
    known = set(await session.scalars(select(Expert.id).where(Expert.id.in_(asked))))
    if asked - known:
        raise NotFound("no such expert", expert_id=min(asked - known))


# --- boards -----------------------------------------------------------------------------------------------------------


async def board(session: AsyncSession, board_id: UUID) -> Board:
    found = await session.get(Board, board_id)
    if found is None:
        raise NotFound("no such board", board_id=board_id)
    return found


async def lock_close_and_payment(session: AsyncSession, board_id: UUID) -> None:
    """Two topics tell of them, so that both can happen at once before the board has a row: one must see the other."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"board:{board_id}", 0))))


async def lock_board_if_known(session: AsyncSession, board_id: UUID) -> Board | None:
    """None before it was heard of."""
    return await session.get(Board, board_id, with_for_update=True, populate_existing=True)


async def lock_board(session: AsyncSession, board_id: UUID) -> Board:
    found = await lock_board_if_known(session, board_id)
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


async def lock_payouts_of_board(session: AsyncSession, board_id: UUID) -> Sequence[Payout]:
    query = select(Payout).where(Payout.board_id == board_id).order_by(Payout.id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def standing_payment(session: AsyncSession, board_id: UUID) -> BoardPayment | None:
    """The first paid invoice of the board that is not void."""
    found: BoardPayment | None = await session.scalar(
        select(BoardPayment)
        .where(BoardPayment.board_id == board_id)
        .where(BoardPayment.paid_at.is_not(None), BoardPayment.voided_at.is_(None))
        .order_by(BoardPayment.paid_at, BoardPayment.invoice_id)
        .limit(1)
        .execution_options(populate_existing=True)
    )
    return found
