"""The only application factory: a service gives its routes, everything around them is the same for all."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler

from chassis.http.auth import Authenticator, provide_operator
from chassis.http.edge import Edge
from chassis.http.endpoints import JsonRequest, read_endpoints, validate_request
from chassis.http.given import provider
from chassis.http.health import Health
from chassis.http.keys import JwksKeys, KeySource
from chassis.http.problems import answer_fault
from chassis.settings import ServiceSettings
from chassis.telemetry.traces import flush_traces

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]

TOKEN_KEYS = "token_keys"  # noqa: S105  # the name of a dependency
"""The dependency by which a service that signs the tokens itself gives the keys (a KeySource) that verify them."""


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

    `dependencies` are given to handlers by name (`database: Given[Database]`); `operator` is always there.
    """
    keys: KeySource = dependencies.get(TOKEN_KEYS) or JwksKeys(settings.identity_jwks_url)
    app = Litestar(
        route_handlers=[*routes, *health.routes()],
        dependencies={
            **{key: provider(thing) for key, thing in dependencies.items()},
            "operator": Provide(provide_operator),
        },
        before_request=validate_request,
        exception_handlers={Exception: answer_fault},
        request_class=JsonRequest,
        request_max_body_size=settings.max_body_bytes,
        state=State(
            {
                "name": name,
                "authenticator": Authenticator(
                    keys, issuer=settings.token_issuer, step_up_seconds=settings.step_up_seconds
                ),
            }
        ),
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


def _describe(app: Litestar) -> None:
    """What the edge must know of each route at a request, read once."""
    app.state.endpoints = read_endpoints(app)
    app.state.endpoint_by_place = {(e.path, e.method): e for e in app.state.endpoints}
    app.state.routes = {route.path_format: route for route in app.routes if isinstance(route, HTTPRoute)}
