"""Experts: who is paid, and how."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.ids import new_id
from services.payouts.domain import HOLDING_REFUSALS, PayoutMethod, PayoutState
from services.payouts.errors import ExpertEmailTaken
from services.payouts.models import AccountNotice, Expert, Payout
from services.payouts.stripe_gateway import Notice, Payability


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


async def note_account(session: AsyncSession, notice: Notice, now: datetime) -> None:
    """Keeps an authentic webhook once, however often it comes."""
    row = {
        "event_id": notice.event_id,
        "stripe_account_id": notice.stripe_account_id,
        "event_type": notice.event_type,
        "received_at": now,
    }
    await session.execute(insert(AccountNotice).values(row).on_conflict_do_nothing())


async def settle_account(session: AsyncSession, account_id: str, payability: Payability, now: datetime) -> None:
    """What Stripe says of an account now. Payouts that it had held up go on with the next sweep."""
    expert = await session.scalar(select(Expert).where(Expert.stripe_account_id == account_id).with_for_update())
    if expert is not None:
        expert.can_be_paid, expert.cannot_be_paid_reason = payability.can_be_paid, payability.reason
        expert.payability_checked_at = now
        if payability.can_be_paid:
            await _release_held_up(session, expert.id, now)
    await session.execute(
        update(AccountNotice)
        .where(AccountNotice.stripe_account_id == account_id, AccountNotice.settled_at.is_(None))
        .where(AccountNotice.received_at <= now)
        .values(settled_at=now)
    )


async def _release_held_up(session: AsyncSession, expert_id: UUID, now: datetime) -> None:
    held = await session.scalars(
        select(Payout)
        .where(Payout.expert_id == expert_id, Payout.state == PayoutState.ON_HOLD)
        .where(Payout.reason_code.in_(HOLDING_REFUSALS))
        .order_by(Payout.id)
        .with_for_update()
    )
    for payout in held:
        payout.state, payout.state_since, payout.reason_code = PayoutState.READY, now, None


def _apply(expert: Expert, profile: ExpertProfile) -> None:
    expert.name = profile.name
    expert.email = profile.email
    expert.abn = profile.abn
    expert.payout_method = profile.payout_method
    expert.stripe_account_id = profile.stripe_account_id
    expert.is_active = profile.is_active
