"""Leads on their way: what routing has seen of them, whether it may dispatch, and what it knows of the person."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import cast, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.person import Person
from services.routing.errors import NoSuchLead
from services.routing.models import AutoDispatch, Decision, Dispatch, EarlyClosing, LeadContact
from services.routing.models.model import Instant
from services.routing.queries.arrays import among
from services.routing.queries.locks import row_lock


class Known(NamedTuple):
    """Leads that have a dispatch already, and when those were closed that were closed before they were seen here."""

    seen: frozenset[UUID]
    closed_early: Mapping[UUID, datetime]


async def known(session: AsyncSession, lead_ids: Collection[UUID]) -> Known:
    opened = select(Dispatch.lead_id, cast(null(), Instant).label("closed_at")).where(among(Dispatch.lead_id, lead_ids))
    closed = select(EarlyClosing.lead_id, EarlyClosing.closed_at).where(among(EarlyClosing.lead_id, lead_ids))
    rows = (await session.execute(union_all(opened, closed))).all()
    return Known(
        seen=frozenset(row.lead_id for row in rows if row.closed_at is None),
        closed_early={row.lead_id: row.closed_at for row in rows if row.closed_at is not None},
    )


async def auto_dispatch(session: AsyncSession, *, lock: bool = False) -> AutoDispatch:
    query = select(AutoDispatch)
    return (await session.scalars(query.with_for_update() if lock else query)).one()


async def get(session: AsyncSession, lead_id: UUID) -> Dispatch:
    return NoSuchLead.unless(await session.get(Dispatch, lead_id), "no lead with this id was received", lead_id=lead_id)


async def locked(session: AsyncSession, lead_id: UUID) -> Dispatch:
    """First of all locks: see queries/locks.py."""
    return NoSuchLead.unless(
        await session.get(Dispatch, lead_id, with_for_update={**row_lock(session)}),
        "no lead with this id was received",
        lead_id=lead_id,
    )


async def locked_all(session: AsyncSession, lead_ids: Collection[UUID]) -> dict[UUID, Dispatch]:
    """Those of the leads that have a dispatch, by lead."""
    found = await session.scalars(
        select(Dispatch)
        .where(among(Dispatch.lead_id, lead_ids))
        .order_by(Dispatch.lead_id)
        .with_for_update(**row_lock(session))
    )
    return {dispatch.lead_id: dispatch for dispatch in found}


async def contact_of(session: AsyncSession, lead_id: UUID) -> Person | None:
    """None once they were erased."""
    row = await session.get(LeadContact, lead_id)
    return row.person if row is not None else None


async def contacts_of(session: AsyncSession, lead_ids: Collection[UUID]) -> dict[UUID, LeadContact]:
    """Of those that are not erased, by lead."""
    found = await session.scalars(select(LeadContact).where(among(LeadContact.lead_id, lead_ids)))
    return {contact.lead_id: contact for contact in found}


async def last_decision(session: AsyncSession, lead_id: UUID) -> Decision | None:
    query = select(Decision).where(Decision.lead_id == lead_id).order_by(Decision.attempt_no.desc()).limit(1)
    return await session.scalar(query)


async def decisions_of(session: AsyncSession, lead_id: UUID) -> Sequence[Decision]:
    """In the order of the attempts."""
    found = await session.scalars(select(Decision).where(Decision.lead_id == lead_id).order_by(Decision.attempt_no))
    return found.all()
