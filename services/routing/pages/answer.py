"""What an installer may be told who asks why it did not get a lead, to be copied into a mail."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, FromQuery, QueryParameter

from chassis.clock import Clock
from chassis.console import Console, page_at
from chassis.console.documents import Document, Note, Part, show_document
from chassis.database import Database
from chassis.http import Given
from contracts.identity import Capability
from services.routing.domain.windows import WallClock
from services.routing.http.answers import about_lead, about_time
from services.routing.pages.installer_page import InstallerPage
from services.routing.pages.installers import ROOM
from services.routing.pages.telling import INSTALLERS
from services.routing.queries import dispatches, installers

PATH = INSTALLERS + "/{installer_id:uuid}/answer"
DAYS = 30

First = Annotated[date | None, QueryParameter(name="from")]
Last = Annotated[date | None, QueryParameter(name="to")]


@page_at(PATH, Capability.READ_OPS)
async def show_answer(
    installer_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    first: First = None,
    last: Last = None,
    lead_id: FromQuery[UUID | None] = None,
) -> Response[str]:
    """On the lead, where one is named; otherwise on the time, the last 30 days where none is."""
    async with database.reading() as session:
        installer = await installers.get(session, installer_id)
        today = clock.now().astimezone(WallClock.of(installer.time_zone).zone).date()
        last = last or today
        first = first or last - timedelta(days=DAYS - 1)
        if lead_id is not None:
            lead = await dispatches.get(session, lead_id)
            about = f"The lead in {lead.postcode} {lead.state} of {console.wording.exact(lead.received_at)}"
            sentences = await about_lead(session, lead_id, installer_id)
        else:
            about = f"From {first:%-d %B %Y} to {last:%-d %B %Y}"
            sentences = (await about_time(session, installer_id, first, last)).sentences
    path = f"{INSTALLERS}/{installer_id}"
    document = Document(
        title=f"Answer to {installer.name}",
        room=ROOM,
        up=(installer.name, path),
        sentence="Why it did or did not get leads, from what was recorded when they were decided.",
        notes=[Note("It may be sent as it is", "It names no other installer and tells no figure of theirs.")],
        sections=(answer_part(about, sentences), ask_part(path, first, last, "Ask about something else")),
        timeline=None,
    )
    return show_document(console, request, document)


def answer_part(about: str, sentences: Sequence[str]) -> Part:
    return Part(about, "answer.html", {"text": "\n\n".join(sentences)})


def ask_part(path: str, first: date, last: date, title: str) -> Part:
    return Part(title, "ask.html", {"path": f"{path}/answer", "first": first.isoformat(), "last": last.isoformat()})


async def why_not_me(page: InstallerPage) -> Part:
    """The forms, on the installer's own page."""
    today = page.now.astimezone(WallClock.of(page.installer.time_zone).zone).date()
    return ask_part(page.path, today - timedelta(days=DAYS - 1), today, "“Why not me?”")


ROUTES = (show_answer,)
