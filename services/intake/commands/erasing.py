"""Erasing a person: all their leads say nothing of them any more, here and with everyone who was told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from chassis.errors import FieldError
from chassis.ids import new_id
from chassis.redaction import take_turn
from contracts.intake import LeadClosed, LeadErased
from services.intake import queries
from services.intake.commands.follow_ups import cancel_open
from services.intake.commands.forgetting import Told, forget_leads, forget_typed, rename_keys
from services.intake.commands.keys import destroy_keys
from services.intake.commands.searching import index_leads
from services.intake.domain import CloseReason, LeadStatus
from services.intake.domain.erasure import AskedVia, ErasureReason, key_without_person
from services.intake.errors import ErasureIdTaken, ErasureNamesPerson
from services.intake.models import Erasure, Lead, LeadStatusChange


@dataclass(frozen=True, slots=True)
class ErasePerson:
    """`id` is given by who asks, so that asking again is the same erasure. `note` names the person by no word."""

    id: UUID
    lead_ids: tuple[UUID, ...]
    asked_via: AskedVia
    reason: ErasureReason
    note: str
    by: Actor
    now: datetime


async def erase_person(session: AsyncSession, command: ErasePerson) -> Erasure:
    """Place but for the street, service, money, ids and steps stay. Erased twice is erased once, and quiet.

    What was merged with a lead says the same of the person, and goes with it.
    """
    await take_turn(session)
    if (known := await session.get(Erasure, command.id)) is not None:
        return _same(known, command)
    leads = await _lock_families(session, command.lead_ids)
    fresh = [lead for lead in leads if lead.erased_at is None]
    if not fresh:
        return await queries.erasure_of(session, leads[0].id)
    told = Told.by(await queries.contacts_told(session, fresh))
    _refuse_naming(command, told)
    ids = [lead.id for lead in fresh]
    await cancel_open(session, fresh, CloseReason.ERASED, command.by, command.now)
    for lead in fresh:
        _end(session, lead, command)
    await session.flush()
    counts = {
        **await forget_leads(session, ids),
        **await forget_typed(session, ids, told),
        "leads": len(ids),
    }
    await rename_keys(session, _told_keys(fresh, told))
    await destroy_keys(session, ids, command.now)
    await index_leads(session, ids)
    return await _record(session, command, ids, counts)


async def _lock_families(session: AsyncSession, lead_ids: Collection[UUID]) -> Sequence[Lead]:
    """With all that were made one with them. Until they are locked, somebody may merge another into one of them."""
    family = set(lead_ids) | set(await queries.families_of(session, lead_ids))
    leads = await queries.lock_leads(session, family)
    while not family.issuperset(found := await queries.families_of(session, lead_ids)):
        family.update(found)
        leads = await queries.lock_leads(session, family)
    return leads


def _same(known: Erasure, command: ErasePerson) -> Erasure:
    if not set(command.lead_ids) <= set(known.lead_ids):
        raise ErasureIdTaken("another erasure has this id", erasure_id=command.id)
    return known


def _refuse_naming(command: ErasePerson, told: Told) -> None:
    if told.stands_in(command.note):
        fault = FieldError("note", "names_the_person", "It stays: say it without the person's name, address or number")
        raise ErasureNamesPerson("the note names who is to be erased", errors=(fault,), erasure_id=command.id)


def _told_keys(leads: Sequence[Lead], told: Told) -> dict[UUID, str]:
    keys = {lead.id: (lead.submission_key, key_without_person(lead.submission_key, told.literals)) for lead in leads}
    return {id_: after for id_, (before, after) in keys.items() if before != after}


def _end(session: AsyncSession, lead: Lead, command: ErasePerson) -> None:
    """Nobody gets it any more. That it is closed is told before that it is erased: both say it in one order."""
    if not lead.status.is_final:
        _close(session, lead, command)
    lead.erased_at = command.now
    lead.name = lead.email = lead.email_match = lead.phone = lead.street = ""
    lead.critical_since = lead.snoozed_until = None
    event = LeadErased(lead_id=lead.id, erasure_id=command.id, erased_at=command.now)
    outbox.add(session, event, version=lead.next_version())


def _close(session: AsyncSession, lead: Lead, command: ErasePerson) -> None:
    session.add(
        LeadStatusChange(
            id=new_id(),
            lead_id=lead.id,
            from_status=lead.status,
            to_status=LeadStatus.CLOSED,
            changed_at=command.now,
            reason_code=CloseReason.ERASED,
            actor_name=command.by.name,
        )
    )
    lead.status, lead.status_since, lead.close_reason = LeadStatus.CLOSED, command.now, CloseReason.ERASED
    lead.exception_reason = None
    event = LeadClosed(lead_id=lead.id, reason_code=CloseReason.ERASED, closed_at=command.now)
    outbox.add(session, event, version=lead.next_version())


async def _record(session: AsyncSession, command: ErasePerson, ids: Sequence[UUID], counts: dict[str, int]) -> Erasure:
    erasure = Erasure(
        id=command.id,
        asked_via=command.asked_via,
        reason_code=command.reason,
        note=command.note,
        requested_by=command.by.name,
        erased_at=command.now,
        lead_ids=list(ids),
        counts=counts,
    )
    session.add(erasure)
    await audit.record(
        session,
        actor=command.by,
        action="erase_person",
        subject=Subject("erasure", command.id),
        after={"lead_ids": ids, "counts": counts, "asked_via": command.asked_via, "at": command.now},
        reason_code=command.reason,
        reason_text=command.note,
    )
    return erasure
