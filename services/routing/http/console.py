"""Routing's rooms of the console: the exception queue, and an item of it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Redirect

from chassis.clock import Clock
from chassis.console import Console, Form, page_for
from chassis.database import Database
from chassis.http import Given, Operator
from chassis.paging import PageRequest
from contracts.identity import Capability
from services.routing.domain.states import ExceptionReason
from services.routing.http.exceptions import (
    AssignBody,
    QueueState,
    ResolveBody,
    assign_dispatch_exception,
    resolve_dispatch_exception,
    retry_dispatch_exception,
)
from services.routing.http.lead_views import DecisionView, DispatchView, ExceptionRow, ExceptionView
from services.routing.http.leads import show_dispatch
from services.routing.queries import dispatches
from services.routing.queries import exceptions as queries

ROOM = "exceptions"
PATH = "/console/exceptions"
LIMIT = timedelta(hours=1)
"""A lead that waits longer than this for an operator is late."""


@get(PATH, guards=[page_for(Capability.READ_OPS)], include_in_schema=False)
async def show_exceptions(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    page: Given[PageRequest],
    queue: Annotated[QueueState, QueryParameter(name="state")] = QueueState.OPEN,
    reason: FromQuery[ExceptionReason | None] = None,
) -> Response[str]:
    """The longest waiting first."""
    wanted = queries.ExceptionFilter(queue.is_open, reason, None, None)
    async with database.reading() as session:
        found = await queries.list_items(session, wanted, page)
        waiting = await queries.open_by_reason(session)
    now = clock.now()
    shown = page.page(found, queries.place_of, lambda pair: ExceptionRow.with_lead(pair[0], pair[1], now))
    kept = {"state": queue.value} | ({"reason": reason.value} if reason else {})
    context = {
        "rows": shown.items,
        "next_url": f"{PATH}?{urlencode({**kept, 'cursor': shown.next})}" if shown.next else "",
        "is_first": page.after is None,
        "queue": queue,
        "reason": reason,
        "queues": list(QueueState),
        "reasons": list(ExceptionReason),
        "open_count": sum(each.count for each in waiting),
        "counts": {each.reason: each.count for each in waiting},
        "limit": LIMIT,
        "path": PATH,
    }
    return console.page(request, "exceptions.html", context, room=ROOM)


@dataclass(frozen=True, slots=True)
class Deed:
    """What can be done with an item: `why_not` is empty where it can."""

    name: str
    label: str
    why_not: str = ""


@get(PATH + "/{exception_id:uuid}", guards=[page_for(Capability.READ_OPS)], include_in_schema=False)
async def show_exception(
    exception_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Response[str]:
    now = clock.now()
    async with database.reading() as session:
        item = await queries.get(session, exception_id)
        dispatch = await dispatches.get(session, item.lead_id)
        lead = await show_dispatch(session, dispatch, now)
        decided = [DecisionView.of(each) for each in await dispatches.decisions_of(session, item.lead_id)]
        view = ExceptionView.of(item, dispatch, now)
    context = {
        "item": view,
        "lead": lead,
        "decisions": decided,
        "deeds": _deeds(view, lead, operator),
        "candidates": [each for each in decided[-1].candidates if not each.is_chosen] if decided else [],
        "limit": LIMIT,
        "path": PATH,
    }
    return console.page(request, "exception.html", context, room=ROOM)


def _deeds(item: ExceptionView, lead: DispatchView, operator: Operator) -> list[Deed]:
    """By the same rules as the JSON's `available_actions`, with the reason where one is missing."""
    labels = {"retry": "Retry dispatch", "assign": "Assign by hand", "resolve": "Set aside"}
    return [
        Deed(name, label, "" if may else why_not)
        for name, label in labels.items()
        for may, why_not in [_may(name, item, lead, operator)]
    ]


def _may(name: str, item: ExceptionView, lead: DispatchView, operator: Operator) -> tuple[bool, str]:
    if name not in item.available_actions:
        return False, "It is resolved" if not item.is_open else "The lead is closed"
    if not operator.can(Capability.WRITE_ROUTING):
        return False, "Your role lacks write_routing; admins and editors hold it"
    if name != "resolve" and lead.shares_live >= lead.shares_wanted:
        return False, "All of its shares are given"
    return True, ""


class RetryForm(Form):
    """Nothing but the session's mark."""


class ResolveForm(ResolveBody, Form):
    """As the JSON route takes it."""


class AssignForm(AssignBody, Form):
    """As the JSON route takes it."""


@post(
    PATH + "/{exception_id:uuid}/retry",
    guards=[page_for(Capability.WRITE_ROUTING)],
    status_code=200,
    include_in_schema=False,
)
async def retry_by_form(
    exception_id: FromPath[UUID],
    data: JSONBody[RetryForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await retry_dispatch_exception.fn(exception_id, database, clock, operator)
    return _back(console, exception_id)


@post(
    PATH + "/{exception_id:uuid}/resolve",
    guards=[page_for(Capability.WRITE_ROUTING)],
    status_code=200,
    include_in_schema=False,
)
async def resolve_by_form(
    exception_id: FromPath[UUID],
    data: JSONBody[ResolveForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await resolve_dispatch_exception.fn(exception_id, data, database, clock, operator)
    return _back(console, exception_id)


@post(
    PATH + "/{exception_id:uuid}/assign",
    guards=[page_for(Capability.WRITE_ROUTING)],
    status_code=200,
    include_in_schema=False,
)
async def assign_by_form(
    exception_id: FromPath[UUID],
    data: JSONBody[AssignForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await assign_dispatch_exception.fn(exception_id, data, database, clock, operator)
    return _back(console, exception_id)


def _back(console: Console, exception_id: UUID) -> Redirect:
    """To the item, where what came of it stands."""
    return console.redirect(f"{PATH}/{exception_id}")


ROUTES = (show_exceptions, show_exception, retry_by_form, resolve_by_form, assign_by_form)
