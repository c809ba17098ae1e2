"""What the forms do that say when an installer takes leads: one command each, unless somebody was faster."""

from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.clock import Clock
from chassis.console import Console, form_at
from chassis.console.fields import instant_of
from chassis.database import Database
from chassis.http import Given, Operator
from services.routing.commands.absences import AddAbsence, EndAbsence, add_absence, end_absence
from services.routing.commands.hours import SetHours, SetShareWeight, set_hours, set_share_weight
from services.routing.http.hours import stored_hours
from services.routing.pages.availability_forms import AbsenceForm, EndAbsenceForm, HoursForm, ShareForm
from services.routing.pages.installer_deeds import WRITE
from services.routing.pages.installer_routes import back_to, do_unless_changed
from services.routing.pages.telling import INSTALLERS as PATH


@form_at(PATH + "/{installer_id:uuid}/hours", WRITE)
async def set_hours_by_form(
    installer_id: FromPath[UUID],
    data: JSONBody[HoursForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = SetHours(
        installer_id=installer_id,
        hours=stored_hours(data.hours),
        home_state=data.home_state,
        keeps_public_holidays=data.keeps_public_holidays,
        by=operator,
        reason=data.reason,
    )
    await do_unless_changed(database, installer_id, data, lambda session: set_hours(session, command, clock.now()))
    return back_to(console, installer_id, "hours")


@form_at(PATH + "/{installer_id:uuid}/absences", WRITE)
async def add_absence_by_form(
    installer_id: FromPath[UUID],
    data: JSONBody[AbsenceForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    zone = console.wording.zone
    command = AddAbsence(
        absence_id=data.id,
        installer_id=installer_id,
        kind=data.kind,
        starts_at=instant_of(data.starts, zone) if data.starts else None,
        ends_at=instant_of(data.ends, zone) if data.ends else None,
        reason=data.reason,
        by=operator,
    )
    await do_unless_changed(database, installer_id, data, lambda session: add_absence(session, command, clock.now()))
    return back_to(console, installer_id, "away")


@form_at(PATH + "/{installer_id:uuid}/absences/end", WRITE)
async def end_absence_by_form(
    installer_id: FromPath[UUID],
    data: JSONBody[EndAbsenceForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = EndAbsence(installer_id, data.absence_id, data.reason, operator)
    await do_unless_changed(database, installer_id, data, lambda session: end_absence(session, command, clock.now()))
    return back_to(console, installer_id, "end-absence")


@form_at(PATH + "/{installer_id:uuid}/share", WRITE)
async def set_share_by_form(
    installer_id: FromPath[UUID],
    data: JSONBody[ShareForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = SetShareWeight(installer_id, data.weight, operator, data.reason)
    await do_unless_changed(
        database, installer_id, data, lambda session: set_share_weight(session, command, clock.now())
    )
    return back_to(console, installer_id, "share")


ROUTES = (
    set_hours_by_form,
    add_absence_by_form,
    end_absence_by_form,
    set_share_by_form,
)
