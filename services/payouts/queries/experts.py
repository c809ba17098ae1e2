"""Experts, and what Stripe said of their accounts."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.paging import PageRequest
from services.payouts.models import AccountNotice, Expert


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
