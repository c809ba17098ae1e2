"""One contact of an installer: who it is, and what can be done with it."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, form_at, page_at
from chassis.console.actions import Action, WhyNot, refused
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Document, Done, Fact, show_document
from chassis.console.timeline import seen_of
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.routing.commands.contacts import AddContact, add_contact, change_contact, remove_contact
from services.routing.commands.notes import AppendNote, append_note
from services.routing.domain.states import ContactRole
from services.routing.models import Installer, InstallerContact
from services.routing.pages.installer_deeds import WRITE
from services.routing.pages.installer_forms import WhyForm
from services.routing.pages.installer_routes import back_to, do_unless_changed
from services.routing.pages.installers import ROOM
from services.routing.pages.people_forms import (
    AddContactForm,
    ChangeContactForm,
    NoteForm,
    contact_fields,
)
from services.routing.pages.reasons import WHY
from services.routing.pages.telling import INSTALLERS as PATH
from services.routing.queries import installers, people

SPEAKS = {
    ContactRole.OWNER: "Owns or runs",
    ContactRole.DISPATCH: "Is asked about leads at",
    ContactRole.ACCOUNTS: "Is asked about invoices at",
    ContactRole.SITE: "Is asked about work on site at",
}
CONTACT = PATH + "/{installer_id:uuid}/people/{contact_id:uuid}"


@page_at(CONTACT, Capability.READ_OPS)
async def show_contact(
    installer_id: FromPath[UUID],
    contact_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        installer = await installers.get(session, installer_id)
        contact = await people.contact(session, installer_id, contact_id)
        seen = await seen_of(session, Subject("installer", installer_id))
    return show_document(console, request, _document(installer, contact, refused(operator, WRITE), seen), done)


def _document(installer: Installer, contact: InstallerContact, can: WhyNot, seen: str) -> Document:
    path = f"{PATH}/{installer.id}/people/{contact.id}"
    return Document(
        title=contact.name,
        room=ROOM,
        up=(installer.name, f"{PATH}/{installer.id}"),
        sentence=f"{SPEAKS[contact.role]} {installer.name}.",
        facts=[
            Fact("E-mail", Shown(contact.email)),
            Fact("Phone", Shown(contact.phone)),
            Fact("Added", Shown(contact.created_at, Kind.DAY)),
        ],
        actions=[
            Action(
                "change",
                "Change contact",
                f"{path}/change",
                fields=contact_fields(contact),
                hidden={"seen": seen},
                done="The contact is changed",
                **can,
            ),
            Action(
                "remove",
                "Remove contact",
                f"{path}/remove",
                effect="It is shown nowhere any more. What was done with it stays in the installer’s timeline.",  # noqa: RUF001  # as print has it
                fields=(WHY,),
                hidden={"seen": seen},
                destroys=True,
                **can,
            ),
        ],
        timeline=None,
    )


@form_at(PATH + "/{installer_id:uuid}/people", WRITE)
async def add_contact_by_form(
    installer_id: FromPath[UUID],
    data: JSONBody[AddContactForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = AddContact(data.id, installer_id, data.contact(), operator, data.reason)
    async with database.transaction() as session:
        await add_contact(session, command, clock.now())
    return back_to(console, installer_id, "add-contact")


@form_at(PATH + "/{installer_id:uuid}/notes", WRITE)
async def write_note_by_form(
    installer_id: FromPath[UUID],
    data: JSONBody[NoteForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await append_note(session, AppendNote(data.id, installer_id, data.text, operator), clock.now())
    return back_to(console, installer_id, "note")


@form_at(CONTACT + "/change", WRITE)
async def change_contact_by_form(
    installer_id: FromPath[UUID],
    contact_id: FromPath[UUID],
    data: JSONBody[ChangeContactForm],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
) -> Redirect:
    changes = data.changes()
    await do_unless_changed(
        database,
        installer_id,
        data,
        lambda session: change_contact(session, installer_id, contact_id, changes, operator, data.reason),
    )
    return console.redirect(f"{PATH}/{installer_id}/people/{contact_id}?done=change")


@form_at(CONTACT + "/remove", WRITE)
async def remove_contact_by_form(
    installer_id: FromPath[UUID],
    contact_id: FromPath[UUID],
    data: JSONBody[WhyForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await do_unless_changed(
        database,
        installer_id,
        data,
        lambda session: remove_contact(session, installer_id, contact_id, operator, clock.now(), data.reason),
    )
    return back_to(console, installer_id, "remove-contact")


ROUTES = (
    show_contact,
    add_contact_by_form,
    write_note_by_form,
    change_contact_by_form,
    remove_contact_by_form,
)
