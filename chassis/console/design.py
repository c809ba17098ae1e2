"""The living page of the design language: every part in every state, as the rooms use it."""

from datetime import timedelta
from typing import Any

from litestar import Request, Response, get

from chassis.console.page import Console
from chassis.http.auth import page_for
from chassis.http.given import Given

ROLES = (
    "surface",
    "raised",
    "sunken",
    "line",
    "edge",
    "text",
    "muted",
    "accent",
    "positive",
    "warning",
    "danger",
    "info",
)


@get("/admin/design", guards=[page_for(None)], include_in_schema=False)
async def show_design(request: Request[Any, Any, Any], console: Given[Console]) -> Response[str]:
    now = console.clock.now()
    context = {
        "roles": ROLES,
        "samples": [now - timedelta(minutes=3), now - timedelta(hours=30), now - timedelta(days=80)],
    }
    return console.page(request, "design.html", context, room="design")
