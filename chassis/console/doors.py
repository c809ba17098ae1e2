"""The way from an entry of the audit to the page of what it is about, by the kind of its subject."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias
from urllib.parse import quote

from litestar.handlers import HTTPRouteHandler
from litestar.types import ControllerRouterHandler

from chassis.audit import BULK_JOB
from chassis.console.siblings import ACTIVITY, BULK_ACTIONS, PARKED_EVENTS

Door: TypeAlias = Callable[[str], str]
"""Of a subject's id the path of its page, at the service that kept the entry; empty where it has none."""

LIST, PARKED_EVENT = "list", "parked_event"
LISTING = "listing"
"""Under which the route of a list's page tells of which list it is."""


def at(path: str) -> Door:
    """`path` has `{}` in the id's place, and none where there is but one such thing."""
    return lambda id_: path.format(quote(id_, safe=""))


def named(paths: Mapping[str, str]) -> Door:
    return lambda name: paths.get(name, "")


def nowhere(_id: str) -> str:
    """Of what is kept and has no page."""
    return ""


def doors_of(
    service: str, routes: Iterable[ControllerRouterHandler], declared: Mapping[str, Door]
) -> Mapping[str, Door]:
    """What the service declares, and what every service has. Each list is known by its own page's route.

    What a service's "list" leads to is for what is taken along under a list's name and is none.
    """
    lists = named({"activity": ACTIVITY.path(service), **_lists_among(routes)})
    others = declared.get(LIST, nowhere)
    return {
        **declared,
        BULK_JOB: at(BULK_ACTIONS.path_of(service, "{}")),
        PARKED_EVENT: at(PARKED_EVENTS.path_of(service, "{}")),
        LIST: lambda name: lists(name) or others(name),
    }


def _lists_among(routes: Iterable[ControllerRouterHandler]) -> dict[str, str]:
    return {
        route.opt[LISTING].name: path
        for route in routes
        if isinstance(route, HTTPRouteHandler) and LISTING in route.opt
        for path in route.paths
    }
