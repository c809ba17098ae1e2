"""What intake says of deeds with leads: a merge or a correction asks for credits."""

from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause
from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts.envelope import Incoming
from contracts.intake import LeadCreditsAsked
from contracts.routing import AssignmentReturned
from contracts.topics import LEAD_DEEDS
from contracts.values import CreditRequest
from services.billing.commands.adjustments import ApprovalRule
from services.billing.commands.credit_requests import AskedCredit, ask_for_credits


async def on_credits_asked(
    session: AsyncSession, batch: list[Incoming[LeadCreditsAsked]], *, rule: ApprovalRule, clock: Clock
) -> None:
    asked = [
        asked_credit(credit, incoming, incoming.event.deed, incoming.event.deed_id)
        for incoming in batch
        for credit in incoming.event.credits
    ]
    await ask_for_credits(session, asked, rule, clock.now())


def consumer(clock: Clock, rule: ApprovalRule) -> Consumer:
    return Consumer(LEAD_DEEDS, {LeadCreditsAsked: partial(on_credits_asked, rule=rule, clock=clock)})


def asked_credit(
    credit: CreditRequest, incoming: Incoming[LeadCreditsAsked] | Incoming[AssignmentReturned], deed: str, deed_id: UUID
) -> AskedCredit:
    return AskedCredit(
        request_id=credit.request_id,
        assignment_id=credit.assignment_id,
        lead_id=incoming.event.lead_id,
        installer_id=credit.installer_id,
        reason_code=credit.reason_code,
        note=credit.note,
        deed=deed,
        deed_id=deed_id,
        asked_by_id=credit.asked_by_id,
        asked_by_name=credit.asked_by_name,
        is_proposal=credit.is_proposal,
        cause=Cause.of(incoming.envelope),
    )
