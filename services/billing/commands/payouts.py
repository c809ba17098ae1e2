"""Experts' pay in the journal: what payouts tells us, so that one set of books holds all money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.commands.journal import post
from services.billing.domain.journal import LedgerAccount, Posting, PostingKind, transfer


class PayoutStep(Enum):
    """Kind of posting, debit, credit."""

    ALLOCATED = (PostingKind.PAYOUT_ALLOCATED, LedgerAccount.EXPERT_COST, LedgerAccount.EXPERT_PAYABLE)
    SENT = (PostingKind.PAYOUT_SENT, LedgerAccount.EXPERT_PAYABLE, LedgerAccount.STRIPE_CLEARING)
    REVERSED = (PostingKind.PAYOUT_REVERSED, LedgerAccount.STRIPE_CLEARING, LedgerAccount.EXPERT_PAYABLE)


@dataclass(frozen=True, slots=True)
class PayoutMoved:
    """`source_id` tells the fact from others of the same payout: a payout is reversed more than once."""

    step: PayoutStep
    source_id: UUID | str
    payout_id: UUID
    expert_id: UUID
    amount_cents: int
    occurred_at: datetime


async def post_payouts(session: AsyncSession, moves: Sequence[PayoutMoved], now: datetime) -> None:
    await post(session, [_posting(move) for move in moves], now)


def _posting(move: PayoutMoved) -> Posting:
    kind, debit, credit = move.step.value
    return Posting(
        source_key=f"{kind}:{move.source_id}",
        kind=kind,
        occurred_at=move.occurred_at,
        entries=transfer(debit, credit, move.amount_cents) if move.amount_cents else (),
        party_id=move.expert_id,
        payout_id=move.payout_id,
    )
