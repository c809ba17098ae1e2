"""One installer: who it is, where it works, how full it is, what it got last, and what can be done with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Elsewhere, Fact, Facts, Note, Table, show_document
from chassis.console.timeline import Moment, moments_of, seen_of
from chassis.console.wording import words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.routing.domain.eligibility import WindowCount
from services.routing.domain.places import lines_of
from services.routing.domain.profile import Territory
from services.routing.domain.windows import WallClock
from services.routing.models import Assignment, Dispatch, Installer
from services.routing.pages.installer_forms import actions_for
from services.routing.pages.installers import ROOM
from services.routing.pages.telling import (
    ASSIGNMENT_TONES,
    ASSIGNMENTS,
    INSTALLER_TONES,
    lead_title,
    told_limit,
    told_use,
)
from services.routing.pages.telling import INSTALLERS as PATH
from services.routing.queries import assignments, installers
from services.routing.queries.counters import usage_of

VERBS = {
    "add_installer": "added it",
    "change_installer": "changed its particulars",
    "change_installer_status": "changed its status",
    "set_caps": "set its caps",
    "set_territory": "set its territory",
}
LAST = 20


@dataclass(frozen=True, slots=True)
class _Read:
    installer: Installer
    territory: Territory
    usage: Sequence[WindowCount]
    turn: datetime | None
    last: Sequence[tuple[Assignment, Dispatch]]
    timeline: Sequence[Moment]
    seen: str


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
        read = await _read(session, installer_id, clock.now(), console)
    document = Document(
        title=read.installer.name,
        room=ROOM,
        up=("Installers", f"{PATH}?status=active"),
        states=(chip(words(read.installer.status), INSTALLER_TONES[read.installer.status]),),
        sentence=_sentence(read, console),
        notes=_notes(read),
        facts=_facts(read.installer),
        actions=actions_for(operator, read.installer, read.territory, read.seen),
        sections=(_caps(read), _territory(read.territory), _last(read)),
        timeline=read.timeline,
        elsewhere=(Elsewhere("Billing", "billing", "installer", installer_id),),
        links=(("Plan and invoices", console.addresses.url("billing", f"/console/accounts/{installer_id}")),),
    )
    return show_document(console, request, document, done)


async def _read(session: AsyncSession, installer_id: UUID, now: datetime, console: Console) -> _Read:
    installer = await installers.get(session, installer_id)
    subject = Subject("installer", installer_id)
    usage = await usage_of(session, [installer], now)
    return _Read(
        installer=installer,
        territory=await installers.territory_of(session, installer_id),
        usage=usage[installer_id],
        turn=await installers.last_turn_of(session, installer_id),
        last=await assignments.last_of(session, installer_id, LAST),
        timeline=await moments_of(session, [subject], VERBS, console.wording),
        seen=await seen_of(session, subject),
    )


def _sentence(read: _Read, console: Console) -> Markup:
    places = lines_of(read.territory)
    where = ", ".join(places[:3]) + (f" and {len(places) - 3:,} places more" if len(places) > 3 else "")
    services = words(", ".join(read.installer.services)).lower()
    told = Markup("Takes {} leads in {}. ").format(services, where or "no place yet")
    if read.turn is None:
        return told + "It has not got one yet."
    return told + Markup("The last one was given {}.").format(console.wording.ago(read.turn))


def _notes(read: _Read) -> list[Note]:
    """Why no lead goes there now, all of it at once."""
    reasons = []
    if not read.installer.status.takes_leads:
        reasons.append(f"It is {read.installer.status}.")
    if not lines_of(read.territory):
        reasons.append("It has no territory.")
    if not WallClock.of(read.installer.time_zone).is_known:
        reasons.append("Its time zone is known no longer: nobody can say when its days begin.")
    for count in read.usage:
        limit = read.installer.limits.of(count.window.kind)
        if limit is not None and count.taken >= limit:
            reasons.append(f"Its cap of the {count.window.kind} is full: {count.taken:,} of {limit:,}.")
    return [Note("Gets no leads now", tone="warning", items=[(reason, "") for reason in reasons])] if reasons else []


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


def _caps(read: _Read) -> Table:
    heads = (
        ("Window", Kind.TEXT),
        ("Taken", Kind.TEXT),
        ("Cap", Kind.NUMBER),
        ("Delivered", Kind.NUMBER),
        ("On their way", Kind.NUMBER),
        ("Not deliverable", Kind.NUMBER),
        ("Begins anew", Kind.INSTANT),
    )
    rows = [
        (
            {"day": "Today", "week": "This week", "month": "This cycle"}[count.window.kind],
            told_use(count.taken, limit := read.installer.limits.of(count.window.kind)),
            told_limit(limit),
            Shown(count.used, Kind.NUMBER),
            Shown(count.reserved, Kind.NUMBER),
            Shown(count.failed, Kind.NUMBER),
            Shown(count.window.ends_at, Kind.INSTANT),
        )
        for count in read.usage
    ]
    note = f"By its own clock, {read.installer.time_zone}. Delivered leads whose place was released do not count."
    return Table("Caps and their use now", heads, rows, note=note)


def _territory(territory: Territory) -> Facts:
    ranges = ", ".join(f"{r.first}–{r.last}" for r in territory.ranges)  # noqa: RUF001  # as print has it
    return Facts(
        "Territory",
        [
            Fact("Whole states", Shown(", ".join(sorted(territory.states)))),
            Fact("Ranges of postcodes", Shown(ranges)),
            Fact("Single postcodes", Shown(", ".join(sorted(territory.postcodes)))),
        ],
    )


def _last(read: _Read) -> Table:
    return Table(
        f"Last {LAST} assignments",
        (
            ("Lead", Kind.TEXT),
            ("Product", Kind.WORD),
            ("Status", Kind.CHIP),
            ("Cap", Kind.WORD),
            ("Given", Kind.AGO),
            ("Sent", Kind.AGO),
        ),
        [
            (
                Shown(lead_title(lead), path=f"{ASSIGNMENTS}/{each.id}"),
                Shown(each.product_type, Kind.WORD),
                Shown(each.status, Kind.CHIP, tones=ASSIGNMENT_TONES),
                Shown(each.cap_state, Kind.WORD),
                Shown(each.created_at, Kind.AGO),
                Shown(each.sent_at, Kind.AGO),
            )
            for each, lead in read.last
        ],
        empty="It has not got a lead yet.",
        more=("All of its assignments", f"{ASSIGNMENTS}?installer_id={read.installer.id}") if read.last else None,
    )


ROUTES = (show_installer,)
