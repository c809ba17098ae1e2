"""The console's lists over HTTP: what each can be asked for, the views that are saved of it, and its CSV.

They are the console's own, under the same rules: the list says which capability and which second factor it needs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, PathParameter
from litestar.response import Stream
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from chassis.console.bulk.selecting import refuse_without
from chassis.console.doors import LISTING
from chassis.console.lists.asking import LONGEST_QUERY, read_query
from chassis.console.lists.declaration import Listing
from chassis.console.lists.routes import CSV, exported
from chassis.console.lists.views import SaveView, remove_view, save_view, views_of
from chassis.console.page import Console
from chassis.database import Database
from chassis.errors import NotFound
from chassis.http.auth import Operator, requires
from chassis.http.bodies import ONE_LINE, Body
from chassis.http.given import Given
from contracts.identity import Capability

READ = requires(Capability.READ_OPS)

ListName = Annotated[str, PathParameter(max_length=60, description="as GET /admin/lists has it")]
Query = Annotated[str, Field(max_length=LONGEST_QUERY, description="as the list's address in the console has it")]
ViewName = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=ONE_LINE)]


@dataclass(frozen=True, slots=True)
class Lists:
    """Of one service, by their names."""

    by_name: Mapping[str, Listing]

    @classmethod
    def among(cls, routes: Iterable[ControllerRouterHandler]) -> "Lists":
        """Those whose pages are served."""
        handlers = (route for route in routes if isinstance(route, HTTPRouteHandler))
        return cls({route.opt[LISTING].name: route.opt[LISTING] for route in handlers if LISTING in route.opt})

    def of(self, name: str, operator: Operator) -> Listing:
        listing = NotFound.unless(self.by_name.get(name), "there is no such list", list=name)
        refuse_without(operator, listing.capability)
        return listing


class ListView(BaseModel):
    """`asked_by` are the parameters of its address; `columns` are all that its CSV has, `sorted_by` what orders it."""

    list: str
    title: str
    path: str
    capability: str | None
    needs_second_factor: bool = Field(description="to take its CSV along")
    asked_by: tuple[str, ...]
    columns: tuple[str, ...]
    sorted_by: tuple[str, ...]

    @classmethod
    def of(cls, listing: Listing) -> "ListView":
        return cls(
            list=listing.name,
            title=listing.title,
            path=listing.path,
            capability=listing.capability,
            needs_second_factor=listing.holds_personal_data,
            asked_by=tuple(name for each in listing.filters for name in each.parameters),
            columns=tuple(column.name for column in listing.columns),
            sorted_by=tuple(column.name for column in listing.columns if column.sorts),
        )


class ListsView(BaseModel):
    items: tuple[ListView, ...]


class SavedView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    query: str
    is_shared: bool
    owner_id: UUID
    owner_name: str
    created_at: datetime


class SavedViews(BaseModel):
    items: tuple[SavedView, ...]


class SaveListView(Body):
    """Under a name that one has already, the view is replaced."""

    name: ViewName
    query: Query = ""
    is_shared: bool = False


class ExportList(Body):
    query: Query = ""


@get("/admin/lists", guards=[READ])
async def list_lists(lists: Given[Lists], operator: Given[Operator]) -> ListsView:
    """The console's lists that one may see, with what each can be asked for"""
    seen = [each for each in lists.by_name.values() if each.capability is None or operator.can(each.capability)]
    return ListsView(items=tuple(ListView.of(each) for each in seen))


@get("/admin/lists/{list_name:str}/views", guards=[READ])
async def list_views(
    list_name: ListName, lists: Given[Lists], database: Given[Database], operator: Given[Operator]
) -> SavedViews:
    """One's own first, then what others share"""
    listing = lists.of(list_name, operator)
    async with database.reading() as session:
        found = await views_of(session, listing.name, operator.id)
    return SavedViews(items=tuple(SavedView.model_validate(row) for row in found))


@post("/admin/lists/{list_name:str}/views", guards=[READ], status_code=201)
async def save_list_view(
    list_name: ListName,
    data: JSONBody[SaveListView],
    lists: Given[Lists],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
) -> SavedView:
    """Keeps what is asked of a list under a name, for oneself or for everybody"""
    listing = lists.of(list_name, operator)
    command = SaveView(read_query(listing, data.query, console.wording.zone), data.name, data.is_shared, operator)
    async with database.transaction() as session:
        view_id = await save_view(session, command, console.clock.now())
        (saved,) = [row for row in await views_of(session, listing.name, operator.id) if row.id == view_id]
    return SavedView.model_validate(saved)


@delete("/admin/lists/{list_name:str}/views/{view_id:uuid}", guards=[READ])
async def remove_list_view(
    list_name: ListName,
    view_id: FromPath[UUID],
    lists: Given[Lists],
    database: Given[Database],
    operator: Given[Operator],
) -> None:
    """One's own is taken away"""
    listing = lists.of(list_name, operator)
    async with database.transaction() as session:
        await remove_view(session, listing, view_id, operator)


@post("/admin/lists/{list_name:str}/export", guards=[READ], status_code=200, media_type=CSV)
async def export_list(
    list_name: ListName,
    data: JSONBody[ExportList],
    request: Request[Any, Any, Any],
    lists: Given[Lists],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
) -> Stream:
    """All that is asked for as CSV, with every column; on record before the first byte goes out"""
    listing = lists.of(list_name, operator)
    needed = requires(Capability.READ_OPS, step_up=listing.holds_personal_data)
    needed.refuse_stale(request.app.state.authenticator, operator)
    return await exported(listing, data.query, console, database, operator)


LIST_ROUTES = (list_lists, list_views, save_list_view, remove_list_view, export_list)
"""Of every service with a database: each has lists."""
