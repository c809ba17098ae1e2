"""The people of an installer and what is kept in mind about it: sections and deeds of its page."""

from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Part, Section, Table
from chassis.ids import new_id
from services.routing.pages.installer_deeds import WRITE
from services.routing.pages.installer_page import InstallerPage
from services.routing.pages.people_forms import contact_fields, note_field
from services.routing.queries import people

LAST_NOTES = 50


async def add_contact(page: InstallerPage) -> Action:
    return Action(
        "add-contact",
        "Add a contact",
        f"{page.path}/people",
        effect="Somebody to call or to write to. Leads and invoices go where the particulars say, whoever is added.",
        fields=contact_fields(),
        hidden={"id": str(new_id())},
        done="The contact is added",
        **refused(page.operator, WRITE),
    )


async def write_note(page: InstallerPage) -> Action:
    return Action(
        "note",
        "Write a note",
        f"{page.path}/notes",
        effect="Every operator reads it here. It is written once: what is wrong in it is said in the next.",
        fields=(note_field(),),
        hidden={"id": str(new_id())},
        done="The note is written",
        **refused(page.operator, WRITE),
    )


async def contacts(page: InstallerPage) -> Section:
    found = await people.contacts_of(page.session, page.installer.id)
    return Table(
        "Contacts",
        (("Name", Kind.TEXT), ("Role", Kind.WORD), ("E-mail", Kind.TEXT), ("Phone", Kind.TEXT)),
        [
            (
                Shown(each.name, path=f"{page.path}/people/{each.id}"),
                Shown(each.role, Kind.WORD),
                Shown(each.email),
                Shown(each.phone),
            )
            for each in found
        ],
        empty="Nobody is known by name.",
    )


async def notes(page: InstallerPage) -> Section:
    found = await people.notes_of(page.session, page.installer.id, LAST_NOTES)
    return Part("Notes", "installer_notes.html", {"notes": found})
