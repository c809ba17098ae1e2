"""Who looks after a lead: to assign, to hand over with a note, to unassign."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from contracts.intake import LeadOwnerChanged
from services.intake import queries
from services.intake.domain import OwnerDeed, obstacle_to_owning
from services.intake.errors import LeadNotOwnable, NoteNeeded
from services.intake.models import Lead

NEEDS_NOTE = "a hand-over needs a note for who gets it"
AUDITED = {
    OwnerDeed.ASSIGN: "assign_lead",
    OwnerDeed.HAND_OVER: "hand_over_lead",
    OwnerDeed.UNASSIGN: "unassign_lead",
}


@dataclass(frozen=True, slots=True)
class AssignOwner:
    """`to` is an operator whom identity told of, or whoever asks: their token tells of them."""

    lead_id: UUID
    to: UUID
    note: str | None
    by: Actor
    now: datetime


async def assign_owner(session: AsyncSession, command: AssignOwner) -> Lead:
    """What somebody has is handed over, with a note. Assigned twice to one operator is assigned once."""
    lead = await queries.lead(session, command.lead_id, for_update=True)
    if lead.owner_id == command.to:
        return lead
    deed = OwnerDeed.HAND_OVER if lead.owner_id else OwnerDeed.ASSIGN
    _refuse(deed, lead)
    if deed is OwnerDeed.HAND_OVER and not command.note:
        raise NoteNeeded(f"{lead.owner_name} has it: {NEEDS_NOTE}", lead_id=lead.id)
    owner = await queries.owner_for(session, command.to, command.by)
    await change(session, lead, deed, owner, command.by, command.now, note=command.note)
    return lead


@dataclass(frozen=True, slots=True)
class UnassignOwner:
    lead_id: UUID
    note: str | None
    by: Actor
    now: datetime


async def unassign_owner(session: AsyncSession, command: UnassignOwner) -> Lead:
    """Nobody's lead stays nobody's."""
    lead = await queries.lead(session, command.lead_id, for_update=True)
    if lead.owner_id is None:
        return lead
    _refuse(OwnerDeed.UNASSIGN, lead)
    await change(session, lead, OwnerDeed.UNASSIGN, None, command.by, command.now, note=command.note)
    return lead


def _refuse(deed: OwnerDeed, lead: Lead) -> None:
    if obstacle := obstacle_to_owning(deed, lead.status, is_owned=lead.owner_id is not None):
        raise LeadNotOwnable(f"{obstacle}, and keeps its owner", lead_id=lead.id)


async def change(
    session: AsyncSession,
    lead: Lead,
    deed: OwnerDeed,
    owner: queries.Owner | None,
    by: Actor,
    now: datetime,
    *,
    note: str | None = None,
    reason: str | None = None,
) -> None:
    """Who has it, told and on record; `reason` is a word of ours, `note` the operator's own."""
    before = lead.owner_name
    lead.owner_id, lead.owner_name = (owner.id, owner.name) if owner else (None, None)
    lead.owner_since = now if owner else None
    event = LeadOwnerChanged(lead_id=lead.id, owner_id=lead.owner_id, owner_name=lead.owner_name, changed_at=now)
    outbox.add(session, event, version=lead.next_deed())
    await audit.record(
        session,
        actor=by,
        action=AUDITED[deed],
        subject=Subject("lead", lead.id),
        before={"owner": before},
        after={"owner": lead.owner_name, "at": now},
        reason_code=reason,
        reason_text=note,
    )
