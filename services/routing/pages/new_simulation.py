"""A new simulation: the draft on one page, with a row for each installer whose own is drafted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import JSONBody
from litestar.response import Redirect
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.console import Console, form_at, page_at
from chassis.console.actions import Action
from chassis.console.fields import FormField, filled, options_of
from chassis.database import Database
from chassis.http import Given, Operator
from chassis.ids import new_id
from contracts.identity import Capability
from contracts.values import InstallerStatus
from services.routing.http.simulations import ask_simulation
from services.routing.models import Installer
from services.routing.pages.simulation_forms import (
    LONGEST_CELL,
    MOST_ROWS,
    MoreRowsForm,
    Row,
    SimulationForm,
    field_sets,
)
from services.routing.pages.simulations import PATH, ROOM

WRITE = Capability.WRITE_ROUTING
MOST_NAMES = 2_000
"""Suggested as one types; any other is taken too."""


@dataclass(frozen=True, slots=True)
class Edit:
    rows: Sequence[Row]
    names: Sequence[str]
    statuses: Sequence[tuple[str, str]]
    longest: int = LONGEST_CELL
    more_path: str = f"{PATH}/new"

    @property
    def takes_more(self) -> bool:
        return len(self.rows) < MOST_ROWS


@page_at(f"{PATH}/new", WRITE)
async def show_new_simulation(
    request: Request[Any, Any, Any], console: Given[Console], database: Given[Database]
) -> Response[str]:
    async with database.reading() as session:
        edit = await _edit(session, [Row()])
    return _page(request, console, new_id(), field_sets(), edit)


@form_at(f"{PATH}/new", WRITE)
async def give_more_rows(
    data: JSONBody[MoreRowsForm], request: Request[Any, Any, Any], console: Given[Console], database: Given[Database]
) -> Response[str]:
    """The form as it was sent, with a row more."""
    written = data.model_dump(mode="json")
    kept = [(title, filled(those, written)) for title, those in field_sets()]
    async with database.reading() as session:
        edit = await _edit(session, [*data.rows(), Row()][:MOST_ROWS])
    return _page(request, console, data.id, kept, edit)


@form_at(PATH, WRITE)
async def ask_by_form(
    data: JSONBody[SimulationForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.reading() as session:
        body = await data.body(session)
    await ask_simulation.fn(body, database, clock, operator)
    return console.redirect(f"{PATH}/{data.id}")


async def _edit(session: AsyncSession, rows: Sequence[Row]) -> Edit:
    names = await session.scalars(select(Installer.name).distinct().order_by(Installer.name).limit(MOST_NAMES))
    return Edit(rows, names.all(), options_of(InstallerStatus))


def _page(
    request: Request[Any, Any, Any],
    console: Console,
    id_: UUID,
    sets: Sequence[tuple[str, Sequence[FormField]]],
    edit: Edit,
) -> Response[str]:
    action = Action("ask", "Run simulation", PATH, hidden={"id": str(id_)})
    context = {"action": action, "field_sets": sets, "edit": edit}
    return console.page(request, "new_simulation.html", context, room=ROOM)


ROUTES = (show_new_simulation, give_more_rows, ask_by_form)
