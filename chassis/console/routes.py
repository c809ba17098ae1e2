"""The routes of a room: a page, and a form that a page posts."""

from collections.abc import Callable
from typing import Any, TypeAlias

from litestar import get, post
from litestar.handlers import HTTPRouteHandler

from chassis.http.auth import page_for

Decorator: TypeAlias = Callable[[Callable[..., Any]], HTTPRouteHandler]


def page_at(path: str, capability: str | None, **options: Any) -> Decorator:
    """A page for who holds the capability; None where being signed in is enough."""
    return get(path, guards=[page_for(capability)], include_in_schema=False, **options)


def form_at(path: str, capability: str | None, *, step_up: bool = False, **options: Any) -> Decorator:
    """What a form posts, under the session's mark. `step_up` where its JSON twin asks for a fresh second factor too."""
    guards = [page_for(capability, step_up=step_up)]
    return post(path, guards=guards, status_code=200, include_in_schema=False, **options)
