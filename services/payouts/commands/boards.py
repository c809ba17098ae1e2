"""Boards: who took part, what each earned when it closed, and whether the client has paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, case, delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.ids import new_id
from contracts.payouts import AllocationHeld, PayoutAllocated
from services.payouts import queries
from services.payouts.commands.payouts import CLIENT_INVOICE_VOID, CLIENT_PAYMENT_REVERSED, pay_by, unpay
from services.payouts.domain import (
    HeldReason,
    ParticipationRule,
    PayoutState,
    Split,
    obstacle_to_allocation,
    obstacle_to_rules,
    pool_of,
    split_pool,
)
from services.payouts.errors import BoardAllocated, NotAllocatable
from services.payouts.models import Board, BoardPayment, Participation, Payout


@dataclass(frozen=True, slots=True)
class BoardFacts:
    """A board as intake's events tell it."""

    board_id: UUID
    client_id: UUID
    title: str
    contracted_amount_cents: int
    currency: str
    board_version: int
    closed_at: datetime | None = None


async def note_board(session: AsyncSession, facts: BoardFacts) -> Board:
    """Keeps what an opening or closing event says; a later version is never overwritten by an earlier one."""
    known = {
        "client_id": facts.client_id,
        "title": facts.title,
        "contracted_amount_cents": facts.contracted_amount_cents,
        "currency": facts.currency,
        "board_version": facts.board_version,
        "closed_at": facts.closed_at,
    }
    insertion = insert(Board).values(id=facts.board_id, **known)
    await session.execute(
        insertion.on_conflict_do_update(
            index_elements=["id"], set_=known, where=Board.board_version < insertion.excluded.board_version
        )
    )
    return await queries.boards.lock_board(session, facts.board_id)


async def set_participations(
    session: AsyncSession, board_id: UUID, rules: Sequence[ParticipationRule], pool_basis_points: int | None
) -> Board:
    """Replaces the board's rules as a whole, as long as nothing was allocated by them."""
    board = await queries.boards.lock_board(session, board_id)
    obstacle = obstacle_to_rules(is_allocated=board.allocated_at is not None)
    if obstacle is not None:
        raise BoardAllocated(obstacle, board_id=board_id)
    await queries.experts.refuse_unknown_experts(session, [rule.expert_id for rule in rules])
    await session.execute(delete(Participation).where(Participation.board_id == board_id))
    session.add_all(
        Participation(
            id=new_id(), board_id=board_id, expert_id=rule.expert_id, position=place, kind=rule.kind, value=rule.value
        )
        for place, rule in enumerate(rules)
    )
    board.pool_basis_points = pool_basis_points
    await session.flush()
    return board


async def close_board(session: AsyncSession, facts: BoardFacts, default_pool_basis_points: int, now: datetime) -> Board:
    """Allocates the experts' pay; where the rules do not allow it, the board is held for an operator."""
    await queries.boards.lock_close_and_payment(session, facts.board_id)
    board = await note_board(session, facts)
    if board.allocated_at is None:
        await _allocate_or_hold(session, board, default_pool_basis_points, now)
    return board


async def allocate_held_board(
    session: AsyncSession, board_id: UUID, default_pool_basis_points: int, now: datetime
) -> Board:
    """By an operator who has mended the rules; refuses where they still do not allow it."""
    await queries.boards.lock_close_and_payment(session, board_id)
    board = await queries.boards.lock_board(session, board_id)
    if board.allocated_at is not None:
        return board
    split = await _split(session, board, default_pool_basis_points)
    obstacle = obstacle_to_allocation(is_closed=board.closed_at is not None, split=split)
    if obstacle is not None:
        raise NotAllocatable(obstacle, board_id=board_id, reason_code=split.held or "not_closed")
    await _allocate(session, board, split, now)
    return board


async def mark_board_paid(session: AsyncSession, board_id: UUID, invoice_id: UUID, paid_at: datetime) -> None:
    """The client has paid: what is allocated becomes ready, and what is allocated later is ready at once."""
    await queries.boards.lock_close_and_payment(session, board_id)
    await _note_invoice(session, board_id, invoice_id, paid_at=paid_at)
    board = await queries.boards.lock_board_if_known(session, board_id)
    if board is not None:
        await _follow_payment(session, board)


async def void_board_invoice(
    session: AsyncSession, board_id: UUID, invoice_id: UUID, voided_at: datetime, now: datetime
) -> None:
    """What it paid for, or was to pay for, waits for the board's next invoice; a payment told later changes nothing."""
    await queries.boards.lock_close_and_payment(session, board_id)
    await _note_invoice(session, board_id, invoice_id, voided_at=voided_at)
    await _wait_for_another(session, board_id, invoice_id, CLIENT_INVOICE_VOID, now)


async def reverse_board_payment(
    session: AsyncSession, board_id: UUID, invoice_id: UUID, reversed_at: datetime, now: datetime
) -> None:
    """Its client's money went back: what it paid for waits until it is told as paid again."""
    await queries.boards.lock_close_and_payment(session, board_id)
    await _note_invoice(session, board_id, invoice_id, reversed_at=reversed_at)
    is_of_before = (BoardPayment.invoice_id == invoice_id) & (BoardPayment.paid_at <= reversed_at)
    await session.execute(
        update(BoardPayment).where(is_of_before).values(paid_at=None).execution_options(synchronize_session=False)
    )
    await _wait_for_another(session, board_id, invoice_id, CLIENT_PAYMENT_REVERSED, now)


async def _wait_for_another(
    session: AsyncSession, board_id: UUID, invoice_id: UUID, reason_code: str, now: datetime
) -> None:
    """Unless it is paid by then: its word may be here before that of the reversal."""
    board = await queries.boards.lock_board_if_known(session, board_id)
    if board is None or await queries.boards.is_paid(session, invoice_id):
        return
    if board.invoice_id == invoice_id:
        board.invoice_id = board.paid_at = None
    for payout in await queries.payouts.lock_payouts_of_board(session, board_id):
        if payout.invoice_id == invoice_id:
            unpay(session, payout, reason_code, now)
    await _follow_payment(session, board)


async def _note_invoice(session: AsyncSession, board_id: UUID, invoice_id: UUID, **instant: datetime) -> None:
    """`paid_at`, `voided_at` or `reversed_at`; what was told first stays, and of reversals the last.

    A payment from before a reversal is none any more, however late its word comes.
    """
    (column,) = instant
    insertion = insert(BoardPayment).values(board_id=board_id, invoice_id=invoice_id, **instant)
    told = insertion.excluded[column]
    kept: ColumnElement[datetime | None] = func.coalesce(getattr(BoardPayment, column), told)
    if column == "paid_at":
        kept = case((BoardPayment.reversed_at > told, BoardPayment.paid_at), else_=kept)
    elif column == "reversed_at":
        kept = func.greatest(BoardPayment.reversed_at, told)
    await session.execute(insertion.on_conflict_do_update(index_elements=["invoice_id"], set_={column: kept}))


async def _follow_payment(session: AsyncSession, board: Board) -> None:
    """Whatever waits for the client goes on, where an invoice of the board is paid and stands."""
    payment = await queries.boards.standing_payment(session, board.id)
    if payment is None or payment.paid_at is None:
        return
    if board.invoice_id is None:
        board.invoice_id, board.paid_at = payment.invoice_id, payment.paid_at
    for payout in await queries.payouts.lock_payouts_of_board(session, board.id):
        if payout.invoice_id is None:
            pay_by(session, payout, payment.invoice_id, payment.paid_at)


async def _split(session: AsyncSession, board: Board, default_pool_basis_points: int) -> Split:
    rows = await queries.boards.participations_of(session, board.id)
    rules = [ParticipationRule(row.expert_id, row.kind, row.value) for row in rows]
    return split_pool(board.contracted_amount_cents, pool_cents_of(board, default_pool_basis_points), rules)


def pool_cents_of(board: Board, default_pool_basis_points: int) -> int:
    basis_points = default_pool_basis_points if board.pool_basis_points is None else board.pool_basis_points
    return pool_of(board.contracted_amount_cents, basis_points)


async def _allocate_or_hold(session: AsyncSession, board: Board, default_pool_basis_points: int, now: datetime) -> None:
    split = await _split(session, board, default_pool_basis_points)
    if split.held is None:
        await _allocate(session, board, split, now)
        return
    _hold(session, board, split.held, split.detail, now)


def _hold(session: AsyncSession, board: Board, reason: HeldReason, detail: str, now: datetime) -> None:
    board.held_reason, board.held_detail = reason, detail
    board.allocation_version += 1
    outbox.add(
        session,
        AllocationHeld(board_id=board.id, reason_code=reason, detail=detail, held_at=now),
        version=board.allocation_version,
    )


async def _allocate(session: AsyncSession, board: Board, split: Split, now: datetime) -> None:
    board.allocated_at, board.held_reason, board.held_detail = now, None, None
    # A percentage of a small amount can round to nothing: there is nothing to pay then.
    earned = [(expert_id, cents) for expert_id, cents in split.amounts_cents if cents > 0]
    payouts = [_payout(board, expert_id, cents, now) for expert_id, cents in earned]
    session.add_all(payouts)
    for payout in payouts:
        event = PayoutAllocated(
            payout_id=payout.id,
            expert_id=payout.expert_id,
            board_id=board.id,
            amount_cents=payout.amount_cents,
            currency="AUD",
            allocated_at=now,
        )
        outbox.add(session, event, version=payout.next_version())
    await session.flush()
    await _follow_payment(session, board)


def _payout(board: Board, expert_id: UUID, amount_cents: int, now: datetime) -> Payout:
    return Payout(
        id=new_id(),
        version=0,
        board_id=board.id,
        expert_id=expert_id,
        amount_cents=amount_cents,
        currency=board.currency,
        state=PayoutState.PENDING,
        state_since=now,
        created_at=now,
    )
