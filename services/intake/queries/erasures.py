"""Persons to be erased, and erasures that were done."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Text, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import FieldError
from chassis.paging import PageRequest
from contracts.values import AustralianState, LeadContact
from services.intake.domain import LeadStatus
from services.intake.errors import ErasureNotFound, LeadUnknown
from services.intake.models import Erasure, Lead, LeadAssignment, LeadCorrection
from services.intake.queries.search import Search

MOST_FOUND = 200
CONTACT = tuple(LeadContact.model_fields)


async def lock_leads(session: AsyncSession, lead_ids: Collection[UUID]) -> Sequence[Lead]:
    """In the order of their ids, so that two who lock the same never wait for each other. Refuses what is not there."""
    found = await session.scalars(
        select(Lead)
        .where(Lead.id.in_(lead_ids))
        .order_by(Lead.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    leads = found.all()
    missing = set(lead_ids) - {lead.id for lead in leads}
    if missing or not leads:
        fault = FieldError("lead_ids", "lead_unknown", "There is no such lead")
        raise LeadUnknown("there is no such lead", errors=(fault,), lead_id=min(missing, default=None))
    return leads


async def contacts_told(session: AsyncSession, leads: Sequence[Lead]) -> Sequence[LeadContact]:
    """As each lead is, and as it was before each of its corrections, the newest first."""
    corrections = await session.scalars(
        select(LeadCorrection)
        .where(LeadCorrection.lead_id.in_([lead.id for lead in leads]))
        .order_by(LeadCorrection.made_at.desc(), LeadCorrection.id.desc())
    )
    said = {lead.id: {name: getattr(lead, name) for name in CONTACT} for lead in leads}
    contacts = [LeadContact(**each) for each in said.values()]
    for correction in corrections:
        now = said[correction.lead_id]
        for values in (correction.after, correction.before):
            now = {name: values.get(name, now[name]) for name in CONTACT}
            contacts.append(LeadContact(**now))
        said[correction.lead_id] = now
    return contacts


async def erasure(session: AsyncSession, erasure_id: UUID) -> Erasure:
    return ErasureNotFound.unless(await session.get(Erasure, erasure_id), "no such erasure", erasure_id=erasure_id)


async def erasure_of(session: AsyncSession, lead_id: UUID) -> Erasure:
    """By which the lead's person was erased."""
    query = select(Erasure).where(Erasure.lead_ids.contains([lead_id])).order_by(Erasure.erased_at).limit(1)
    return ErasureNotFound.unless(await session.scalar(query), "its person was not erased", lead_id=lead_id)


async def list_erasures(session: AsyncSession, page: PageRequest) -> Sequence[Erasure]:
    return (await session.scalars(page.apply(select(Erasure), Erasure.erased_at, Erasure.id))).all()


@dataclass(frozen=True, slots=True)
class FoundLead:
    """With who has had it, as they are to be asked to forget the person too."""

    id: UUID
    name: str
    email: str
    phone: str
    street: str
    suburb: str
    state: AustralianState
    postcode: str
    service: str
    status: LeadStatus
    received_at: datetime
    erased_at: datetime | None
    given_to: list[str]


_GIVEN_TO = (
    select(func.array_agg(aggregate_order_by(LeadAssignment.installer_name, LeadAssignment.installer_name)))
    .where(LeadAssignment.lead_id == Lead.id, LeadAssignment.sent_at.is_not(None))
    .scalar_subquery()
)
_FOUND = (
    *(getattr(Lead, name) for name in FoundLead.__slots__[:-1]),
    func.coalesce(_GIVEN_TO, literal([], ARRAY(Text))),
)


async def persons_found(session: AsyncSession, typed: str) -> Sequence[FoundLead]:
    """The newest first."""
    return await _found(session, Search.of(typed).condition())


async def persons_of(session: AsyncSession, lead_ids: Collection[UUID]) -> Sequence[FoundLead]:
    return await _found(session, Lead.id.in_(lead_ids))


async def _found(session: AsyncSession, which: ColumnElement[bool]) -> Sequence[FoundLead]:
    query = select(*_FOUND).where(which).order_by(Lead.received_at.desc(), Lead.id.desc()).limit(MOST_FOUND)
    return [FoundLead(*row) for row in await session.execute(query)]
