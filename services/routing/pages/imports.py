"""Territories of many installers from a sheet: pasted, seen per installer, then done by a bulk action."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response
from litestar.params import JSONBody
from pydantic import StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action
from chassis.console.bulk import BulkAction, Verdict, Work, jobs
from chassis.console.bulk.routes import bulk_routes
from chassis.console.fields import FieldKind, FormField, filled
from chassis.console.wording import counted
from chassis.database import Database
from chassis.http import Given, Operator, Text
from services.routing.commands.installers import ImportTerritory, import_territory
from services.routing.domain.territory_import import MOST_ROWS, ImportMode, Sheet, keys_of, sheet_of, told_change
from services.routing.http.fields import Note
from services.routing.http.imports import LARGEST_SHEET_BYTES
from services.routing.models import Installer
from services.routing.pages.installer_deeds import WRITE
from services.routing.pages.installers import LISTING, ROOM
from services.routing.pages.reasons import WHY
from services.routing.pages.telling import INSTALLERS
from services.routing.queries.imports import ImportPlan, PlannedTerritory, plan_import

PATH = f"{INSTALLERS}/import-territories"
LARGEST_FORM_BYTES = 3 * LARGEST_SHEET_BYTES
"""What is no letter or digit takes three in a form."""


class ImportForm(Form):
    sheet: Annotated[Text, StringConstraints(max_length=LARGEST_SHEET_BYTES)]
    mode: ImportMode = ImportMode.ADD
    reason: Note | None = None


MODES = [
    (ImportMode.ADD.value, "Add to what each of them has"),
    (ImportMode.REPLACE.value, "Replace what each of them has; who is not named keeps all"),
]
FIELDS = (
    FormField(
        "sheet",
        "Rows",
        FieldKind.PROSE,
        hint="One a line: id, ABN or whole name; then a state, a range or a postcode. As Southern Sun Solar; "
        f"2000-2234. Or a CSV with columns as id and territory. At most {MOST_ROWS:,} rows",
        is_required=True,
        longest=LARGEST_SHEET_BYTES,
    ),
    FormField(
        "mode", "What becomes of their territories", FieldKind.RADIO, ImportMode.ADD, is_required=True, options=MODES
    ),
    replace(WHY, hint="Stands in the timeline of each"),
)


@page_at(PATH, WRITE)
async def show_import(request: Request[Any, Any, Any], console: Given[Console]) -> Response[str]:
    return _page(request, console, FIELDS, None)


async def _read(sheet: str) -> Sheet:
    """Beside all else that is asked meanwhile: a large one takes a while."""
    return await asyncio.to_thread(sheet_of, sheet)


@form_at(PATH, WRITE, request_max_body_size=LARGEST_FORM_BYTES)
async def look_at_import(
    request: Request[Any, Any, Any],
    data: JSONBody[ImportForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Response[Any]:
    """With a fault the page is shown again, with all that was written; else what would change of each installer."""
    sheet = await _read(data.sheet)
    async with database.transaction() as session:
        plan = await plan_import(session, sheet, data.mode)
        if plan.faults or not plan.planned:
            return _page(request, console, filled(FIELDS, data.model_dump(mode="json")), plan)
        ids, now = [each.id for each in plan.planned], clock.now()
        job_id = await jobs.propose(session, jobs.Propose(IMPORTS.name, IMPORT, ids, operator), now)
        await jobs.preview(session, job_id, IMPORT, data, operator, now, console.wording.zone)
    return console.redirect(f"{PATH}/bulk/{job_id}")


def _page(
    request: Request[Any, Any, Any], console: Console, fields: Sequence[FormField], plan: ImportPlan | None
) -> Response[str]:
    action = Action("import", "Look at the import", PATH, fields=fields)
    return console.page(request, "import_territories.html", {"action": action, "plan": plan}, room=ROOM)


async def _look(session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> dict[UUID, Verdict]:
    found = await session.execute(select(Installer.id, Installer.name).where(Installer.id.in_(ids)))
    return {row.id: Verdict(row.name) for row in found}


async def _look_with(
    session: AsyncSession, ids: Sequence[UUID], form: ImportForm, now: datetime, _zone: ZoneInfo
) -> dict[UUID, Verdict]:
    """A sheet that was filled in again may name others: they are not of this action, and those left out stay."""
    plan = await plan_import(session, await _read(form.sheet), form.mode)
    planned = {each.id: each for each in plan.planned}
    named = await _look(session, ids, now)
    if plan.faults or planned.keys() - set(ids):
        why = "a row of the sheet cannot be read, or names an installer that is not here: begin the import anew"
        return {id_: Verdict(known.name, why) for id_, known in named.items()}
    return {
        id_: _verdict(planned[id_]) if id_ in planned else Verdict(known.name, "the sheet does not name it")
        for id_, known in named.items()
    }


def _verdict(planned: PlannedTerritory) -> Verdict:
    if planned.obstacle:
        return Verdict(planned.name, planned.obstacle)
    return Verdict(planned.name, effect=told_change(planned.before, planned.after))


async def _do(work: Work) -> None:
    form = work.form
    assert isinstance(form, ImportForm)  # noqa: S101  # the action's own form
    sheet = await _read(form.sheet)
    async with work.transaction() as session:
        row = await session.get_one(Installer, work.id)
        own = sheet.named(keys_of(row.id, row.abn, row.name))
        await import_territory(
            session, ImportTerritory(row.id, own, form.mode, work.actor, form.reason), work.clock.now()
        )


IMPORT = BulkAction(
    name="import",
    label="Import territories",
    capability=WRITE,
    look=_look,
    look_with=_look_with,
    do=_do,
    form=ImportForm,
    fields=FIELDS,
    largest_form_bytes=LARGEST_FORM_BYTES,
    effect=lambda number: (
        f"Sets the territories of {counted(number, 'installer', 'installers')} from the sheet. Leads that are given "
        "already stay where they are."
    ),
)
IMPORTS = replace(LISTING, name="territory-imports", title="Import territories", path=PATH, bulk=(IMPORT,), room=ROOM)
"""The installers again, for the one deed whose rows are named by a sheet and not picked from the list."""

ROUTES = (show_import, look_at_import, *bulk_routes(IMPORTS))
