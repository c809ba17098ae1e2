"""Simulations over HTTP: what would have become of the leads of some days under a draft."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import InstallerStatus
from services.routing.commands import simulations as commands
from services.routing.commands.simulations import AskSimulation
from services.routing.domain.eligibility import Rule
from services.routing.domain.simulating import IGNORABLE
from services.routing.domain.states import SimulationState
from services.routing.http.fields import ServiceSlug, Why
from services.routing.http.installer_views import Caps, TerritoryShape
from services.routing.models import Simulation, SimulationRow
from services.routing.queries import simulations as queries

Days = Annotated[int, Field(ge=1, le=90, description="the days before now whose leads are decided again")]
Percent = Annotated[int, Field(ge=1, le=1_000, description="of what each cap is now")]
MostOwed = Annotated[int, Field(ge=1, le=1_000, description="how far one can be ahead of its share or behind it")]
SamePersonDays = Annotated[
    int, Field(ge=0, le=3_650, description="in which a person's leads do not go to one installer twice; 0 lets them")
]
Span = tuple[
    Annotated[int, Field(ge=0, le=6)], Annotated[int, Field(ge=0, le=1_439)], Annotated[int, Field(ge=1, le=1_440)]
]


def _ignorable(rule: Rule) -> Rule:
    if rule not in IGNORABLE:
        raise PydanticCustomError("rule_not_ignorable", "a simulation is not kept from anything by this rule")
    return rule


IgnorableRule = Annotated[Rule, AfterValidator(_ignorable)]


class OrderingDraft(Body):
    """Each lead is decided as it came, and none waits: how fast those that waited are given on moves nothing here."""

    most_owed_leads: MostOwed | None = None
    same_person_days: SamePersonDays | None = None


class EveryoneDraft(Body):
    caps_percent: Percent


class InstallerDraft(Body):
    """What is not named stays as it is; `hours` of null is always, each of them weekday from 0, from and to minute."""

    caps: Caps | None = None
    status: InstallerStatus | None = None
    hours: Annotated[list[Span], Field(max_length=100)] | None = None
    share_weight: Annotated[int, Field(ge=1, le=1_000)] | None = None
    services: Annotated[list[ServiceSlug], Field(min_length=1, max_length=50)] | None = None
    territory: TerritoryShape | None = None

    @field_validator("hours")
    @classmethod
    def _ends_after_it_begins(cls, hours: list[Span] | None) -> list[Span] | None:
        if any(until <= since for _, since, until in hours or ()):
            raise PydanticCustomError("hours_reversed", "a span ends after it begins")
        return hours


class DraftBody(Body):
    """Rules in `ignore_rules` do not matter; the caps of installers that are named are not of the percentage."""

    days: Days = 30
    ordering: OrderingDraft | None = None
    ignore_rules: Annotated[list[IgnorableRule], Field(max_length=len(IGNORABLE))] = []
    everyone: EveryoneDraft | None = None
    installers: Annotated[dict[UUID, InstallerDraft], Field(max_length=500)] = {}

    def draft(self) -> dict[str, Any]:
        """As it is kept: what was not said is not there."""
        told = _said(self.model_dump(mode="json", exclude_unset=True))
        if "ordering" in told:
            told["ordering"] = _said(told["ordering"])
        if "installers" in told:
            told["installers"] = {id_: _said(own, but=TELLING_NULLS) for id_, own in told["installers"].items()}
        return {"days": self.days, **told}


TELLING_NULLS = frozenset({"hours", "share_weight"})
"""Of an installer: always, and its capacity in a cycle."""


def _said(told: Mapping[str, Any], but: Collection[str] = ()) -> dict[str, Any]:
    """A null says that it stays as it is."""
    return {name: value for name, value in told.items() if value is not None or name in but}


class SimulationBody(Why, DraftBody):
    """`id` is made by who asks, so that asking twice asks once."""

    id: UUID

    def draft(self) -> dict[str, Any]:
        """Why it is asked for is no part of it."""
        return {name: value for name, value in super().draft().items() if name not in {"id", "reason"}}


class SimulationView(BaseModel):
    """`progress` of `leads` are decided; `totals` stand once it is finished, before and after the draft. Of very many
    leads the newest are decided: `left_off` in the totals says how many are not.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    state: SimulationState
    draft: dict[str, Any]
    asked_by_name: str
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress: int
    leads: int | None
    totals: dict[str, Any] | None
    fault: str | None
    available_actions: list[Literal["cancel"]] = []

    @classmethod
    def of(cls, simulation: Simulation) -> "SimulationView":
        available = ["cancel"] if simulation.state.is_open else []
        return cls.model_validate(simulation).model_copy(update={"available_actions": available})


class MovedLead(BaseModel):
    """A lead that others would have got; the cents are those of known prices, `unpriced` counts the others.

    What simulations did not tell at first is null of their leads, and so is how full a cap is where nobody has one.
    """

    model_config = ConfigDict(from_attributes=True)

    lead_id: UUID
    service: str
    place: str
    received_at: datetime
    before: list[UUID]
    after: list[UUID]
    before_cents: int
    after_cents: int
    unpriced: int
    before_entitled_ppm: int | None = Field(description="millionths of a lead that who got it was entitled to")
    after_entitled_ppm: int | None
    before_at_cap: int | None = Field(description="installers that a cap was in the way of")
    after_at_cap: int | None
    before_cap_percent: int | None = Field(description="how full the fullest cap of who got it is with it")
    after_cap_percent: int | None


@post("/admin/simulations", guards=[requires(Capability.WRITE_ROUTING)])
async def ask_simulation(
    data: JSONBody[SimulationBody], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> SimulationView:
    """Runs in the worker, beside a control run without the draft; nothing of routing is changed by it."""
    async with database.transaction() as session:
        command = AskSimulation(data.id, data.draft(), operator, data.reason)
        return SimulationView.of(await commands.ask_simulation(session, command, clock.now()))


@get("/admin/simulations", guards=[requires(Capability.READ_OPS)])
async def list_simulations(database: Given[Database], page: Given[PageRequest]) -> Page[SimulationView]:
    """Newest first."""
    async with database.reading() as session:
        found = await queries.list_simulations(session, page)
    return page.page(found, lambda each: (each.asked_at, each.id), SimulationView.of)


@get("/admin/simulations/{simulation_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_simulation(simulation_id: FromPath[UUID], database: Given[Database]) -> SimulationView:
    async with database.reading() as session:
        return SimulationView.of(await queries.get(session, simulation_id))


@get("/admin/simulations/{simulation_id:uuid}/leads", guards=[requires(Capability.READ_OPS)])
async def list_moved_leads(
    simulation_id: FromPath[UUID], database: Given[Database], page: Given[PageRequest]
) -> Page[MovedLead]:
    """Those that the draft would have moved, the newest first."""
    async with database.reading() as session:
        await queries.get(session, simulation_id)
        found = await queries.moved_leads(session, simulation_id, page)
    return page.page(found, _place_of, MovedLead.model_validate)


def _place_of(row: SimulationRow) -> tuple[datetime, UUID]:
    return row.received_at, row.lead_id


@post("/admin/simulations/{simulation_id:uuid}/cancel", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def cancel_simulation(
    simulation_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    data: JSONBody[Why | None] = None,
) -> SimulationView:
    reason = data.reason if data else None
    async with database.transaction() as session:
        cancelled = await commands.cancel_simulation(session, simulation_id, operator, clock.now(), reason)
        return SimulationView.of(cancelled)


ROUTES = (ask_simulation, list_simulations, get_simulation, list_moved_leads, cancel_simulation)
