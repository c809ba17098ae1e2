"""Boards: who took part, and what its client has paid."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from services.payouts.models import Board, BoardPayment, Participation


async def board(session: AsyncSession, board_id: UUID) -> Board:
    return NotFound.unless(await session.get(Board, board_id), "no such board", board_id=board_id)


async def lock_close_and_payment(session: AsyncSession, board_id: UUID) -> None:
    """Two topics tell of them, so that both can happen at once before the board has a row: one must see the other."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"board:{board_id}", 0))))


async def lock_board_if_known(session: AsyncSession, board_id: UUID) -> Board | None:
    """None before it was heard of."""
    return await session.get(Board, board_id, with_for_update=True, populate_existing=True)


async def lock_board(session: AsyncSession, board_id: UUID) -> Board:
    return NotFound.unless(await lock_board_if_known(session, board_id), "no such board", board_id=board_id)


async def list_held_boards(session: AsyncSession) -> Sequence[Board]:
    query = select(Board).where(Board.held_reason.is_not(None)).order_by(Board.closed_at, Board.id)
    return (await session.scalars(query)).all()


async def participations_of(session: AsyncSession, board_id: UUID) -> Sequence[Participation]:
    query = select(Participation).where(Participation.board_id == board_id).order_by(Participation.position)
    return (await session.scalars(query)).all()


async def is_paid(session: AsyncSession, invoice_id: UUID) -> bool:
    paid = select(BoardPayment.invoice_id).where(BoardPayment.invoice_id == invoice_id)
    stands = paid.where(BoardPayment.paid_at.is_not(None), BoardPayment.voided_at.is_(None))
    return await session.scalar(stands) is not None


async def board_of(session: AsyncSession, invoice_id: UUID) -> UUID | None:
    """Of an invoice that was told as paid or void; None where it is none of a board's."""
    found: UUID | None = await session.scalar(
        select(BoardPayment.board_id).where(BoardPayment.invoice_id == invoice_id)
    )
    return found


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
