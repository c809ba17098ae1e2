"""What an operator does about a lead's escalations by hand: to snooze it, and to lift that it is critical."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from chassis.errors import FieldError
from contracts.intake import LeadAttentionChanged
from services.intake import queries
from services.intake.domain.escalation import AttentionDeed, obstacle_to_attention
from services.intake.errors import DueTimeOver, LeadOver, NotCritical
from services.intake.models import Lead


@dataclass(frozen=True, slots=True)
class SnoozeLead:
    lead_id: UUID
    until: datetime
    reason: str
    by: Actor
    now: datetime


async def snooze_lead(session: AsyncSession, command: SnoozeLead) -> Lead:
    """Nothing happens to it by itself until then, and from then on the clock starts anew."""
    lead = await queries.lead(session, command.lead_id, for_update=True)
    if lead.snoozed_until == command.until:
        return lead
    if obstacle := obstacle_to_attention(AttentionDeed.SNOOZE, lead.status, is_critical=lead.is_critical):
        raise LeadOver(f"{obstacle}: nothing happens to it by itself any more", lead_id=lead.id)
    if command.until <= command.now:
        fault = FieldError("until", "in_the_past", "The time has to come yet")
        raise DueTimeOver("the time is over already", errors=(fault,))
    before, lead.snoozed_until = lead.snoozed_until, command.until
    _tell(session, lead, command.now)
    await audit.record(
        session,
        actor=command.by,
        action="snooze_lead",
        subject=Subject("lead", lead.id),
        before={"snoozed_until_at": before},
        after={"snoozed_until_at": command.until, "at": command.now},
        reason_text=command.reason,
    )
    return lead


async def lift_critical(session: AsyncSession, lead_id: UUID, reason: str, by: Actor, now: datetime) -> Lead:
    lead = await queries.lead(session, lead_id, for_update=True)
    if obstacle := obstacle_to_attention(AttentionDeed.LIFT, lead.status, is_critical=lead.is_critical):
        raise NotCritical(f"{obstacle}: there is nothing to lift", lead_id=lead_id)
    before, lead.critical_since = lead.critical_since, None
    _tell(session, lead, now)
    await audit.record(
        session,
        actor=by,
        action="lift_critical",
        subject=Subject("lead", lead.id),
        before={"critical_since_at": before},
        after={"critical_since_at": None, "at": now},
        reason_text=reason,
    )
    return lead


def _tell(session: AsyncSession, lead: Lead, now: datetime) -> None:
    """Of what a policy does the same way, `lead.escalated` tells."""
    event = LeadAttentionChanged(
        lead_id=lead.id, critical_since=lead.critical_since, snoozed_until=lead.snoozed_until, changed_at=now
    )
    outbox.add(session, event, version=lead.next_deed())
