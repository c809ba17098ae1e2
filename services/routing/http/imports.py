"""Territories of many installers at once, over HTTP: seen first, then done as a whole."""

from typing import Annotated
from uuid import UUID

from litestar import post
from litestar.params import JSONBody
from pydantic import BaseModel, Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.errors import FieldError, Invalid
from chassis.http import Body, Given, Line, Operator, requires
from contracts.identity import Capability
from services.routing.commands.installers import ImportTerritory, import_territory
from services.routing.domain.territory_import import ImportMode, sheet_of_rows, told_change
from services.routing.http.fields import Note
from services.routing.http.installer_views import TerritoryShape
from services.routing.queries.imports import ImportPlan, plan_import

MOST_ROWS = 5_000
MOST_INSTALLERS = 300
"""More are for the page, whose worker does them one by one: here all wait for the last."""
LARGEST_SHEET_BYTES = 1_000_000
"""The page's is as large."""


class SheetRow(Body):
    """`installer` is an id, an ABN or a whole name; `place` a state, a range or a postcode, or several with commas."""

    installer: Line
    place: Line


class TerritoryImport(Body):
    """`add` leaves what installers have, `replace` leaves only what is named of those that are named."""

    rows: Annotated[list[SheetRow], Field(min_length=1, max_length=MOST_ROWS)]
    mode: ImportMode = ImportMode.ADD
    dry_run: bool = True
    reason: Note | None = None


class PlannedChange(BaseModel):
    installer_id: UUID
    name: str
    before: TerritoryShape
    after: TerritoryShape
    change: str | None = Field(description="null where nothing changes")


class ImportFaultView(BaseModel):
    row: int = Field(description="from 1")
    message: str


class ImportAnswer(BaseModel):
    is_done: bool
    changes: list[PlannedChange]
    faults: list[ImportFaultView]


@post(
    "/admin/territory-imports",
    guards=[requires(Capability.WRITE_ROUTING)],
    status_code=200,
    request_max_body_size=LARGEST_SHEET_BYTES,
)
async def import_territories(
    data: JSONBody[TerritoryImport], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> ImportAnswer:
    """A dry run unless told otherwise: what would change of each installer, and every row that cannot be read.

    Done, it is done as a whole: with a fault in one row nothing is changed. At most 300 installers at once.
    """
    sheet = sheet_of_rows((number, row.installer, row.place) for number, row in enumerate(data.rows, start=1))
    async with database.transaction() as session:
        plan = await plan_import(session, sheet, data.mode, MOST_INSTALLERS)
        if not data.dry_run:
            _refuse_faults(plan)
            for each in plan.planned:
                command = ImportTerritory(each.id, each.rows, data.mode, operator, data.reason)
                await import_territory(session, command, clock.now())
    return _answer(plan, is_done=not data.dry_run)


def _refuse_faults(plan: ImportPlan) -> None:
    faults = [FieldError(f"rows.{fault.number - 1}", "row_unreadable", fault.what) for fault in plan.faults]
    if faults:
        raise Invalid("nothing is changed while a row cannot be done", errors=tuple(faults))


def _answer(plan: ImportPlan, *, is_done: bool) -> ImportAnswer:
    return ImportAnswer(
        is_done=is_done,
        changes=[
            PlannedChange(
                installer_id=each.id,
                name=each.name,
                before=TerritoryShape.of(each.before),
                after=TerritoryShape.of(each.after),
                change=told_change(each.before, each.after) or None,
            )
            for each in plan.planned
        ],
        faults=[ImportFaultView(row=fault.number, message=fault.what) for fault in plan.faults],
    )


ROUTES = (import_territories,)
