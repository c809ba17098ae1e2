"""A list's routes, made from its declaration: the page, its CSV, and the views that people save of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect, Stream
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.bulk.jobs import MOST_ROWS
from chassis.console.bulk.routes import bulk_routes
from chassis.console.doors import LISTING
from chassis.console.lists.asking import LONGEST_QUERY, Asked, read_query
from chassis.console.lists.declaration import Listing
from chassis.console.lists.export import record_export, stream_csv
from chassis.console.lists.filters import Offered
from chassis.console.lists.reading import read_page, read_totals
from chassis.console.lists.showing import Beside, show_list, tell_rows
from chassis.console.lists.views import SaveView, remove_view, save_view, views_of
from chassis.console.page import Console
from chassis.console.routes import form_at, page_at
from chassis.database import Database, meanwhile
from chassis.http.auth import Operator
from chassis.http.bodies import ONE_LINE
from chassis.http.endpoints import ANY_QUERY
from chassis.http.forms import Form
from chassis.http.given import Given

CSV = "text/csv; charset=utf-8"
TEMPLATE = "list.html"

Query = Annotated[str, Field(max_length=LONGEST_QUERY)]


class ExportForm(Form):
    query: Query = ""


class SaveViewForm(Form):
    query: Query = ""
    name: Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=ONE_LINE)]
    is_shared: bool = False


class RemoveViewForm(Form):
    """Nothing but the session's mark."""


def routes_of(listing: Listing) -> tuple[HTTPRouteHandler, ...]:
    """To be served beside the room's other routes."""
    own = (_page(listing), _export(listing), _save(listing), _remove(listing))
    return (*own, *(bulk_routes(listing) if listing.bulk else ()))


def _page(listing: Listing) -> HTTPRouteHandler:
    @page_at(listing.path, listing.capability, opt={ANY_QUERY: True, LISTING: listing})
    async def show(
        request: Request[Any, Any, Any],
        console: Given[Console],
        database: Given[Database],
        operator: Given[Operator],
    ) -> Response[Any]:
        return await show_page(listing, request, console, database, operator)

    return show


def _export(listing: Listing) -> HTTPRouteHandler:
    @form_at(f"{listing.path}/export", listing.capability, step_up=listing.holds_personal_data)
    async def export(
        data: JSONBody[ExportForm],
        console: Given[Console],
        database: Given[Database],
        operator: Given[Operator],
    ) -> Stream:
        return await exported(listing, data.query, console, database, operator)

    return export


async def exported(listing: Listing, query: str, console: Console, database: Database, operator: Operator) -> Stream:
    """All that `query` asks for, on record before the first byte."""
    asked = read_query(listing, query, console.wording.zone)
    await record_export(database, asked, operator)
    headers = {"Content-Disposition": f'attachment; filename="{listing.name}.csv"', "Cache-Control": "no-store"}
    lines = stream_csv(database, asked, console.clock, console.wording, operator.id)
    return Stream(lines, media_type=CSV, headers=headers)


def _save(listing: Listing) -> HTTPRouteHandler:
    @form_at(f"{listing.path}/views", listing.capability)
    async def save(
        data: JSONBody[SaveViewForm],
        console: Given[Console],
        database: Given[Database],
        operator: Given[Operator],
    ) -> Redirect:
        asked = read_query(listing, data.query, console.wording.zone)
        async with database.transaction() as session:
            await save_view(session, SaveView(asked, data.name, data.is_shared, operator), console.clock.now())
        return console.redirect(asked.address())

    return save


def _remove(listing: Listing) -> HTTPRouteHandler:
    @form_at(listing.path + "/views/{view_id:uuid}/remove", listing.capability)
    async def remove(
        view_id: FromPath[UUID],
        data: JSONBody[RemoveViewForm],
        console: Given[Console],
        database: Given[Database],
        operator: Given[Operator],
    ) -> Redirect:
        async with database.transaction() as session:
            await remove_view(session, listing, view_id, operator)
        return console.redirect(listing.path)

    return remove


async def show_page(
    listing: Listing, request: Request[Any, Any, Any], console: Console, database: Database, operator: Operator
) -> Response[Any]:
    query = request.scope["query_string"].decode("latin-1")
    asked = read_query(listing, query, console.wording.zone)
    is_partial = "hx-request" in request.headers
    if not is_partial and _has_blanks(query):
        # A form sends every field, filled or not: the address tells those alone that mean something.
        return console.redirect(asked.address())
    now = console.clock.now()
    bulk = [action for action in listing.bulk if operator.can(action.capability)]
    async with database.looking() as session:
        found = await read_page(await session.connection(), asked, now, operator.id)
        # To count what matches often takes the database longest of all: the rows are told meanwhile.
        beside, rows = await meanwhile(
            _beside(session, asked, now, operator.id),
            lambda: tell_rows(asked, found.rows, now, console.wording, picks=bool(bulk)),
        )
        views = await views_of(session, listing.name, operator.id)
        notes = await listing.notes(session, now, console.wording.zone) if listing.notes else ()
    shown = show_list(asked, found, rows, beside)
    tabs = _tabs(asked, views, operator)
    context = {
        "listing": listing,
        # What one of the list's own tabs narrows by is told by the tab.
        "is_narrowed": bool(shown.chips) and not any(tab["is_current"] and tab["view"] is None for tab in tabs),
        "shown": shown,
        "notes": notes,
        "query": asked.query,
        "tabs": tabs,
        "bulk": bulk,
        "most_in_bulk": MOST_ROWS,
        "links": [(label, path) for label, path, needed in listing.links if needed is None or operator.can(needed)],
    }
    answer = console.page(request, TEMPLATE, context, room=listing.room or listing.name)
    if is_partial:
        answer.headers["HX-Push-Url"] = asked.address()
    return answer


async def _beside(session: AsyncSession, asked: Asked, now: datetime, me: UUID) -> Beside:
    return Beside(
        await read_totals(await session.connection(), asked, now, me),
        [await filter_.tell(session, held) for filter_, held in asked.held.values()],
        await _offers(session, asked),
    )


async def _offers(session: AsyncSession, asked: Asked) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen of what the database alone knows, by the filter's name."""
    held = {name: each for name, (_, each) in asked.held.items()}
    offered = [each for each in asked.listing.filters if isinstance(each, Offered)]
    return {each.name: await each.options(session, held.get(each.name)) for each in offered}


def _has_blanks(query: str) -> bool:
    return query.endswith("=") or "=&" in query


def _tabs(asked: Asked, views: Sequence[Any], operator: Operator) -> list[dict[str, Any]]:
    """Those of the list, then one's own, then what others share; the one that is shown is marked."""
    tabs = [{"title": tab.title, "query": tab.query, "view": None, "owner": ""} for tab in asked.listing.tabs]
    tabs = tabs or [{"title": "All", "query": "", "view": None, "owner": ""}]
    for view in views:
        owner = "" if view.owner_id == operator.id else view.owner_name
        tabs.append({"title": view.name, "query": view.query, "view": view, "owner": owner})
    return [tab | {"is_current": tab["query"] == asked.query} for tab in tabs]
