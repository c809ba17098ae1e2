"""Closing a lead, which ends its dispatch too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from chassis.causation import Cause
from chassis.ids import new_id
from contracts.intake import LeadClosed
from services.intake import queries
from services.intake.domain import (
    CloseReason,
    LeadAction,
    LeadStatus,
)
from services.intake.errors import LeadNotClosable, LeadNotFound
from services.intake.models import Lead, LeadStatusChange


@dataclass(frozen=True, slots=True)
class CloseLead:
    lead_id: UUID
    reason: CloseReason
    note: str | None
    by: Actor
    now: datetime


async def close_lead(session: AsyncSession, command: CloseLead) -> Lead:
    """Ends a lead's way; what is already with an installer stays there. Closed twice is closed once."""
    lead = await queries.lead(session, command.lead_id, for_update=True)
    if lead.status is LeadStatus.CLOSED:
        return lead
    if obstacle := lead.obstacle_to(LeadAction.CLOSE):
        raise LeadNotClosable(f"{obstacle}, and is not closed", lead_id=lead.id)
    await _close(session, lead, command)
    return lead


async def close_rejected(
    session: AsyncSession, commands: Sequence[CloseLead], causes: Mapping[UUID, Cause] | None = None
) -> None:
    """Leads that dispatch gives to nobody, as an operator found there. What has ended meanwhile stays as it ended."""
    leads = {lead.id: lead for lead in await queries.leads_for_update(session, {each.lead_id for each in commands})}
    for command in commands:
        lead = LeadNotFound.unless(leads.get(command.lead_id), "there is no such lead", lead_id=command.lead_id)
        if lead.obstacle_to(LeadAction.CLOSE) is None:
            await _close(session, lead, command, (causes or {}).get(lead.id))


async def _close(session: AsyncSession, lead: Lead, command: CloseLead, cause: Cause | None = None) -> None:
    before = lead.status
    lead.status, lead.status_since, lead.close_reason = LeadStatus.CLOSED, command.now, command.reason
    lead.exception_reason = None
    session.add(_closing(command, before))
    event = LeadClosed(lead_id=lead.id, reason_code=command.reason, closed_at=command.now)
    outbox.add(session, event, version=lead.next_version(), cause=cause)
    await audit.record(
        session,
        actor=command.by,
        action="close_lead",
        subject=Subject("lead", lead.id),
        before={"status": before},
        after={"status": lead.status},
        reason_code=command.reason,
        reason_text=command.note,
    )


def _closing(command: CloseLead, before: LeadStatus) -> LeadStatusChange:
    return LeadStatusChange(
        id=new_id(),
        lead_id=command.lead_id,
        from_status=before,
        to_status=LeadStatus.CLOSED,
        changed_at=command.now,
        reason_code=command.reason,
        actor_name=command.by.name,
    )
