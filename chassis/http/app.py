"""The only application factory: a service gives its routes, everything around them is the same for all."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any

from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.params import QueryParameter
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler

from chassis.clock import SystemClock
from chassis.console import design
from chassis.console.assets import serve_asset
from chassis.console.bulk.room import Declared, bulk_room_routes
from chassis.console.bulk.running import BulkRunner
from chassis.console.desk import Desk
from chassis.console.doors import doors_of
from chassis.console.page import Console
from chassis.console.parked import parked_routes
from chassis.console.shell import desk_routes
from chassis.http import activity
from chassis.http.auth import Authenticator, provide_operator, public
from chassis.http.bulk import BULK_ROUTES
from chassis.http.clock import move_clock, read_clock
from chassis.http.edge import Edge
from chassis.http.endpoints import JsonRequest, read_endpoints, validate_request
from chassis.http.given import provider
from chassis.http.health import Health
from chassis.http.keys import JwksKeys, KeySource
from chassis.http.lists import LIST_ROUTES, Lists
from chassis.http.openapi import openapi_document
from chassis.http.parked import discard_parked_event, get_parked_event, list_parked_events, replay_parked_event
from chassis.http.problems import answer_fault
from chassis.paging import LARGEST_PAGE, PageRequest
from chassis.settings import ServiceSettings
from chassis.telemetry.traces import flush_traces

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]

TOKEN_KEYS = "token_keys"  # noqa: S105  # the name of a dependency
"""The dependency by which a service that signs the tokens itself gives the keys (a KeySource) that verify them."""

# Each is served where the process has what its routes need.
_OWN_ROUTES: Mapping[str, tuple[ControllerRouterHandler, ...]] = {
    "clock": (read_clock, move_clock),
    "database": (*activity.ROUTES, *LIST_ROUTES),
    "bulk": BULK_ROUTES,
    "replayer": (list_parked_events, get_parked_event, replay_parked_event, discard_parked_event),
}


def build_app(
    *,
    name: str,
    settings: ServiceSettings,
    routes: Sequence[ControllerRouterHandler],
    dependencies: Mapping[str, Any],
    health: Health,
    lifespan: Lifespan | None = None,
) -> Litestar:
    """Raises UnsafeRoutes where a route says neither which capability it needs nor why it is public.

    `dependencies` are given to handlers by name (`database: Given[Database]`), with `operator` and `page`.
    """
    clock = dependencies.get("clock") or SystemClock()
    console = Console(name, settings, clock)
    keys: KeySource = dependencies.get(TOKEN_KEYS) or JwksKeys(settings.identity_jwks_url)
    own = [route for needed, routes in _OWN_ROUTES.items() if needed in dependencies for route in routes]
    desk = dependencies.get("desk") or Desk()
    if "replayer" in dependencies:
        own += parked_routes(name)
    if "database" in dependencies:
        own += bulk_room_routes(name, _declared(dependencies.get("bulk")))
        own += design.LISTS if settings.is_local else ()
        own += desk_routes(name, doors_of(name, [*routes, *own], desk.doors))
    lists = Lists.among([*routes, *own])
    app = Litestar(
        route_handlers=[*routes, *own, *health.routes(), serve_document, serve_asset, *_local(settings)],
        dependencies=_providers(
            {"settings": settings, "console": console, "clock": clock, "desk": desk, "lists": lists, **dependencies}
        ),
        before_request=validate_request,
        exception_handlers={Exception: answer_fault},
        request_class=JsonRequest,
        request_max_body_size=settings.max_body_bytes,
        state=State({"name": name, "authenticator": _authenticator(keys, settings), "console": console}),
        lifespan=[lifespan] if lifespan else [],
        on_startup=[health.heartbeat.start],
        on_shutdown=[health.heartbeat.stop, flush_traces, *([keys.close] if isinstance(keys, JwksKeys) else [])],
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    _describe(app)
    app.asgi_handler = Edge(app.asgi_handler)
    return app


def _declared(bulk: BulkRunner | None) -> Declared:
    """A service whose lists have no bulk actions has the room too: it is empty there."""
    return bulk.listings if bulk else {}


def _local(settings: ServiceSettings) -> tuple[ControllerRouterHandler, ...]:
    """What only the people who build the console need."""
    return design.ROUTES if settings.is_local else ()


def _providers(dependencies: Mapping[str, Any]) -> dict[str, Provide]:
    return {
        **{name: provider(thing) for name, thing in dependencies.items()},
        "operator": Provide(provide_operator),
        "page": Provide(provide_page),
    }


def _authenticator(keys: KeySource, settings: ServiceSettings) -> Authenticator:
    return Authenticator(keys, issuer=settings.token_issuer, step_up_seconds=settings.step_up_seconds)


def _describe(app: Litestar) -> None:
    """What the edge must know of each route at a request, read once."""
    app.state.endpoints = read_endpoints(app)
    app.state.endpoint_by_place = {(e.path, e.method): e for e in app.state.endpoints}
    app.state.routes = {route.path_format: route for route in app.routes if isinstance(route, HTTPRoute)}
    for route in app.state.routes.values():
        _resolve_one_after_another(route)


def _resolve_one_after_another(route: HTTPRoute) -> None:
    """Litestar starts a task for each dependency that could be resolved beside others; ours are there already."""
    for _, model in route.route_handler_map.values():
        model.dependency_batches = [{dependency} for batch in model.dependency_batches for dependency in batch]


async def provide_page(
    limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_PAGE, description="items of a page at the most")] = 50,
    cursor: Annotated[str | None, QueryParameter(max_length=200, description="`next` of the page before")] = None,
) -> PageRequest:
    """The `page` dependency of every route that lists."""
    return PageRequest.parse(limit, cursor)


@get("/schema/openapi.json", guards=[public("the contract of this service")], include_in_schema=False)
async def serve_document(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Made at the first asking: most processes are never asked."""
    state = request.app.state
    if "document" not in state:
        state.document = json.dumps(openapi_document(request.app), indent=2).encode()
    return Response(state.document, media_type="application/json")
