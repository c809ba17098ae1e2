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
from contracts.values import AustralianState, LeadContact, Location
from services.intake import queries
from services.intake.commands.keys import OnTheWire, told
from services.intake.commands.searching import index_leads
from services.intake.domain import LeadAction, check_postcode, email_match, obstacle_to_lead
from services.intake.domain.corrections import Correctable, CorrectionReason, changes_between, corrected_by
from services.intake.domain.wire import ContactForm
from services.intake.errors import LeadNotCorrectable, PlaceImpossible
from services.intake.models import Lead, LeadCorrection

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
    form: ContactForm = ContactForm.SEALED


async def correct_lead(session: AsyncSession, command: CorrectLead) -> Lead:
    """Told to the others once they know the lead; one that is held yet is created for them as it is by then.

    Where nothing is other than it was, nothing happens.
    """
    lead = await queries.lead(session, command.lead_id, for_update=True)
    if obstacle := obstacle_to_lead(LeadAction.CORRECT, lead.status, is_erased=lead.erased_at is not None):
        raise LeadNotCorrectable(f"{obstacle}, and is not corrected", lead_id=lead.id)
    before = {name: str(getattr(lead, name)) for name in FIELDS}
    changes = changes_between(before, command.given)
    if not changes:
        return lead
    _apply(lead, changes)
    correction = _correction(command, before, changes, is_told=lead.version > 0)
    session.add(correction)
    if correction.is_told:
        person = await _person(session, lead, correction, command.form)
        outbox.add(session, _event(lead, correction, person), version=lead.next_version())
    await session.flush()
    await index_leads(session, [lead.id])
    await _record(session, command, correction)
    return lead


def _apply(lead: Lead, changes: Mapping[str, str]) -> None:
    for name, value in changes.items():
        setattr(lead, name, AustralianState(value) if name == "state" else value)
    lead.email_match = email_match(lead.email)
    try:
        check_postcode(lead.postcode, lead.state)
    except Fault as fault:
        wrong = FieldError("postcode", fault.code, str(fault))
        raise PlaceImpossible("the place does not exist", errors=(wrong,), lead_id=lead.id) from None


def _correction(
    command: CorrectLead, before: Mapping[str, str], changes: Mapping[str, str], *, is_told: bool
) -> LeadCorrection:
    return LeadCorrection(
        id=new_id(),
        lead_id=command.lead_id,
        origin="correction",
        fields=[field.value for field in corrected_by(changes)],
        before={name: before[name] for name in changes},
        after=dict(changes),
        reason_code=command.reason,
        note=command.note,
        made_by_id=command.by.id,
        made_by_name=command.by.name,
        made_at=command.now,
        is_told=is_told,
    )


async def _person(session: AsyncSession, lead: Lead, correction: LeadCorrection, form: ContactForm) -> OnTheWire:
    """Whole, where any part of it was wrong."""
    if not any(Correctable(field).is_contact for field in correction.fields):
        return OnTheWire()
    return await told(session, lead.id, contact_of(lead), form, correction.made_at)


def _event(lead: Lead, correction: LeadCorrection, person: OnTheWire) -> LeadCorrected:
    fields = [Correctable(field) for field in correction.fields]
    location = Location(suburb=lead.suburb, state=lead.state, postcode=lead.postcode)
    return LeadCorrected(
        lead_id=lead.id,
        correction_id=correction.id,
        fields=tuple(correction.fields),
        contact=person.contact,
        sealed_contact=person.sealed_contact,
        service=lead.service if Correctable.SERVICE in fields else None,
        location=location if Correctable.PLACE in fields else None,
        corrected_at=correction.made_at,
    )


def contact_of(lead: Lead) -> LeadContact:
    return LeadContact(name=lead.name, email=lead.email, phone=lead.phone, street=lead.street)


async def _record(session: AsyncSession, command: CorrectLead, correction: LeadCorrection) -> None:
    """The values stand with the correction, where an erasure blanks them: the audit names the fields alone."""
    await audit.record(
        session,
        actor=command.by,
        action="correct_lead",
        subject=Subject("lead", command.lead_id),
        after={"fields": correction.fields, "correction_id": correction.id, "at": command.now},
        reason_code=command.reason,
        reason_text=command.note,
    )
