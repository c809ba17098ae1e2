"""Credits that are only proposed: finance agrees, and the request goes on as any other, or declines with a note."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.commands.adjusting import Decider
from services.billing.commands.adjustments import ApprovalRule
from services.billing.commands.credit_answers import Answer, give
from services.billing.commands.credit_requests import lock_around, settle, wait_for_who_records
from services.billing.domain.credit_requests import CreditResult, ProposalAction, ProposalObstacle, Why, obstacle_to
from services.billing.errors import ProposalDecided, ProposalNotReady
from services.billing.models import CreditRequest
from services.billing.queries import credit_requests

_NOT_READY = {ProposalObstacle.UNKNOWN_DELIVERY, ProposalObstacle.NO_PRICE, ProposalObstacle.UNDER_WAY}


async def agree_to_credit(
    session: AsyncSession, request_id: UUID, by: Decider, rule: ApprovalRule, now: datetime
) -> CreditRequest:
    """Whoever agrees is the credit's maker: over the limit it then waits for somebody else."""
    request = await _lock(session, request_id)
    if await _is_done(session, request, ProposalAction.AGREE, ProposalObstacle.AGREED):
        return request
    _decide(request, by, now)
    await session.flush()
    await settle(session, [request.assignment_id], rule, now)
    return request


async def decline_credit(
    session: AsyncSession, request_id: UUID, by: Decider, note: str, now: datetime
) -> CreditRequest:
    """The note stands with the proposal: what is typed may name a person, and goes by no topic."""
    request = await _lock(session, request_id)
    if await _is_done(session, request, ProposalAction.DECLINE, ProposalObstacle.DECLINED):
        return request
    _decide(request, by, now)
    request.decline_note = note
    await give(session, [Answer(request, CreditResult.DECLINED, Why.DECLINED, invoice_id=request.invoice_id)], now)
    return request


async def _lock(session: AsyncSession, request_id: UUID) -> CreditRequest:
    """In the order of all who settle credits."""
    await wait_for_who_records(session)
    request = await credit_requests.find(session, request_id)
    await lock_around(session, [request.assignment_id])
    await credit_requests.lock_standings(session, [request.assignment_id])
    await session.refresh(request, with_for_update=True)
    return request


async def _is_done(
    session: AsyncSession, request: CreditRequest, action: ProposalAction, done: ProposalObstacle
) -> bool:
    obstacle = obstacle_to(action, await credit_requests.proposal_of(session, request))
    if obstacle is None or obstacle is done:
        return obstacle is done
    refusal = ProposalNotReady if obstacle in _NOT_READY else ProposalDecided
    raise refusal(obstacle, request_id=request.request_id)


def _decide(request: CreditRequest, by: Decider, now: datetime) -> None:
    request.decided_by_id, request.decided_by_name, request.decided_at = by.id, by.name, now
