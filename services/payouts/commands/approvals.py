"""Approvals: a payout by hand takes two operators, the second within the time that the first one's asking stands."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.ids import new_id
from services.payouts import queries
from services.payouts.commands.payouts import checklist, refuse_obstacle
from services.payouts.domain import PayoutDeed, Standing
from services.payouts.errors import AwaitingApproval
from services.payouts.models import Approval, Expert, Payout


@dataclass(frozen=True, slots=True)
class Asking:
    """`valid` is how long it stands for a second operator."""

    payout_id: UUID
    valid: timedelta
    gnosis_safe_enabled: bool
    actor: Actor


async def ask_for_run(session: AsyncSession, asking: Asking, now: datetime) -> bool:
    """Whether another operator has asked for it in time, so that this one's asking approves it.

    If not, this one's asking is what stands. An approval is taken where the transfer begins, not here.
    """
    payout = await queries.payouts.lock_payout(session, asking.payout_id)
    expert = await session.get_one(Expert, payout.expert_id)
    standing = await queries.attempts.lock_open_approval(session, payout.id)
    is_fresh = standing is not None and standing.expires_at > now
    is_mine = standing is not None and is_fresh and standing.requested_by == asking.actor.id
    gates = checklist(payout, expert, asking.gnosis_safe_enabled)
    refuse_obstacle(payout, PayoutDeed.RUN, Standing(payout.state, gates, is_asked_by_me=is_mine))
    if is_fresh:
        return True
    if standing is not None:
        await session.delete(standing)
        await session.flush()
    session.add(_asked(asking, now))
    await _audit(session, "request_payout", payout.id, asking.actor)
    return False


async def take_approval(session: AsyncSession, payout: Payout, approver: Actor, now: datetime) -> None:
    """The payout is locked: of several who approve at once, one finds it ready."""
    standing = await queries.attempts.lock_open_approval(session, payout.id)
    if standing is None or standing.expires_at <= now:
        raise AwaitingApproval("nobody's asking stands any more: ask for it anew", payout_id=payout.id)
    if standing.requested_by == approver.id:
        refuse_obstacle(payout, PayoutDeed.RUN, Standing(payout.state, is_asked_by_me=True))
    standing.approved_by, standing.approved_at = approver.id, now
    await _audit(session, "approve_payout", payout.id, approver)


def _asked(asking: Asking, now: datetime) -> Approval:
    return Approval(
        id=new_id(),
        payout_id=asking.payout_id,
        requested_by=asking.actor.id,
        requested_at=now,
        expires_at=now + asking.valid,
    )


async def _audit(session: AsyncSession, action: str, payout_id: UUID, actor: Actor) -> None:
    await audit.record(session, actor=actor, action=action, subject=Subject("payout", payout_id))
