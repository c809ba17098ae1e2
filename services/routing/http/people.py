"""An installer's contacts and notes over HTTP."""

from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

from litestar import Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Line, Operator, Text, requires
from chassis.ids import new_id
from contracts.identity import Capability
from services.routing.commands import contacts as commands
from services.routing.commands.contacts import AddContact, Contact, ContactChanges
from services.routing.commands.notes import AppendNote, append_note
from services.routing.domain.states import ContactRole
from services.routing.http.fields import Email, Phone, Why
from services.routing.queries import installers, people

MOST_NOTES = 200
LONGEST_NOTE = 2000
NoteText = Annotated[Text, StringConstraints(max_length=LONGEST_NOTE)]


def refuse_unreachable(email: str | None, phone: str | None) -> None:
    if email is None and phone is None:
        raise PydanticCustomError("contact_unreachable", "give an e-mail address, a telephone number or both")


class NewContact(Why):
    """With an `id`, sent twice it is one."""

    id: UUID | None = None
    name: Line
    role: ContactRole
    email: Email | None = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> "NewContact":
        refuse_unreachable(self.email, self.phone)
        return self

    def contact(self) -> Contact:
        return Contact(self.name, self.role, self.email, self.phone)


class ContactPatch(Why):
    """What is left out stays. Of `email` and `phone` one can be set to null, not both."""

    # The defaults are never read: `given` asks for what was sent. A factory's default is not documented as one.
    name: Line = Field(default_factory=str)
    role: ContactRole = Field(default_factory=lambda: ContactRole.OWNER)
    email: Email | None = None
    phone: Phone | None = None

    def given(self) -> ContactChanges:
        return cast(ContactChanges, {name: getattr(self, name) for name in self.model_fields_set - {"reason"}})


class ContactView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    role: ContactRole
    email: str | None
    phone: str | None
    created_at: datetime


class NewNote(Body):
    """With an `id`, sent twice it is one."""

    id: UUID | None = None
    text: NoteText


class NoteView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    text: str
    author_name: str
    created_at: datetime


@get("/admin/installers/{installer_id:uuid}/contacts", guards=[requires(Capability.READ_OPS)])
async def list_contacts(installer_id: FromPath[UUID], database: Given[Database]) -> list[ContactView]:
    async with database.reading() as session:
        await installers.get(session, installer_id)
        return [ContactView.model_validate(each) for each in await people.contacts_of(session, installer_id)]


@post("/admin/installers/{installer_id:uuid}/contacts", guards=[requires(Capability.WRITE_ROUTING)])
async def add_contact(
    installer_id: FromPath[UUID],
    data: JSONBody[NewContact],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Response[ContactView]:
    """Whom of it to call or write to; leads and invoices go where its particulars say."""
    command = AddContact(data.id or new_id(), installer_id, data.contact(), operator, data.reason)
    async with database.transaction() as session:
        return Response(ContactView.model_validate(await commands.add_contact(session, command, clock.now())))


@patch("/admin/installers/{installer_id:uuid}/contacts/{contact_id:uuid}", guards=[requires(Capability.WRITE_ROUTING)])
async def change_contact(
    installer_id: FromPath[UUID],
    contact_id: FromPath[UUID],
    data: JSONBody[ContactPatch],
    database: Given[Database],
    operator: Given[Operator],
) -> ContactView:
    """Change what is given; the rest stays."""
    async with database.transaction() as session:
        changed = await commands.change_contact(session, installer_id, contact_id, data.given(), operator, data.reason)
        return ContactView.model_validate(changed)


@delete("/admin/installers/{installer_id:uuid}/contacts/{contact_id:uuid}", guards=[requires(Capability.WRITE_ROUTING)])
async def remove_contact(
    installer_id: FromPath[UUID],
    contact_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    data: JSONBody[Why | None] = None,
) -> None:
    """It is shown nowhere any more."""
    reason = data.reason if data else None
    async with database.transaction() as session:
        await commands.remove_contact(session, installer_id, contact_id, operator, clock.now(), reason)


@get("/admin/installers/{installer_id:uuid}/notes", guards=[requires(Capability.READ_OPS)])
async def list_notes(installer_id: FromPath[UUID], database: Given[Database]) -> list[NoteView]:
    """The latest first."""
    async with database.reading() as session:
        await installers.get(session, installer_id)
        return [NoteView.model_validate(each) for each in await people.notes_of(session, installer_id, MOST_NOTES)]


@post("/admin/installers/{installer_id:uuid}/notes", guards=[requires(Capability.WRITE_ROUTING)])
async def write_note(
    installer_id: FromPath[UUID],
    data: JSONBody[NewNote],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Response[NoteView]:
    """Written once: what is wrong in one is said in the next."""
    command = AppendNote(data.id or new_id(), installer_id, data.text, operator)
    async with database.transaction() as session:
        return Response(NoteView.model_validate(await append_note(session, command, clock.now())))


ROUTES = (
    list_contacts,
    add_contact,
    change_contact,
    remove_contact,
    list_notes,
    write_note,
)
