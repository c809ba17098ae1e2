"""The forms of contacts and notes."""

from uuid import UUID

from pydantic import model_validator

from chassis.console import Form
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.http import Line
from services.routing.commands.contacts import Contact, ContactChanges
from services.routing.domain.states import ContactRole
from services.routing.http.fields import Email, Phone, Why
from services.routing.http.people import LONGEST_NOTE, NoteText, refuse_unreachable
from services.routing.models import InstallerContact
from services.routing.pages.installer_forms import WhyForm
from services.routing.pages.reasons import WHY


class _ContactFields(Form):
    name: Line
    role: ContactRole
    email: Email | None = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> "_ContactFields":
        refuse_unreachable(self.email, self.phone)
        return self


class AddContactForm(Why, _ContactFields):
    """`id` comes with the page, so that what is sent twice is added once."""

    id: UUID

    def contact(self) -> Contact:
        return Contact(self.name, self.role, self.email, self.phone)


class ChangeContactForm(_ContactFields, WhyForm):
    """What is left empty is taken away."""

    def changes(self) -> ContactChanges:
        return ContactChanges(name=self.name, role=self.role, email=self.email, phone=self.phone)


class NoteForm(Form):
    """`id` comes with the page, so that what is sent twice is written once."""

    id: UUID
    text: NoteText


def contact_fields(contact: InstallerContact | None = None) -> list[FormField]:
    return [
        FormField("name", "Name", value=contact.name if contact else "", is_required=True),
        FormField(
            "role",
            "Role",
            FieldKind.CHOICE,
            contact.role if contact else "",
            is_required=True,
            options=options_of(ContactRole),
        ),
        FormField(
            "email",
            "E-mail",
            FieldKind.EMAIL,
            (contact.email if contact else None) or "",
            hint="At least one of e-mail and phone",
            longest=254,
        ),
        FormField("phone", "Phone", value=(contact.phone if contact else None) or "", longest=40),
        WHY,
    ]


def note_field() -> FormField:
    return FormField("text", "Note", FieldKind.PROSE, is_required=True, longest=LONGEST_NOTE)
