"""Experts: who is paid, and how."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.ids import new_id
from services.payouts.domain import PayoutMethod
from services.payouts.errors import ExpertEmailTaken
from services.payouts.models import Expert


@dataclass(frozen=True, slots=True)
class ExpertProfile:
    name: str
    email: str
    abn: str | None = None
    payout_method: PayoutMethod = PayoutMethod.STRIPE_CONNECT
    stripe_account_id: str | None = None
    is_active: bool = True


async def add_expert(session: AsyncSession, profile: ExpertProfile, now: datetime) -> Expert:
    await _refuse_taken(session, profile, None)
    expert = Expert(id=new_id(), created_at=now)
    _apply(expert, profile)
    session.add(expert)
    await session.flush()
    return expert


async def change_expert(session: AsyncSession, expert_id: UUID, profile: ExpertProfile) -> Expert:
    expert = await session.get(Expert, expert_id, with_for_update=True)
    if expert is None:
        raise NotFound("no such expert", expert_id=expert_id)
    await _refuse_taken(session, profile, expert_id)
    _apply(expert, profile)
    expert.next_version()
    await session.flush()
    return expert


async def _refuse_taken(session: AsyncSession, profile: ExpertProfile, own_id: UUID | None) -> None:
    same = or_(Expert.email == profile.email, Expert.stripe_account_id == profile.stripe_account_id)
    query = select(Expert.id).where(same)
    other = await session.scalar(query if own_id is None else query.where(Expert.id != own_id))
    if other is not None:
        raise ExpertEmailTaken("another expert has this e-mail or Stripe account", expert_id=other)


def _apply(expert: Expert, profile: ExpertProfile) -> None:
    expert.name = profile.name
    expert.email = profile.email
    expert.abn = profile.abn
    expert.payout_method = profile.payout_method
    expert.stripe_account_id = profile.stripe_account_id
    expert.is_active = profile.is_active
