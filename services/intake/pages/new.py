"""The page that makes something new: one form, and what will come of it."""

from typing import Any

from litestar import Request, Response

from chassis.console import Console
from chassis.console.actions import Action


def show_form(
    console: Console, request: Request[Any, Any, Any], action: Action, *, up: tuple[str, str], room: str
) -> Response[str]:
    """`up` is the list that the new row will be in: label and path."""
    return console.page(request, "new.html", {"action": action, "up": up}, room=room)
