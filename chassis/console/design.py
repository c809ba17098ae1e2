"""The living page of the design language: every part in every state, as the rooms use it."""

from datetime import timedelta
from typing import Any

from litestar import Request, Response

from chassis.console.page import Console
from chassis.console.routes import page_at
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


@page_at("/admin/design", None)
async def show_design(request: Request[Any, Any, Any], console: Given[Console]) -> Response[str]:
    now = console.clock.now()
    context = {
        "roles": ROLES,
        "samples": [now - timedelta(minutes=3), now - timedelta(hours=30), now - timedelta(days=80)],
    }
    return console.page(request, "design.html", context, room="design")
