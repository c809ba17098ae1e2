"""Experts: who is paid, and how."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.constraints import flush_or_refuse
from chassis.errors import Refusal
from chassis.ids import new_id
from services.payouts import queries
from services.payouts.commands.payouts import let_wait
from services.payouts.domain import HOLDING_REFUSALS, PayoutMethod, ReceivedEvent
from services.payouts.errors import ExpertEmailTaken, StripeAccountTaken, VersionConflict
from services.payouts.models import AccountNotice, Expert
from services.payouts.stripe_gateway import Payability


@dataclass(frozen=True, slots=True)
class ExpertProfile:
    name: str
    email: str
    abn: str | None = None
    payout_method: PayoutMethod = PayoutMethod.STRIPE_CONNECT
    stripe_account_id: str | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class ExpertChange:
    """The whole profile anew, instead of what `version` is of."""

    expert_id: UUID
    version: int
    profile: ExpertProfile


async def add_expert(session: AsyncSession, profile: ExpertProfile, now: datetime) -> Expert:
    expert = Expert(id=new_id(), version=0, created_at=now)
    _apply(expert, profile)
    session.add(expert)
    await flush_or_refuse(session, _taken())
    return expert


async def change_expert(session: AsyncSession, change: ExpertChange, actor: Actor) -> Expert:
    """By the version that was seen: of two who change where the money goes, the second is told."""
    expert = await queries.experts.lock_expert(session, change.expert_id)
    if expert.version != change.version:
        raise VersionConflict(f"it is at version {expert.version}", expert_id=expert.id, version=expert.version)
    before = asdict(_profile(expert))
    if expert.stripe_account_id != change.profile.stripe_account_id:
        # What Stripe said was of the other account.
        expert.can_be_paid = expert.cannot_be_paid_reason = expert.payability_checked_at = None
    _apply(expert, change.profile)
    expert.next_version()
    await flush_or_refuse(session, _taken())
    await audit.record(
        session,
        actor=actor,
        action="change_expert",
        subject=Subject("expert", expert.id),
        before=before,
        after=asdict(change.profile),
    )
    return expert


async def note_account(session: AsyncSession, event: ReceivedEvent, now: datetime) -> None:
    """Keeps an authentic webhook about an account once, however often it comes."""
    if event.stripe_account_id is None:
        return
    row = {
        "event_id": event.event_id,
        "stripe_account_id": event.stripe_account_id,
        "event_type": event.type,
        "received_at": now,
    }
    await session.execute(insert(AccountNotice).values(row).on_conflict_do_nothing())


async def take_account_notice(session: AsyncSession, machine_now: datetime) -> str | None:
    """The account to ask Stripe about next."""
    account_id = await queries.experts.next_account_notice(session)
    if account_id is not None:
        await session.execute(
            update(AccountNotice)
            .where(AccountNotice.stripe_account_id == account_id, AccountNotice.settled_at.is_(None))
            .values(asked_at=machine_now)
        )
    return account_id


async def settle_account(session: AsyncSession, account_id: str, payability: Payability, now: datetime) -> None:
    """What Stripe says of an account now. Payouts that it had held up go on with the next sweep."""
    expert = await queries.experts.lock_expert_by_account(session, account_id)
    if expert is not None:
        expert.can_be_paid, expert.cannot_be_paid_reason = payability.can_be_paid, payability.reason
        expert.payability_checked_at = now
        if payability.can_be_paid:
            for payout in await queries.payouts.lock_held_of_expert(session, expert.id, HOLDING_REFUSALS):
                let_wait(payout, now)
    await session.execute(
        update(AccountNotice)
        .where(AccountNotice.stripe_account_id == account_id, AccountNotice.settled_at.is_(None))
        .where(AccountNotice.received_at <= now)
        .values(settled_at=now)
    )


def _taken() -> Mapping[str, Refusal]:
    return {
        "uq_experts_email": ExpertEmailTaken("choose another e-mail, or change that expert"),
        "uq_experts_stripe_account_id": StripeAccountTaken("each expert has an account of their own"),
    }


def _profile(expert: Expert) -> ExpertProfile:
    return ExpertProfile(
        name=expert.name,
        email=expert.email,
        abn=expert.abn,
        payout_method=expert.payout_method,
        stripe_account_id=expert.stripe_account_id,
        is_active=expert.is_active,
    )


def _apply(expert: Expert, profile: ExpertProfile) -> None:
    expert.name = profile.name
    expert.email = profile.email
    expert.abn = profile.abn
    expert.payout_method = profile.payout_method
    expert.stripe_account_id = profile.stripe_account_id
    expert.is_active = profile.is_active
