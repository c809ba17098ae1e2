"""The pages of every service that span all of them: a service's share of what is found, of today, and of what waits.

Each is served under the service's name, as behind one host a path belongs to one service.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router
from litestar.params import FromPath, PathParameter, QueryParameter
from litestar.types import ControllerRouterHandler

from chassis.console.activity import activity_routes
from chassis.console.desk import LONGEST_TEXT, SHORTEST_TEXT, Desk, count_waiting, find, read_today, tell_about
from chassis.console.doors import Door
from chassis.console.page import Console
from chassis.console.routes import page_at
from chassis.console.siblings import DESKS
from chassis.database import Database
from chassis.http.auth import Operator
from chassis.http.given import Given
from chassis.http.sharing import SHARED, share

SearchText = Annotated[str, QueryParameter(max_length=LONGEST_TEXT)]
IsPart = Annotated[bool, QueryParameter(description="without the page around it")]


@page_at("/search", None, opt=SHARED)
async def search(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    desk: Given[Desk],
    operator: Given[Operator],
    q: SearchText = "",
    part: IsPart = False,
) -> Response[str]:
    text = q.strip()
    async with database.reading() as session:
        found = await find(desk, operator, session, text)
    context = {"text": text, "found": found, "is_too_short": len(text) < SHORTEST_TEXT}
    answer = console.page(request, "search_part.html" if part else "search.html", context)
    return share(request, answer)


@page_at("/today", None, opt=SHARED)
async def show_today(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    desk: Given[Desk],
    operator: Given[Operator],
    part: IsPart = False,
) -> Response[str]:
    async with database.reading() as session:
        today = await read_today(desk, operator, session, console.clock.now())
    answer = console.page(request, "today_part.html" if part else "today.html", {"today": today}, room="home")
    return share(request, answer)


@page_at("/waiting", None, opt=SHARED)
async def show_waiting(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    desk: Given[Desk],
    operator: Given[Operator],
) -> Response[dict[str, int]]:
    """How many wait in each room."""
    async with database.reading() as session:
        numbers = await count_waiting(desk, operator, session, console.clock.now())
    return share(request, Response(numbers, headers={"Cache-Control": "no-store"}))


@page_at("/about/{kind:str}/{thing_id:uuid}", None, opt=SHARED)
async def show_about(
    kind: Annotated[str, PathParameter(max_length=40)],
    thing_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    desk: Given[Desk],
    operator: Given[Operator],
    part: IsPart = False,
) -> Response[str]:
    """What this service knows of a thing of another's."""
    async with database.reading() as session:
        sections = await tell_about(desk, operator, session, kind, thing_id, console.clock.now())
    context = {"kind": kind, "thing_id": thing_id, "sections": sections}
    return share(request, console.page(request, "about_part.html" if part else "about.html", context))


def desk_routes(service: str, doors: Mapping[str, Door]) -> Sequence[ControllerRouterHandler]:
    """With the activity, which every service has; `doors` are those out of it."""
    return (
        Router(path=f"{DESKS}/{service}", route_handlers=[search, show_today, show_waiting, show_about]),
        *activity_routes(service, doors),
    )
