"""What an operator says of a lead that may double another: that they are two, or that it goes nowhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from chassis.ids import new_id
from services.intake import queries
from services.intake.commands.keys import sealed
from services.intake.commands.leads.creating import cause_of, contact_of, created, rejected
from services.intake.domain import LeadAction, LeadStatus
from services.intake.domain.duplicates import DismissReason, PairState, RejectReason
from services.intake.errors import LeadNotHeld, PairDecided, PairNotFound
from services.intake.models import Lead, LeadPair, LeadStatusChange
from services.intake.queries.pairs import lock_who_go_on


@dataclass(frozen=True, slots=True)
class ReleaseLead:
    lead_id: UUID
    reason: DismissReason
    note: str | None
    by: Actor
    now: datetime


async def release_lead(session: AsyncSession, command: ReleaseLead) -> Lead:
    """It is no other's double: dispatch gets it. Released twice is released once."""
    lead = await queries.lead(session, command.lead_id, for_update=True)
    if lead.status is LeadStatus.ROUTABLE and await queries.was_held(session, lead.id):
        return lead
    if obstacle := lead.obstacle_to(LeadAction.RELEASE):
        raise LeadNotHeld(f"{obstacle}, and is not released", lead_id=lead.id)
    holding = await queries.holding_pairs(session, [lead.id])
    _dismiss(holding, command.reason, command.note, command.by, command.now)
    await let_go(session, lead, command.by, command.now)
    await audit.record(
        session,
        actor=command.by,
        action="release_lead",
        subject=Subject("lead", lead.id),
        before={"status": LeadStatus.DUPLICATE_REVIEW},
        after={"status": lead.status, "not_the_same_as": [pair.other_id for pair in holding], "at": command.now},
        reason_code=command.reason,
        reason_text=command.note,
    )
    return lead


async def let_go(session: AsyncSession, lead: Lead, by: Actor, now: datetime) -> None:
    """The others hear of it for the first time. Its row is locked."""
    lead.status, lead.status_since = LeadStatus.ROUTABLE, now
    session.add(step(lead, LeadStatus.DUPLICATE_REVIEW, by, now))
    person = await sealed(session, lead.id, contact_of(lead), now)
    event = created(lead, person, await queries.same_person(session, lead.id))
    outbox.add(session, event, version=lead.next_version(), cause=cause_of(lead))


def step(lead: Lead, before: LeadStatus, by: Actor, now: datetime, reason_code: str | None = None) -> LeadStatusChange:
    """To what the lead is now."""
    return LeadStatusChange(
        id=new_id(),
        lead_id=lead.id,
        from_status=before,
        to_status=lead.status,
        changed_at=now,
        reason_code=reason_code,
        actor_name=by.name,
    )


def _dismiss(pairs: Sequence[LeadPair], reason: DismissReason, note: str | None, by: Actor, now: datetime) -> None:
    for pair in pairs:
        pair.state, pair.decided_at, pair.decided_by = PairState.DISMISSED, now, by.name
        pair.reason_code, pair.note = reason, note


@dataclass(frozen=True, slots=True)
class DismissPair:
    """Whichever of the two is named first."""

    lead_id: UUID
    other_id: UUID
    reason: DismissReason
    note: str | None
    by: Actor
    now: datetime


async def dismiss_pair(session: AsyncSession, command: DismissPair) -> LeadPair:
    """The two are not one, nor is what was merged into either. What no other pair holds any more goes on its way.

    Dismissed twice is dismissed once.
    """
    named = (command.lead_id, command.other_id)
    await _between(session, *named)
    leads = {lead.id: lead for lead in (await lock_who_go_on(session, *named)).values()}
    # Read again under the locks: somebody else may just have decided them.
    found, *others = await _between(session, *named, for_update=True)
    open_pairs = [pair for pair in (found, *others) if pair.state is PairState.OPEN]
    if not open_pairs:
        if found.state is PairState.MERGED:
            raise PairDecided(f"{found.decided_by} merged them", lead_id=found.lead_id, other_id=found.other_id)
        return found
    _dismiss(open_pairs, command.reason, command.note, command.by, command.now)
    await session.flush()
    newer = max(leads.values(), key=lambda lead: lead.id)
    for lead in leads.values():
        is_let_go = lead.status is LeadStatus.DUPLICATE_REVIEW and not await queries.holding_pairs(session, [lead.id])
        if is_let_go:
            await let_go(session, lead, command.by, command.now)
        if is_let_go or lead is newer:
            await _record_dismissal(session, lead, open_pairs, command, is_let_go=is_let_go)
    return found


async def _between(
    session: AsyncSession, lead_id: UUID, other_id: UUID, *, for_update: bool = False
) -> Sequence[LeadPair]:
    found = await queries.pairs_between(session, lead_id, other_id, for_update=for_update)
    return PairNotFound.unless(found or None, "no such pair", lead_id=lead_id, other_id=other_id)


async def _record_dismissal(
    session: AsyncSession, lead: Lead, pairs: Sequence[LeadPair], command: DismissPair, *, is_let_go: bool
) -> None:
    before = {"status": LeadStatus.DUPLICATE_REVIEW} if is_let_go else {}
    after = {"status": lead.status} if is_let_go else {}
    family = set(await queries.family_of(session, lead.id))
    others = {id_ for pair in pairs for id_ in (pair.lead_id, pair.other_id)} - family
    await audit.record(
        session,
        actor=command.by,
        action="dismiss_pair",
        subject=Subject("lead", lead.id),
        before={"pair": PairState.OPEN, **before},
        after={"pair": PairState.DISMISSED, "not_the_same_as": sorted(others), **after, "at": command.now},
        reason_code=command.reason,
        reason_text=command.note,
    )


@dataclass(frozen=True, slots=True)
class RejectLead:
    lead_id: UUID
    reason: RejectReason
    note: str | None
    by: Actor
    now: datetime


async def reject_lead(session: AsyncSession, command: RejectLead) -> Lead:
    """It goes nowhere, and its source is told so. Rejected twice is rejected once, for the first reason."""
    lead = await queries.lead(session, command.lead_id, for_update=True)
    if lead.status is LeadStatus.REJECTED:
        return lead
    if obstacle := lead.obstacle_to(LeadAction.REJECT):
        raise LeadNotHeld(f"{obstacle}, and is not rejected", lead_id=lead.id)
    lead.status, lead.status_since, lead.reject_reason = LeadStatus.REJECTED, command.now, command.reason
    session.add(step(lead, LeadStatus.DUPLICATE_REVIEW, command.by, command.now, command.reason))
    event = rejected(lead.id, command.reason, command.now)
    outbox.add(session, event, version=lead.next_version(), cause=cause_of(lead))
    await audit.record(
        session,
        actor=command.by,
        action="reject_lead",
        subject=Subject("lead", lead.id),
        before={"status": LeadStatus.DUPLICATE_REVIEW},
        after={"status": lead.status, "at": command.now},
        reason_code=command.reason,
        reason_text=command.note,
    )
    return lead
