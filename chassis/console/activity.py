"""Activity: who did what to what in this service, with before and after, the reason and the request."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from sqlalchemy import Row, cast, func, select
from sqlalchemy import Text as SqlText
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import BULK_JOB, SEARCHED, Subject, actor_name, actors, audit_entries, find_entry
from chassis.console.cells import Kind, Shown, link
from chassis.console.documents import Document, Fact, Table, show_document
from chassis.console.doors import Door, nowhere
from chassis.console.listing import Column, Days, Empty, Listing, Offered, Search, Tab, Text, routes_of
from chassis.console.page import Console
from chassis.console.routes import page_at
from chassis.console.siblings import ACTIVITY
from chassis.console.timeline import changes_of, moments_of
from chassis.console.wording import Wording, words
from chassis.database import Database
from chassis.http.given import Given
from contracts.identity import Capability

ROOM = "activity"
ID_LENGTH = 36
Doors: TypeAlias = Mapping[str, Door]
ENTRY = audit_entries.c
VERBS = {
    "sign_in": "signed in",
    "save_view": "saved a view",
    "replace_view": "saved a view anew",
    "remove_view": "took a view away",
    "export_list": "exported it",
}


def activity_of(service: str, doors: Doors) -> Listing:
    path = ACTIVITY.path(service)
    return Listing(
        name=ROOM,
        title="Activity",
        noun=("deed", "deeds"),
        path=path,
        capability=Capability.READ_OPS,
        rows=select().select_from(audit_entries),
        key=ENTRY.id,
        order="-at",
        siblings=ACTIVITY,
        columns=(
            Column("action", "What was done", ENTRY.action, Kind.WORD),
            Column("who", "Who", ENTRY.actor_name, say=lambda row: row.who if row.actor_id else "By itself"),
            Column("subject", "To what", ENTRY.subject_kind, say=_subject, path=_path_by(doors)),
            Column("at", "When", ENTRY.occurred_at, Kind.AGO, sorts=True),
            Column("reason", "Why", func.coalesce(ENTRY.reason_text, ENTRY.reason_code), say=_reason, wraps=True),
            Column("before", "Before", cast(ENTRY.before, SqlText), wraps=True, is_extra=True),
            Column("after", "After", cast(ENTRY.after, SqlText), wraps=True, is_extra=True),
            Column("subject_id", "Its id", ENTRY.subject_id, is_extra=True),
            Column("request_id", "Request", ENTRY.request_id, Kind.ID, is_extra=True),
        ),
        also={"actor_id": ENTRY.actor_id, "reason_code": ENTRY.reason_code},
        filters=(
            Search(
                "q",
                "Name, id or reason",
                texts=SEARCHED,
                ids=(ENTRY.id, ENTRY.actor_id),
            ),
            Text("action", "What was done", column=ENTRY.action),
            Text("subject", "To what", column=ENTRY.subject_kind),
            Offered("actor", "Who", column=ENTRY.actor_id, name_of=actor_name, offers=_people),
            Days("at", "When", column=ENTRY.occurred_at),
        ),
        tabs=(Tab("Everything"),),
        document=lambda row: f"{path}/{row.id}",
        empty=Empty("Nothing has been done", "What people change here is kept, with what it was before.", "history"),
    )


async def _people(session: AsyncSession) -> Sequence[tuple[str, str]]:
    return [(str(actor.actor_id), actor.actor_name) for actor in await actors(session)]


def _path_by(doors: Doors) -> Callable[[Row[Any]], str]:
    return lambda row: doors.get(row.subject, nowhere)(row.subject_id)


def _subject(row: Row[Any]) -> str:
    """An id by its end; what has a name, as a list or a month, by the whole of it."""
    id_ = row.subject_id
    return f"{words(row.subject)} {id_[-8:] if len(id_) == ID_LENGTH else id_}"


def _reason(row: Row[Any]) -> str | None:
    told = row.reason
    return words(told) if told is not None and told == row.reason_code else told


def _changed(entry: Row[Any], wording: Wording) -> Table:
    """However long ago it was: the timeline tells the latest deeds alone."""
    changes = changes_of(entry, wording)
    heads = (("What", Kind.TEXT), ("Before", Kind.TEXT), ("After", Kind.TEXT))
    rows = [(change.name, change.before, change.after) for change in changes]
    return Table("What it changed", heads, rows, empty="It changed no field.")


def _what(listing: Listing, doors: Doors, entry: Row[Any]) -> Iterator[Fact]:
    """To what it was done, and of which bulk action it is a part."""
    kind, id_ = entry.subject_kind, entry.subject_id
    yield Fact("To what", Shown(f"{words(kind)} {id_}", path=doors.get(kind, nowhere)(id_)))
    yield Fact("Done to it", link(f"{listing.path}?subject={kind}&q={id_}", "Every deed"))
    job_id = id_ if kind == BULK_JOB else (entry.after or {}).get(BULK_JOB)
    if job_id:
        yield Fact("Bulk action", link(doors[BULK_JOB](job_id), "What became of each"))


def activity_routes(service: str, doors: Doors) -> tuple[HTTPRouteHandler, ...]:
    listing = activity_of(service, doors)

    @page_at(listing.path + "/{entry_id:uuid}", listing.capability)
    async def show_entry(
        entry_id: FromPath[UUID],
        request: Request[Any, Any, Any],
        console: Given[Console],
        database: Given[Database],
    ) -> Response[str]:
        async with database.reading() as session:
            entry = await find_entry(session, entry_id)
            subject = Subject(entry.subject_kind, entry.subject_id)
            moments = await moments_of(session, [subject], VERBS, console.wording)
        document = Document(
            title=words(entry.action),
            room=ROOM,
            up=("Activity", listing.path),
            sentence=f"{entry.actor_name}, {console.wording.exact(entry.occurred_at)}",
            facts=[
                *_what(listing, doors, entry),
                Fact("Reason", Shown(entry.reason_text or words(entry.reason_code or ""))),
                Fact("Request", Shown(entry.request_id, Kind.ID)),
            ],
            sections=[_changed(entry, console.wording)],
            # The timeline is of the same thing: this deed among the others that were done to it.
            timeline=moments,
        )
        return show_document(console, request, document)

    return (*routes_of(listing), show_entry)
