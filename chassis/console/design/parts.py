"""The page of parts: what the pages are put together from, each with when to use it, and the way to whole pages."""

import re
from datetime import datetime, timedelta
from typing import Any

from litestar import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.design.listing import DESIGN, ROOM
from chassis.console.design.uses import CLASSES, MACROS, PAGES, ROLES
from chassis.console.desk import Backlog, Bar, Card, Chart, Desk, Figure, Waiting, read_today
from chassis.console.documents import Fact
from chassis.console.page import TEMPLATES, Console
from chassis.console.routes import page_at
from chassis.http.auth import CapabilityMissing, Operator
from chassis.http.given import Given

_LIST = f"{DESIGN}/list"


async def _overdue(_session: AsyncSession, now: datetime) -> Backlog:
    return Backlog(4, now - timedelta(days=16))


async def _drafts(_session: AsyncSession, now: datetime) -> Backlog:
    return Backlog(41, now - timedelta(days=2))


async def _outstanding(_session: AsyncSession, _now: datetime) -> Figure:
    return Figure("$38,214.50", "$2,100.00 more than a week ago")


async def _late(_session: AsyncSession, _now: datetime) -> Figure:
    return Figure("4", "2 fewer than a week ago")


async def _months(_session: AsyncSession, _now: datetime) -> list[Bar]:
    told = (("September", 120, 90), ("October", 180, 130), ("November", 96, 162))
    return [Bar(month, number, f"{number}", _LIST, before) for month, number, before in told]


SAMPLE_DESK = Desk(
    waiting=(
        Waiting("invoices", None, lambda number: f"{number} invoices are overdue", _LIST, _overdue, timedelta(days=14)),
        Waiting("invoices", None, lambda number: f"{number} drafts wait for their month", _LIST, _drafts),
    ),
    cards=(Card("Outstanding", None, _LIST, _outstanding), Card("Overdue", None, _LIST, _late)),
    charts=(Chart("Leads of each month", None, "Accepted leads; in grey a year before", _months),),
)


@page_at(DESIGN, None)
async def show_design(
    request: Request[Any, Any, Any], console: Given[Console], operator: Given[Operator]
) -> Response[str]:
    now = console.clock.now()
    context = {
        "roles": ROLES,
        "pages": [(f"{DESIGN}/{path}", title, use) for path, title, use in PAGES],
        # Its counts look at no database.
        "today": await read_today(SAMPLE_DESK, operator, None, now),  # type: ignore[arg-type]
        "macros": [Fact(name, use) for name, use in MACROS.items()],
        "classes": [Fact(names, use) for names, use in CLASSES.items()],
    }
    return console.page(request, "design.html", context, room=ROOM)


@page_at(f"{DESIGN}/not-allowed", None)
async def refuse_sample() -> None:
    raise CapabilityMissing("this needs the capability manage_billing_ops", capability="manage_billing_ops")


def macros_there_are() -> set[str]:
    """As `parts.note`, of all the templates that hold macros."""
    files = ("parts", "forms", "filters")
    return {
        f"{file}.{name}"
        for file in files
        for name in re.findall(r"{% macro (\w+)\(", (TEMPLATES / f"{file}.html").read_text())
    }


ROUTES = (show_design, refuse_sample)
