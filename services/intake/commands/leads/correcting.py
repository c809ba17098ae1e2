"""Correcting a lead: what was wrong is right from now on, here and with everyone who knows the lead."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from chassis.errors import FieldError
from chassis.ids import new_id
from contracts.forms import Fault
from contracts.intake import LeadCorrected
from contracts.values import AustralianState, Location
from services.intake import queries
from services.intake.commands.crediting import AskCredits, ask_credits
from services.intake.commands.crediting_later import AskCreditsLater, ask_what_is_missing
from services.intake.commands.judging_again import judge_again
from services.intake.commands.keys import sealed
from services.intake.commands.leads.creating import contact_of
from services.intake.commands.searching import index_leads
from services.intake.domain import LeadAction, check_postcode, email_match
from services.intake.domain.corrections import (
    Correctable,
    CorrectionReason,
    changes_between,
    corrected_by,
    credited_for,
)
from services.intake.errors import CreditNotPossible, LeadNotCorrectable, PlaceImpossible
from services.intake.models import Lead, LeadCorrection
from services.intake.queries.screening import hold_screening

FIELDS = tuple(part for field in Correctable for part in field.parts)


@dataclass(frozen=True, slots=True)
class CorrectLead:
    """`given` are fields of the lead in their normal form: what is as it was is no correction."""

    lead_id: UUID
    given: Mapping[str, str]
    reason: CorrectionReason
    note: str | None
    by: Actor
    now: datetime
    credits: tuple[UUID, ...] = ()
    """Assignments whose deliveries are to be credited for what was wrong."""


async def correct_lead(session: AsyncSession, command: CorrectLead) -> Lead:
    """Told to the others once they know the lead; one that is held yet is created for them as it is by then.

    Where nothing is other than it was, nothing happens; credits are asked for because of the correction that stands.
    """
    await hold_screening(session)
    lead = await queries.lead(session, command.lead_id, for_update=True)
    if obstacle := lead.obstacle_to(LeadAction.CORRECT):
        raise LeadNotCorrectable(f"{obstacle}, and is not corrected", lead_id=lead.id)
    changes = changes_between(said_by(lead), command.given)
    if not changes:
        await _ask_because_of_the_last(session, lead, command)
        return lead
    made = Made("correction", command.reason, command.note, command.by, command.now)
    correction = await make_right(session, lead, changes, made)
    await _ask(session, lead, correction, command)
    await _record(session, command, correction)
    return lead


def said_by(lead: Lead) -> dict[str, str]:
    """The fields that can be corrected, as they are."""
    return {name: str(getattr(lead, name)) for name in FIELDS}


@dataclass(frozen=True, slots=True)
class Made:
    """By what a field became another: a correction, a merge or an unmerge."""

    origin: str
    reason: str
    note: str | None
    by: Actor
    now: datetime


async def make_right(session: AsyncSession, lead: Lead, changes: Mapping[str, str], made: Made) -> LeadCorrection:
    """Kept with what it was before, told to the others where they know the lead, and found by from now on."""
    before = said_by(lead)
    _apply(lead, changes)
    correction = _correction(lead, before, changes, made)
    session.add(correction)
    await session.flush()
    await index_leads(session, [lead.id])
    await judge_again(session, lead, made.now)
    if correction.is_told:
        event = await _event(session, lead, correction)
        outbox.add(session, event, version=lead.next_version())
        await session.flush()
    return correction


def _apply(lead: Lead, changes: Mapping[str, str]) -> None:
    for name, value in changes.items():
        setattr(lead, name, AustralianState(value) if name == "state" else value)
    lead.email_match = email_match(lead.email)
    try:
        check_postcode(lead.postcode, lead.state)
    except Fault as fault:
        wrong = FieldError("postcode", fault.code, str(fault))
        raise PlaceImpossible("the place does not exist", errors=(wrong,), lead_id=lead.id) from None


def _correction(lead: Lead, before: Mapping[str, str], changes: Mapping[str, str], made: Made) -> LeadCorrection:
    return LeadCorrection(
        id=new_id(),
        lead_id=lead.id,
        origin=made.origin,
        fields=[field.value for field in corrected_by(changes)],
        before={name: before[name] for name in changes},
        after=dict(changes),
        reason_code=made.reason,
        note=made.note,
        made_by_id=made.by.id,
        made_by_name=made.by.name,
        made_at=made.now,
        is_told=lead.version > 0,
    )


async def _event(session: AsyncSession, lead: Lead, correction: LeadCorrection) -> LeadCorrected:
    """The person whole, where any part of it was wrong, and who is the same person now."""
    fields = [Correctable(field) for field in correction.fields]
    location = Location(suburb=lead.suburb, state=lead.state, postcode=lead.postcode)
    person, same_person = None, None
    if any(field.is_contact for field in fields):
        person = await sealed(session, lead.id, contact_of(lead), correction.made_at)
        same_person = tuple(await queries.same_person(session, lead.id))
    return LeadCorrected(
        lead_id=lead.id,
        correction_id=correction.id,
        fields=tuple(correction.fields),
        sealed_contact=person,
        same_person_lead_ids=same_person,
        service=lead.service if Correctable.SERVICE in fields else None,
        location=location if Correctable.PLACE in fields else None,
        corrected_at=correction.made_at,
    )


async def _ask(session: AsyncSession, lead: Lead, correction: LeadCorrection, command: CorrectLead) -> None:
    """A charged delivery may be credited for what was wrong, and for nothing else."""
    if not command.credits:
        return
    reason = credited_for([Correctable(field) for field in correction.fields])
    if reason is None:
        raise CreditNotPossible("nothing is credited for what was corrected", lead_id=lead.id)
    asked = dict.fromkeys(command.credits, reason)
    ask = AskCredits("correction", correction.id, asked, f"corrected: {command.reason}", command.by, command.now)
    await ask_credits(session, lead, ask)


async def _ask_because_of_the_last(session: AsyncSession, lead: Lead, command: CorrectLead) -> None:
    """It was put right before, and nothing asked for."""
    if command.credits:
        later = AskCreditsLater(lead.id, command.credits, command.note, command.by, command.now)
        await ask_what_is_missing(session, lead, later, command.reason)


async def _record(session: AsyncSession, command: CorrectLead, correction: LeadCorrection) -> None:
    """The values stand with the correction, where an erasure blanks them: the audit names the fields alone."""
    await audit.record(
        session,
        actor=command.by,
        action="correct_lead",
        subject=Subject("lead", command.lead_id),
        after={
            "fields": correction.fields,
            "correction_id": correction.id,
            **({"credits_asked": len(command.credits)} if command.credits else {}),
            "at": command.now,
        },
        reason_code=command.reason,
        reason_text=command.note,
    )
