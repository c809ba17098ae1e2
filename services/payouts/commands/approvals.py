"""Approvals: a payout by hand takes two operators, the second within the time that the first one's asking stands."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.ids import new_id
from services.payouts import queries
from services.payouts.errors import AwaitingApproval, NotReady
from services.payouts.models import Approval, Payout


async def ask_for_run(session: AsyncSession, payout_id: UUID, actor: Actor, now: datetime, valid: timedelta) -> bool:
    """Whether another operator has asked for it in time, so that this one's asking approves it.

    If not, this one's asking is what stands. An approval is taken where the transfer begins, not here.
    """
    payout = await queries.payouts.lock_payout(session, payout_id)
    if not payout.state.may_be_sent:
        raise NotReady(f"it is {payout.state}", payout_id=payout_id)
    standing = await queries.attempts.lock_open_approval(session, payout_id)
    if standing is not None and standing.expires_at > now:
        _refuse_own(standing, actor)
        return True
    if standing is not None:
        await session.delete(standing)
        await session.flush()
    session.add(_asked(payout_id, actor, now, valid))
    await _audit(session, "request_payout", payout_id, actor)
    return False


async def take_approval(session: AsyncSession, payout: Payout, approver: Actor, now: datetime) -> None:
    """The payout is locked: of several who approve at once, one finds it ready."""
    standing = await queries.attempts.lock_open_approval(session, payout.id)
    if standing is None or standing.expires_at <= now:
        raise AwaitingApproval("nobody's asking stands any more: ask for it anew", payout_id=payout.id)
    _refuse_own(standing, approver)
    standing.approved_by, standing.approved_at = approver.id, now
    await _audit(session, "approve_payout", payout.id, approver)


def _refuse_own(standing: Approval, actor: Actor) -> None:
    if standing.requested_by == actor.id:
        raise AwaitingApproval("whoever asked for it cannot approve it", payout_id=standing.payout_id)


def _asked(payout_id: UUID, actor: Actor, now: datetime, valid: timedelta) -> Approval:
    return Approval(id=new_id(), payout_id=payout_id, requested_by=actor.id, requested_at=now, expires_at=now + valid)


async def _audit(session: AsyncSession, action: str, payout_id: UUID, actor: Actor) -> None:
    await audit.record(session, actor=actor, action=action, subject=Subject("payout", payout_id))
