"""What intake says of boards: a closed one is billed to its client."""

from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause
from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts.envelope import Incoming
from contracts.intake import BoardClosed
from contracts.topics import BOARDS
from services.billing.commands.client_invoices import ClosedBoard, draft_board_invoices
from services.billing.consumers.clients import account_of


async def on_closed(session: AsyncSession, batch: list[Incoming[BoardClosed]], *, clock: Clock) -> None:
    boards = [_board(incoming.event, Cause.of(incoming.envelope)) for incoming in batch]
    await draft_board_invoices(session, boards, clock.now())


def consumer(clock: Clock) -> Consumer:
    return Consumer(BOARDS, {BoardClosed: partial(on_closed, clock=clock)})


def _board(event: BoardClosed, cause: Cause) -> ClosedBoard:
    return ClosedBoard(
        board_id=event.board_id,
        title=event.title,
        client=account_of(event.client),
        amount_cents=event.contracted_amount_cents,
        purchase_order=event.purchase_order,
        cause=cause,
    )
