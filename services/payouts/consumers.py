"""Kafka in: boards from intake, paid invoices from billing."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause, caused_by
from chassis.clock import Clock
from chassis.runtime import Consumer
from contracts import topics
from contracts.billing import InvoicePaid
from contracts.envelope import Incoming
from contracts.intake import BoardClosed, BoardOpened
from contracts.values import InvoiceKind
from services.payouts.commands import boards as commands
from services.payouts.commands.boards import BoardFacts
from services.payouts.settings import Settings


async def on_board_opened(session: AsyncSession, batch: list[Incoming[BoardOpened]]) -> None:
    for incoming in batch:
        event = incoming.event
        await commands.note_board(
            session,
            BoardFacts(
                board_id=event.board_id,
                client_id=event.client_id,
                title=event.title,
                contracted_amount_cents=event.contracted_amount_cents,
                currency=event.currency,
                board_version=incoming.envelope.aggregate_version,
            ),
        )


async def on_invoice_paid(session: AsyncSession, batch: list[Incoming[InvoicePaid]]) -> None:
    """Only clients' invoices have a board. Sorted, so that two batches lock boards in one order."""
    paid = [i for i in batch if i.event.kind is InvoiceKind.CLIENT and i.event.board_id is not None]
    for incoming in sorted(paid, key=lambda i: str(i.event.board_id)):
        event = incoming.event
        if event.board_id is not None:
            with caused_by(Cause.of(incoming.envelope)):
                await commands.mark_board_paid(session, event.board_id, event.invoice_id, event.paid_at)


def consumers(settings: Settings, clock: Clock) -> tuple[Consumer, ...]:
    async def on_board_closed(session: AsyncSession, batch: list[Incoming[BoardClosed]]) -> None:
        for incoming in sorted(batch, key=lambda i: str(i.event.board_id)):
            with caused_by(Cause.of(incoming.envelope)):
                await commands.close_board(session, _facts(incoming), settings.expert_pool_basis_points, clock.now())

    return (
        Consumer(topics.BOARDS, {BoardOpened: on_board_opened, BoardClosed: on_board_closed}),
        Consumer(topics.INVOICES, {InvoicePaid: on_invoice_paid}),
    )


def _facts(incoming: Incoming[BoardClosed]) -> BoardFacts:
    event = incoming.event
    return BoardFacts(
        board_id=event.board_id,
        client_id=event.client.client_id,
        title=event.title,
        contracted_amount_cents=event.contracted_amount_cents,
        currency=event.currency,
        board_version=incoming.envelope.aggregate_version,
        closed_at=event.closed_at,
    )
