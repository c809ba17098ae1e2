"""Kafka in: boards from intake; from billing invoices that are paid, paid no more, or void."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause, caused_by
from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts import topics
from contracts.billing import InvoicePaid, InvoiceVoided
from contracts.envelope import Incoming
from contracts.intake import BoardClosed, BoardOpened
from contracts.settlement import InvoiceCreditUnapplied, InvoicePaymentReversed
from contracts.values import InvoiceKind
from services.payouts import queries
from services.payouts.commands import boards as commands
from services.payouts.commands.boards import BoardFacts
from services.payouts.settings import Settings

InvoiceEvent = TypeVar("InvoiceEvent", InvoicePaid, InvoicePaymentReversed, InvoiceVoided)


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
    for board_id, incoming in _of_boards(batch):
        with caused_by(Cause.of(incoming.envelope)):
            await commands.mark_board_paid(session, board_id, incoming.event.invoice_id, incoming.event.paid_at)


def consumers(settings: Settings, clock: Clock) -> tuple[Consumer, ...]:
    async def on_board_closed(session: AsyncSession, batch: list[Incoming[BoardClosed]]) -> None:
        for incoming in sorted(batch, key=lambda i: str(i.event.board_id)):
            with caused_by(Cause.of(incoming.envelope)):
                await commands.close_board(session, _facts(incoming), settings.expert_pool_basis_points, clock.now())

    async def on_invoice_voided(session: AsyncSession, batch: list[Incoming[InvoiceVoided]]) -> None:
        for board_id, incoming in _of_boards(batch):
            event = incoming.event
            with caused_by(Cause.of(incoming.envelope)):
                await commands.void_board_invoice(session, board_id, event.invoice_id, event.voided_at, clock.now())

    async def on_payment_reversed(session: AsyncSession, batch: list[Incoming[InvoicePaymentReversed]]) -> None:
        for board_id, incoming in _of_boards([incoming for incoming in batch if incoming.event.was_paid]):
            event = incoming.event
            with caused_by(Cause.of(incoming.envelope)):
                await commands.reverse_board_payment(
                    session, board_id, event.invoice_id, event.reversed_at, clock.now()
                )

    async def on_credit_unapplied(session: AsyncSession, batch: list[Incoming[InvoiceCreditUnapplied]]) -> None:
        """It names no board: that was told with the invoice's payment, without which nothing waits on it."""
        boards = [(await queries.boards.board_of(session, i.event.invoice_id), i) for i in batch]
        known = [(board_id, incoming) for board_id, incoming in boards if board_id is not None]
        for board_id, incoming in sorted(known, key=lambda pair: pair[0]):
            event = incoming.event
            with caused_by(Cause.of(incoming.envelope)):
                await commands.reverse_board_payment(
                    session, board_id, event.invoice_id, event.unapplied_at, clock.now()
                )

    return (
        Consumer(topics.BOARDS, {BoardOpened: on_board_opened, BoardClosed: on_board_closed}),
        Consumer(
            topics.INVOICES,
            {
                InvoicePaid: on_invoice_paid,
                InvoicePaymentReversed: on_payment_reversed,
                InvoiceCreditUnapplied: on_credit_unapplied,
                InvoiceVoided: on_invoice_voided,
            },
        ),
    )


def _of_boards(batch: Sequence[Incoming[InvoiceEvent]]) -> list[tuple[UUID, Incoming[InvoiceEvent]]]:
    """Only clients' invoices have a board. Sorted, so that two batches lock boards in one order."""
    ours = [(i.event.board_id, i) for i in batch if i.event.kind is InvoiceKind.CLIENT]
    return sorted(((board_id, i) for board_id, i in ours if board_id is not None), key=lambda pair: pair[0])


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
