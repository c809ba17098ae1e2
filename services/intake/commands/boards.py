"""Boards: opened for a client, closed once. The close is what invoices the client and pays the experts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from chassis.errors import FieldError
from chassis.ids import new_id
from contracts.intake import BoardClosed, BoardOpened
from contracts.values import Currency
from services.intake import queries
from services.intake.commands.clients import state_of
from services.intake.domain import BoardAction, BoardStatus, obstacle_to_board
from services.intake.errors import ClientUnknown
from services.intake.models import Board, Client


@dataclass(frozen=True, slots=True)
class OpenBoard:
    """`contracted_amount_cents` excludes GST."""

    client_id: UUID
    title: str
    contracted_amount_cents: int
    currency: Currency
    purchase_order: str | None
    by: Actor
    now: datetime


async def open_board(session: AsyncSession, command: OpenBoard) -> Board:
    client = await session.get(Client, command.client_id)
    if client is None:
        fault = FieldError("client_id", "client_unknown", "There is no such client")
        raise ClientUnknown("a board is opened for a client that is there", errors=(fault,))
    board = Board(
        id=new_id(),
        version=0,
        client_id=client.id,
        title=command.title,
        contracted_amount_cents=command.contracted_amount_cents,
        currency=command.currency,
        purchase_order=command.purchase_order,
        status=BoardStatus.OPEN,
        opened_at=command.now,
    )
    session.add(board)
    outbox.add(session, _opened(board), version=board.next_version())
    told = {"client_id": client.id, "title": board.title, "contracted_amount_cents": board.contracted_amount_cents}
    await audit.record(session, actor=command.by, action="open_board", subject=Subject("board", board.id), after=told)
    return board


def _opened(board: Board) -> BoardOpened:
    return BoardOpened(
        board_id=board.id,
        client_id=board.client_id,
        title=board.title,
        contracted_amount_cents=board.contracted_amount_cents,
        currency=board.currency,
        opened_at=board.opened_at,
    )


async def close_board(session: AsyncSession, board_id: UUID, by: Actor, now: datetime) -> Board:
    """Publishes the client as it is at this instant, with its version. Closed twice is closed once."""
    board = await queries.board(session, board_id, for_update=True)
    if obstacle_to_board(BoardAction.CLOSE, board.status):
        return board
    client = await queries.client(session, board.client_id)
    board.status, board.closed_at = BoardStatus.CLOSED, now
    outbox.add(session, _closed(board, client, now), version=board.next_version())
    before, after = {"status": BoardStatus.OPEN}, {"status": BoardStatus.CLOSED}
    subject = Subject("board", board.id)
    await audit.record(session, actor=by, action="close_board", subject=subject, before=before, after=after)
    return board


def _closed(board: Board, client: Client, now: datetime) -> BoardClosed:
    return BoardClosed(
        board_id=board.id,
        title=board.title,
        client=state_of(client),
        contracted_amount_cents=board.contracted_amount_cents,
        currency=board.currency,
        purchase_order=board.purchase_order,
        closed_at=now,
    )
