"""The weekly sweep's own record: what it sent, and what it left."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.payouts import queries
from services.payouts.models import Payout, Sweep


async def open_sweep(session: AsyncSession, due_at: datetime, now: datetime) -> None:
    """Run again, it is the same one."""
    await session.execute(insert(Sweep).values(due_at=due_at, started_at=now).on_conflict_do_nothing())


async def note_sweep(
    session: AsyncSession, due_at: datetime, sent: Sequence[Payout], finished_at: datetime | None
) -> None:
    """Adds what this run sent; what is still ready was left for want of balance, or could not be asked about."""
    left_count, left_cents = await queries.payouts.ready_figures(session)
    await session.execute(
        update(Sweep)
        .where(Sweep.due_at == due_at)
        .values(
            finished_at=finished_at,
            sent_count=Sweep.sent_count + len(sent),
            sent_cents=Sweep.sent_cents + sum(payout.amount_cents for payout in sent),
            left_count=left_count,
            left_cents=left_cents,
        )
    )
