"""What the forms of an installer's page do: one command each, unless somebody was faster."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, form_at
from chassis.console.timeline import refuse_if_changed
from chassis.database import Database
from chassis.http import Given, Operator
from services.routing.commands import installers as commands
from services.routing.commands.installers import ChangeStatus
from services.routing.http.installers import refuse_billing_fields
from services.routing.pages.installer_deeds import WRITE
from services.routing.pages.installer_forms import (
    CapsForm,
    ChangeStatusForm,
    ContactsForm,
    InvoicingForm,
    SeenForm,
    TerritoryForm,
)
from services.routing.pages.telling import INSTALLERS as PATH

Deed: TypeAlias = Callable[[AsyncSession], Awaitable[Any]]


async def do_unless_changed(database: Database, installer_id: UUID, form: SeenForm, deed: Deed) -> None:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("installer", installer_id), form.seen)
        await deed(session)


def back_to(console: Console, installer_id: UUID, done: str) -> Redirect:
    return console.redirect(f"{PATH}/{installer_id}?done={done}")


@form_at(PATH + "/{installer_id:uuid}/status", WRITE)
async def change_status_by_form(
    installer_id: FromPath[UUID],
    data: JSONBody[ChangeStatusForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = ChangeStatus(installer_id, data.status, data.reason, operator)
    await do_unless_changed(
        database, installer_id, data, lambda session: commands.change_status(session, command, clock.now())
    )
    return back_to(console, installer_id, "status")


@form_at(PATH + "/{installer_id:uuid}/caps", WRITE)
async def set_caps_by_form(
    installer_id: FromPath[UUID],
    data: JSONBody[CapsForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    limits = data.limits()
    await do_unless_changed(
        database,
        installer_id,
        data,
        lambda session: commands.set_caps(session, installer_id, limits, operator, clock.now(), data.reason),
    )
    return back_to(console, installer_id, "caps")


@form_at(PATH + "/{installer_id:uuid}/territory", WRITE)
async def set_territory_by_form(
    installer_id: FromPath[UUID],
    data: JSONBody[TerritoryForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    territory = data.territory.territory()
    await do_unless_changed(
        database,
        installer_id,
        data,
        lambda session: commands.set_territory(session, installer_id, territory, operator, clock.now(), data.reason),
    )
    return back_to(console, installer_id, "territory")


@form_at(PATH + "/{installer_id:uuid}/contacts", WRITE)
async def edit_contacts_by_form(
    installer_id: FromPath[UUID],
    data: JSONBody[ContactsForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await _change(database, installer_id, data, operator, clock)
    return back_to(console, installer_id, "contacts")


@form_at(PATH + "/{installer_id:uuid}/invoicing", WRITE)
async def edit_invoicing_by_form(
    installer_id: FromPath[UUID],
    data: JSONBody[InvoicingForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await _change(database, installer_id, data, operator, clock)
    return back_to(console, installer_id, "invoicing")


async def _change(
    database: Database, installer_id: UUID, form: ContactsForm | InvoicingForm, operator: Operator, clock: Clock
) -> None:
    changes = form.changes()
    refuse_billing_fields(changes, operator)
    await do_unless_changed(
        database,
        installer_id,
        form,
        lambda session: commands.change_particulars(session, installer_id, changes, operator, clock.now(), form.reason),
    )


ROUTES = (
    change_status_by_form,
    set_caps_by_form,
    set_territory_by_form,
    edit_contacts_by_form,
    edit_invoicing_by_form,
)
