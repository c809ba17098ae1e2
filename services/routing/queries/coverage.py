"""Who covers what of a service, and what was asked for there of late."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import AustralianState
from services.routing.domain.coverage import Covered, Demand, segments, with_demand
from services.routing.domain.states import ExceptionReason
from services.routing.models import Dispatch, DispatchException, Installer
from services.routing.queries.installers import territories_of
from services.routing.queries.preflight import IS_AWAY

DEMAND = timedelta(days=30)
NOT_PLACED = (ExceptionReason.NO_COVERAGE, ExceptionReason.ALL_AWAY, ExceptionReason.NO_ELIGIBLE_INSTALLER)


@dataclass(frozen=True, slots=True)
class Covering:
    """An installer that does the service: whether it gets leads at all, and whether it is away now."""

    id: UUID
    name: str
    takes_leads: bool
    is_away: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    covered: Sequence[Covered]
    installers: Mapping[UUID, Covering]

    def of(self, covered: Covered) -> list[Covering]:
        """Those that get leads first, then by name."""
        found = [self.installers[id_] for id_ in covered.segment.installer_ids]
        return sorted(found, key=lambda each: (not each.takes_leads, each.name, each.id))

    def active(self, covered: Covered) -> int:
        return sum(self.installers[id_].takes_leads for id_ in covered.segment.installer_ids)


async def coverage(
    session: AsyncSession, service: str, now: datetime, states: Collection[AustralianState] = tuple(AustralianState)
) -> Coverage:
    """Of the states' postcodes, each stretch with the installers that do the service, of whatever status."""
    query = select(Installer.id, Installer.name, Installer.status, IS_AWAY.label("is_away"))
    rows = (await session.execute(query.where(Installer.services.contains([service])), {"now": now})).all()
    installers = {row.id: Covering(row.id, row.name, row.status.takes_leads, row.is_away) for row in rows}
    cut = segments(await territories_of(session, list(installers)), sorted(states))
    return Coverage(with_demand(cut, await _demand(session, service, now)), installers)


async def services(session: AsyncSession, now: datetime) -> list[str]:
    """That somebody does or that were asked for of late, by name."""
    done = select(func.unnest(Installer.services)).distinct()
    asked = select(Dispatch.service).where(Dispatch.created_at >= now - DEMAND).distinct()
    return sorted({*await session.scalars(done), *await session.scalars(asked)})


async def _demand(session: AsyncSession, service: str, now: datetime) -> list[Demand]:
    place = (Dispatch.state, Dispatch.postcode)
    since = now - DEMAND
    asked = select(*place, func.count().label("leads")).where(Dispatch.service == service, Dispatch.created_at >= since)
    missed = (
        select(*place, func.count(Dispatch.lead_id.distinct()).label("leads"))
        .join(DispatchException, DispatchException.lead_id == Dispatch.lead_id)
        .where(
            Dispatch.service == service,
            DispatchException.raised_at >= since,
            DispatchException.reason.in_(NOT_PLACED),
        )
    )
    not_placed = {(row.state, row.postcode): row.leads for row in await session.execute(missed.group_by(*place))}
    leads = {(row.state, row.postcode): row.leads for row in await session.execute(asked.group_by(*place))}
    return [
        Demand(state, postcode, leads.get((state, postcode), 0), not_placed.get((state, postcode), 0))
        for state, postcode in leads.keys() | not_placed.keys()
    ]
