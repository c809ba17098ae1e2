"""Simulations: asked for by operators, run by a worker that holds a lease, ended once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.ids import new_id
from services.routing.domain.states import SimulationState
from services.routing.errors import SimulationExists, SimulationNotRunning
from services.routing.models import Simulation, SimulationRow
from services.routing.queries.simulations import get

LEASE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class AskSimulation:
    """`simulation_id` is made by who asks, so that asking twice asks once."""

    simulation_id: UUID
    draft: Mapping[str, Any]
    by: Actor
    reason: str | None = None


async def ask_simulation(session: AsyncSession, command: AskSimulation, now: datetime) -> Simulation:
    known = await session.get(Simulation, command.simulation_id)
    if known is not None:
        if known.draft != command.draft:
            raise SimulationExists("it was asked for with another draft", simulation_id=known.id)
        return known
    simulation = Simulation(
        id=command.simulation_id,
        state=SimulationState.ASKED,
        draft=dict(command.draft),
        asked_by_id=command.by.id,
        asked_by_name=command.by.name,
        asked_at=now,
        tries=0,
        progress=0,
    )
    session.add(simulation)
    await session.flush()
    await audit.record(
        session,
        actor=command.by,
        action="ask_simulation",
        subject=Subject("simulation", simulation.id),
        after=dict(command.draft),
        reason_text=command.reason,
    )
    return simulation


async def cancel_simulation(
    session: AsyncSession, simulation_id: UUID, by: Actor, now: datetime, reason: str | None = None
) -> Simulation:
    """Whoever runs it sees so with its next sign of life, and writes nothing."""
    simulation = await get(session, simulation_id, lock=True)
    if simulation.state is SimulationState.CANCELLED:
        return simulation
    if not simulation.state.is_open:
        raise SimulationNotRunning(f"it has {simulation.state} already", simulation_id=simulation.id)
    before = simulation.state
    _end(simulation, SimulationState.CANCELLED, now)
    await audit.record(
        session,
        actor=by,
        action="cancel_simulation",
        subject=Subject("simulation", simulation.id),
        before={"state": before},
        after={"state": simulation.state},
        reason_text=reason,
    )
    return simulation


async def claim(session: AsyncSession, tries: int, now: datetime) -> Simulation | None:
    """The oldest that nobody runs, leased; one that was begun often enough is given up instead."""
    query = (
        select(Simulation)
        .where(
            or_(
                Simulation.state == SimulationState.ASKED,
                (Simulation.state == SimulationState.RUNNING) & (Simulation.lease_until <= func.clock_timestamp()),
            )
        )
        .order_by(Simulation.asked_at, Simulation.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    simulation = (await session.scalars(query)).one_or_none()
    if simulation is None:
        return None
    if simulation.tries >= tries:
        _end(simulation, SimulationState.FAILED, now)
        simulation.fault = f"begun {simulation.tries} times and never finished"
        return simulation
    simulation.lease_until = await _lease(session)
    simulation.state, simulation.started_at = SimulationState.RUNNING, now
    simulation.tries += 1
    simulation.progress = 0
    return simulation


async def renew(session: AsyncSession, simulation_id: UUID, try_no: int, progress: int, leads: int) -> bool:
    """Whether it is still its runner's: it may have been cancelled, or taken over by another."""
    simulation = await get(session, simulation_id, lock=True)
    if not _is_held(simulation, try_no):
        return False
    simulation.lease_until = await _lease(session)
    simulation.progress, simulation.leads = progress, leads
    return True


async def finish(
    session: AsyncSession,
    simulation_id: UUID,
    try_no: int,
    totals: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    now: datetime,
) -> None:
    """All that it found, or nothing where it is its runner's no more."""
    simulation = await get(session, simulation_id, lock=True)
    if not _is_held(simulation, try_no):
        return
    _end(simulation, SimulationState.FINISHED, now)
    simulation.totals = dict(totals)
    simulation.progress = simulation.leads = totals["leads"]
    if rows:
        await session.execute(
            insert(SimulationRow), [{**row, "id": new_id(), "simulation_id": simulation_id} for row in rows]
        )


async def give_up(session: AsyncSession, simulation_id: UUID, try_no: int, fault: str, now: datetime) -> None:
    simulation = await get(session, simulation_id, lock=True)
    if _is_held(simulation, try_no):
        _end(simulation, SimulationState.FAILED, now)
        simulation.fault = fault


async def put_back(session: AsyncSession, simulation_id: UUID, try_no: int) -> None:
    """For whoever is next; the try counts."""
    simulation = await get(session, simulation_id, lock=True)
    if _is_held(simulation, try_no):
        simulation.state, simulation.lease_until = SimulationState.ASKED, None


def _is_held(simulation: Simulation, try_no: int) -> bool:
    return simulation.state is SimulationState.RUNNING and simulation.tries == try_no


def _end(simulation: Simulation, state: SimulationState, now: datetime) -> None:
    simulation.state, simulation.finished_at, simulation.lease_until = state, now, None


async def _lease(session: AsyncSession) -> datetime:
    """By the database's clock, which is everybody's."""
    seconds = func.make_interval(0, 0, 0, 0, 0, 0, LEASE_SECONDS)
    with session.no_autoflush:
        until: datetime = (await session.execute(select(func.clock_timestamp() + seconds))).scalar_one()
    return until
