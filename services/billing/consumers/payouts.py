"""What payouts says of what experts get: each step of it is a posting."""

from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts.envelope import Incoming
from contracts.payouts import PayoutAllocated, PayoutReversed, PayoutSent
from contracts.topics import PAYOUTS
from services.billing.commands.payouts import PayoutMoved, PayoutStep, post_payouts


async def on_allocated(session: AsyncSession, batch: list[Incoming[PayoutAllocated]], *, clock: Clock) -> None:
    moves = [_moved(PayoutStep.ALLOCATED, i.event, i.event.payout_id, i.event.allocated_at) for i in batch]
    await post_payouts(session, moves, clock.now())


async def on_sent(session: AsyncSession, batch: list[Incoming[PayoutSent]], *, clock: Clock) -> None:
    # By transfer: what moved at Stripe is the fact, and its id is Stripe's.
    moves = [_moved(PayoutStep.SENT, i.event, i.event.stripe_transfer_id, i.event.sent_at) for i in batch]
    await post_payouts(session, moves, clock.now())


async def on_reversed(session: AsyncSession, batch: list[Incoming[PayoutReversed]], *, clock: Clock) -> None:
    moves = [_moved(PayoutStep.REVERSED, i.event, i.event.stripe_reversal_id, i.event.reversed_at) for i in batch]
    await post_payouts(session, moves, clock.now())


def consumer(clock: Clock) -> Consumer:
    return Consumer(
        PAYOUTS,
        {
            PayoutAllocated: partial(on_allocated, clock=clock),
            PayoutSent: partial(on_sent, clock=clock),
            PayoutReversed: partial(on_reversed, clock=clock),
        },
    )


def _moved(
    step: PayoutStep,
    event: PayoutAllocated | PayoutSent | PayoutReversed,
    source_id: object,
    occurred_at: datetime,
) -> PayoutMoved:
    return PayoutMoved(step, str(source_id), event.payout_id, event.expert_id, event.amount_cents, occurred_at)
