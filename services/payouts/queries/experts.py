"""Experts, and what Stripe said of their accounts."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.paging import PageRequest
from services.payouts.domain import PayoutState
from services.payouts.models import AccountNotice, Board, Expert, Payout


async def next_account_notice(session: AsyncSession) -> str | None:
    """The account to be asked about next: the one that was asked about longest ago, so that none holds up another."""
    found: str | None = await session.scalar(
        select(AccountNotice.stripe_account_id)
        .where(AccountNotice.settled_at.is_(None))
        .order_by(AccountNotice.asked_at.nulls_first(), AccountNotice.received_at)
        .limit(1)
    )
    return found


async def list_experts(session: AsyncSession, page: PageRequest) -> Sequence[Expert]:
    """Oldest first, one row more than the page holds."""
    query = page.apply(select(Expert), Expert.created_at, Expert.id, newest_first=False)
    return (await session.scalars(query)).all()


async def expert(session: AsyncSession, expert_id: UUID) -> Expert:
    return NotFound.unless(await session.get(Expert, expert_id), "no such expert", expert_id=expert_id)


async def lock_expert(session: AsyncSession, expert_id: UUID) -> Expert:
    return NotFound.unless(
        await session.get(Expert, expert_id, with_for_update=True, populate_existing=True),
        "no such expert",
        expert_id=expert_id,
    )


async def lock_expert_by_account(session: AsyncSession, stripe_account_id: str) -> Expert | None:
    found: Expert | None = await session.scalar(
        select(Expert)
        .where(Expert.stripe_account_id == stripe_account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


async def refuse_unknown_experts(session: AsyncSession, expert_ids: Iterable[UUID]) -> None:
    asked = set(expert_ids)
    known = set(await session.scalars(select(Expert.id).where(Expert.id.in_(asked))))
    if asked - known:
        raise NotFound("no such expert", expert_id=min(asked - known))


async def pay_of_expert(session: AsyncSession, expert_id: UUID) -> tuple[int, int]:
    """What they have had, less what was taken back, and what has not gone yet, in cents."""
    went = Payout.state.in_([state for state in PayoutState if state.was_sent])
    sent = func.sum(Payout.amount_cents - Payout.reversed_cents).filter(went)
    waits = func.sum(Payout.amount_cents).filter(~went)
    query = select(func.coalesce(sent, 0), func.coalesce(waits, 0)).where(Payout.expert_id == expert_id)
    row = (await session.execute(query)).one()
    return int(row[0]), int(row[1])


async def last_payouts_of_expert(session: AsyncSession, expert_id: UUID, limit: int) -> Sequence[tuple[Payout, Board]]:
    query = (
        select(Payout, Board)
        .join(Board, Board.id == Payout.board_id)
        .where(Payout.expert_id == expert_id)
        .order_by(Payout.created_at.desc(), Payout.id.desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def list_names(session: AsyncSession) -> Sequence[tuple[UUID, str, bool]]:
    """Id, name and whether active of every expert, by name."""
    found = await session.execute(select(Expert.id, Expert.name, Expert.is_active).order_by(Expert.name, Expert.id))
    return [(row[0], row[1], row[2]) for row in found]


async def names_of(session: AsyncSession, expert_ids: Iterable[UUID]) -> dict[UUID, str]:
    found = await session.execute(select(Expert.id, Expert.name).where(Expert.id.in_(set(expert_ids))))
    return {row[0]: row[1] for row in found}
