"""One installer: who it is, where it works, how full it is, what it got last, and what can be done with it."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath
from markupsafe import Markup

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Elsewhere, Fact, show_document
from chassis.console.timeline import moments_of
from chassis.console.wording import words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.routing.domain.places import lines_of
from services.routing.models import Installer
from services.routing.pages import (
    availability,
    delivery,
    installer_actions,
    installer_notes,
    installer_sections,
    people,
    preflight,
    scorecard,
)
from services.routing.pages.answer import why_not_me
from services.routing.pages.installer_page import InstallerPage, MakeAction, MakeNote, MakeSection, read_page
from services.routing.pages.installers import ROOM
from services.routing.pages.telling import INSTALLER_TONES
from services.routing.pages.telling import INSTALLERS as PATH
from services.routing.queries import installers

ACTIONS: tuple[tuple[str, tuple[MakeAction, ...]], ...] = (
    (
        "What it gets",
        (
            installer_actions.change_status,
            installer_actions.set_caps,
            availability.set_share,
            installer_actions.set_territory,
        ),
    ),
    ("When it works", (availability.set_hours, availability.add_absence, availability.end_absence)),
    (
        "How leads reach it",
        (delivery.set_channel, delivery.send_test, delivery.rotate_secret, delivery.close_breaker),
    ),
    (
        "Who it is",
        (
            installer_actions.edit_contacts,
            people.add_contact,
            people.write_note,
            installer_actions.edit_invoicing,
        ),
    ),
)
NOTES: tuple[MakeNote, ...] = (
    installer_notes.gets_no_leads,
    delivery.holds_back,
)
SECTIONS: tuple[MakeSection, ...] = (
    installer_sections.caps,
    scorecard.scorecard,
    preflight.checklist,
    availability.when_it_works,
    availability.absences_of_it,
    installer_sections.territory,
    delivery.channels,
    people.contacts,
    people.notes,
    installer_sections.last_assignments,
    why_not_me,
)
VERBS = {
    "add_installer": "added it",
    "change_installer": "changed its particulars",
    "change_installer_status": "changed its status",
    "close_breaker": "closed its breaker",
    "open_breaker": "opened its breaker: nothing is sent that way until a try goes well",
    "rotate_webhook_secret": "rotated its webhook's secret",
    "set_caps": "set its caps",
    "set_channel": "set its delivery channel",
    "test_webhook": "sent a test to its webhook",
    "add_contact": "added a contact",
    "change_contact": "changed a contact",
    "remove_contact": "removed a contact",
    "append_note": "wrote a note",
    "add_absence": "added an absence",
    "end_absence": "ended an absence",
    "set_hours": "set its working hours",
    "set_share_weight": "set its share",
    "set_territory": "set its territory",
    "import_territory": "imported its territory",
}


@page_at(PATH + "/{installer_id:uuid}", Capability.READ_OPS)
async def show_installer(
    installer_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        document = await _document(await read_page(session, installer_id, console, operator, clock.now()))
    return show_document(console, request, document, done)


async def _document(page: InstallerPage) -> Document:
    installer = page.installer
    billing = page.console.addresses.url("billing", f"/console/accounts/{installer.id}")
    return Document(
        title=installer.name,
        room=ROOM,
        up=("Installers", f"{PATH}?status=active"),
        states=(chip(words(installer.status), INSTALLER_TONES[installer.status]), *availability.away_chip(page)),
        sentence=await _sentence(page),
        notes=[note for make in NOTES if (note := await make(page)) is not None],
        facts=_facts(installer),
        actions=[replace(await make(page), group=group) for group, makers in ACTIONS for make in makers],
        sections=[await make(page) for make in SECTIONS],
        timeline=await moments_of(page.session, [Subject("installer", installer.id)], VERBS, page.console.wording),
        elsewhere=(Elsewhere("Billing", "billing", "installer", installer.id),),
        links=(("Plan and invoices", billing),),
    )


async def _sentence(page: InstallerPage) -> Markup:
    places = lines_of(page.territory)
    where = ", ".join(places[:3]) + (f" and {len(places) - 3:,} places more" if len(places) > 3 else "")
    services = words(", ".join(page.installer.services)).lower()
    told = Markup("Takes {} leads in {}. ").format(services, where or "no place yet")
    told += availability.away_sentence(page)
    turn = await installers.last_turn_of(page.session, page.installer.id)
    if turn is None:
        return told + "It has not got one yet."
    return told + Markup("The last one was given {}.").format(page.console.wording.ago(turn))


def _facts(installer: Installer) -> list[Fact]:
    return [
        Fact("E-mail for leads", Shown(installer.email)),
        Fact("Phone", Shown(installer.phone)),
        Fact("Services", ", ".join(words(service) for service in installer.services)),
        Fact("Time zone", installer.time_zone),
        Fact("ABN", Shown(installer.abn)),
        Fact("Registered for GST", Shown(installer.gst_registered, Kind.YES_NO)),
        Fact("E-mail for invoices", Shown(installer.billing_email)),
        Fact("Address on invoices", Shown(installer.billing_address)),
        Fact("Status since", Shown(installer.status_since, Kind.INSTANT)),
        Fact("Added", Shown(installer.created_at, Kind.DAY)),
        Fact("Installer id", Shown(installer.id, Kind.ID)),
    ]


ROUTES = (show_installer,)
