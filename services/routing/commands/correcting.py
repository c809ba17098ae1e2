"""Leads that were corrected at their intake: dispatch goes by what is right, and who has the lead is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.causation import Cause
from contracts import values
from contracts.routing import AssignmentLeadCorrected
from contracts.values import Location, SealedContact
from services.routing.commands.linking import link_persons_anew
from services.routing.domain.person import Person
from services.routing.models import Assignment, Dispatch, Installer, LeadContact
from services.routing.queries.assignments import locked_live
from services.routing.queries.dispatches import contacts_of, locked_all


@dataclass(frozen=True, slots=True)
class CorrectLead:
    """Only what changed is there, but for the contact, which is there whole; `cause` is intake's event.

    `same_person_lead_ids` are all leads that it is like now, where its contact is another.
    """

    lead_id: UUID
    correction_id: UUID
    fields: tuple[str, ...]
    contact: values.LeadContact | None
    sealed_contact: SealedContact | None
    service: str | None
    location: Location | None
    corrected_at: datetime
    cause: Cause | None = None
    same_person_lead_ids: tuple[UUID, ...] | None = None


async def correct_leads(session: AsyncSession, commands: Sequence[CorrectLead]) -> None:
    """The contact always; place and service while nobody has the lead: they decided who got it.

    Who has it, or is about to get it by a mail that may be written already, is told. What is not known here was never
    let in, and nobody has it.
    """
    lead_ids = {command.lead_id for command in commands}
    dispatches = await locked_all(session, lead_ids)
    contacts = await contacts_of(session, lead_ids)
    live = await locked_live(session, lead_ids)
    await _link_anew(session, [command for command in commands if command.same_person_lead_ids is not None])
    for command in commands:
        dispatch = dispatches.get(command.lead_id)
        if dispatch is None:
            continue
        having = [each for each in live if each[0].lead_id == command.lead_id]
        _correct_contact(contacts.get(command.lead_id), Person.of(command.contact, command.sealed_contact))
        if not having:
            _correct_request(dispatch, command)
        for assignment, installer in having:
            event = _told(command, dispatch, assignment, installer)
            outbox.add(session, event, version=assignment.next_version(), cause=command.cause)


async def _link_anew(session: AsyncSession, commands: Sequence[CorrectLead]) -> None:
    if commands:
        persons = {command.lead_id: command.same_person_lead_ids or () for command in commands}
        await link_persons_anew(session, persons, max(command.corrected_at for command in commands))


def _correct_contact(kept: LeadContact | None, person: Person | None) -> None:
    """A person who was erased stays so."""
    if kept is not None and person is not None:
        for name, value in person.columns.items():
            setattr(kept, name, value)


def _correct_request(dispatch: Dispatch, command: CorrectLead) -> None:
    if command.service is not None:
        dispatch.service = command.service
    if command.location is not None:
        location = command.location
        dispatch.suburb, dispatch.state, dispatch.postcode = location.suburb, location.state, location.postcode


def _told(
    command: CorrectLead, dispatch: Dispatch, assignment: Assignment, installer: Installer
) -> AssignmentLeadCorrected:
    return AssignmentLeadCorrected(
        assignment_id=assignment.id,
        lead_id=assignment.lead_id,
        installer_id=installer.id,
        installer_name=installer.name,
        deliver_to=installer.email,
        correction_id=command.correction_id,
        fields=command.fields,
        contact=command.contact,
        sealed_contact=command.sealed_contact,
        service=command.service or dispatch.service,
        location=command.location or dispatch.location,
        corrected_at=command.corrected_at,
    )
