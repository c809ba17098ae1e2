"""Payouts, by state, by expert and by board, and the sweeps that send them."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.paging import PageRequest
from services.payouts.domain import LOOKED_AT_AGAIN, PayoutState
from services.payouts.models import Board, Expert, Payout, Sweep


async def lock_payout(session: AsyncSession, payout_id: UUID) -> Payout:
    return NotFound.unless(
        await session.get(Payout, payout_id, with_for_update=True, populate_existing=True),
        "no such payout",
        payout_id=payout_id,
    )


async def payout_with_expert(session: AsyncSession, payout_id: UUID) -> tuple[Payout, Expert]:
    found = await session.execute(
        select(Payout, Expert).join(Expert, Expert.id == Payout.expert_id).where(Payout.id == payout_id)
    )
    row = NotFound.unless(found.one_or_none(), "no such payout", payout_id=payout_id)
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


async def list_sweeps(session: AsyncSession, limit: int) -> Sequence[Sweep]:
    return (await session.scalars(select(Sweep).order_by(Sweep.due_at.desc()).limit(limit))).all()


async def payouts_of_board(session: AsyncSession, board_id: UUID) -> Sequence[Payout]:
    return (await session.scalars(select(Payout).where(Payout.board_id == board_id).order_by(Payout.id))).all()


async def lock_payouts_of_board(session: AsyncSession, board_id: UUID) -> Sequence[Payout]:
    query = select(Payout).where(Payout.board_id == board_id).order_by(Payout.id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).all()
