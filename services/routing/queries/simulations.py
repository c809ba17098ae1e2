"""What a simulation runs on, as JSON, and what simulations have found."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from contracts.values import AustralianState
from services.routing.domain.policies import OrderingPolicy, body_of
from services.routing.errors import NoSuchSimulation
from services.routing.models import (
    Dispatch,
    Installer,
    InstallerAccount,
    InstallerVersion,
    KnownPrice,
    Simulation,
    SimulationRow,
)
from services.routing.queries.arrays import among
from services.routing.queries.links import relatives_of
from services.routing.queries.policies import in_force
from services.routing.queries.public_holidays import holidays_between

MOST_LEADS = 50_000
"""The newest, where there were more: a run of an hour answers nobody. How many are left off is told."""


async def get(session: AsyncSession, simulation_id: UUID, *, lock: bool = False) -> Simulation:
    found = await session.get(Simulation, simulation_id, with_for_update=lock or None)
    return NoSuchSimulation.unless(found, "no such simulation", simulation_id=simulation_id)


async def list_simulations(session: AsyncSession, page: PageRequest) -> Sequence[Simulation]:
    """Newest first, one more than the page holds."""
    return (await session.scalars(page.apply(select(Simulation), Simulation.asked_at, Simulation.id))).all()


async def moved_leads(session: AsyncSession, simulation_id: UUID, page: PageRequest) -> Sequence[SimulationRow]:
    query = select(SimulationRow).where(SimulationRow.simulation_id == simulation_id)
    return (await session.scalars(page.apply(query, SimulationRow.received_at, SimulationRow.lead_id))).all()


async def names_of(session: AsyncSession, installer_ids: Sequence[UUID]) -> dict[str, str]:
    """By id as JSON has it."""
    found = await session.execute(select(Installer.id, Installer.name).where(among(Installer.id, installer_ids)))
    return {str(row.id): row.name for row in found}


async def request_of(session: AsyncSession, draft: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """World, draft and prices as `services/routing/simulating.py` reads them."""
    since = now - timedelta(days=draft["days"])
    policy = await in_force(session, OrderingPolicy)
    on_hold = await session.scalars(select(InstallerAccount.installer_id).where(InstallerAccount.credit_hold))
    prices = await session.execute(
        select(KnownPrice.installer_id, KnownPrice.product_type, KnownPrice.unit_price_cents)
    )
    world = {
        "profiles": [[str(row.id), row.version, row.profile] for row in await session.execute(_PROFILES)],
        "arrivals": await _arrivals(session, since, now),
        "policy": body_of(policy.policy),
        "on_hold": [str(id_) for id_ in on_hold],
        "holidays": {
            state.value: [day.isoformat() for day in holidays_between(state, since.date(), now.date())]
            for state in AustralianState
        },
    }
    received = await session.scalar(select(func.count()).where(*_received(since, now)))
    return {
        "world": world,
        "draft": draft,
        "prices": [[str(row[0]), row[1], row[2]] for row in prices],
        "left_off": max(0, (received or 0) - MOST_LEADS),
    }


def _received(since: datetime, now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Dispatch.received_at >= since, Dispatch.received_at <= now


_PROFILES = select(Installer.id, InstallerVersion.version, InstallerVersion.profile).join(
    InstallerVersion, (InstallerVersion.installer_id == Installer.id) & (InstallerVersion.version == Installer.version)
)

# Who got a lead by the rules at its arrival, and which other leads of the same service are its person's.
_GIVEN = text(
    """
    SELECT decisions.lead_id, array_agg(assignments.installer_id) AS given_to
    FROM decisions JOIN assignments ON assignments.decision_id = decisions.id
    WHERE decisions.decided_at >= :since AND decisions.trigger = 'auto'
    GROUP BY decisions.lead_id
    """
)
_LINKED = text(
    f"""
    SELECT link.lead_id, array_agg(link.other_lead_id) AS others
    FROM ({relatives_of("dispatches WHERE received_at >= :since")}) AS link
    JOIN dispatches AS one ON one.lead_id = link.lead_id
    JOIN dispatches AS other ON other.lead_id = link.other_lead_id AND other.service = one.service
    GROUP BY link.lead_id
    """  # noqa: S608  # names of our own
)


async def _arrivals(session: AsyncSession, since: datetime, now: datetime) -> list[list[Any]]:
    given = {row.lead_id: row.given_to for row in await session.execute(_GIVEN, {"since": since})}
    linked = {row.lead_id: row.others for row in await session.execute(_LINKED, {"since": since})}
    query = (
        select(Dispatch)
        .where(*_received(since, now))
        .order_by(Dispatch.received_at.desc(), Dispatch.lead_id.desc())
        .limit(MOST_LEADS)
    )
    newest = (await session.scalars(query)).all()
    return [
        [
            str(lead.lead_id),
            lead.service,
            lead.state,
            lead.postcode,
            lead.product_type,
            lead.shares_wanted,
            lead.received_at.isoformat(),
            [str(id_) for id_ in given.get(lead.lead_id, ())],
            [str(id_) for id_ in linked.get(lead.lead_id, ())],
        ]
        for lead in reversed(newest)
    ]
