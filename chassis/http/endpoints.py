"""The routes of an application as facts: who may call each, what it takes. A route that is not safe is not built."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hmac import compare_digest
from typing import Any, get_args

from litestar import Litestar, Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import RawBody
from litestar.routes import HTTPRoute
from pydantic import TypeAdapter

from chassis.errors import FieldError, Invalid
from chassis.http.auth import Authenticator, Operator, Public, Requirement
from chassis.http.bodies import Body, MalformedJson, read_body, refuse_other_media
from chassis.http.forms import (
    CSRF_FIELD,
    CSRF_HEADER,
    ForeignForm,
    Form,
    keep_fields,
    read_form,
    refuse_other_sites,
    refuse_other_than_form,
)
from chassis.http.parameters import Parameter, parameter_faults, parameters_of

_BODY_KEY = "chassis.body"
ANY_QUERY = "takes_any_query"
"""In a handler's `opt`: it reads the query by itself, and refuses what it does not know."""


class UnsafeRoutes(Exception):
    """`build_app` builds nothing: each line names a route and what it lacks."""


class InvalidRequest(Invalid):
    code = "invalid_request"
    title = "Invalid request"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path. `guards` holds exactly one mark in an application that was built."""

    method: str
    path: str
    route: HTTPRoute
    handler: HTTPRouteHandler
    parameters: tuple[Parameter, ...]
    guards: tuple[Requirement | Public, ...]
    body: type[Body] | None
    body_is_optional: bool
    takes_raw_body: bool
    takes_any_query: bool

    @property
    def requirement(self) -> Requirement | None:
        guard = self.guards[0]
        return guard if isinstance(guard, Requirement) else None

    @property
    def is_page(self) -> bool:
        """Whether a person's browser is answered, and not a program."""
        return self.guards[0].is_page


@dataclass(frozen=True, slots=True)
class RouteGuard:
    """`capability` is None for public routes, and where being signed in is enough."""

    method: str
    path: str
    capability: str | None
    step_up: bool
    public_reason: str | None
    is_page: bool = False


def route_guards(app: Litestar) -> list[RouteGuard]:
    """Every route of `app` with what it asks of its caller, HEAD and OPTIONS apart: they tell nothing else."""
    return sorted((_as_fact(endpoint) for endpoint in endpoints_of(app)), key=lambda fact: (fact.path, fact.method))


def _as_fact(endpoint: Endpoint) -> RouteGuard:
    match endpoint.guards[0]:
        case Requirement(capability, step_up, is_page):
            return RouteGuard(endpoint.method, endpoint.path, capability, step_up, None, is_page)
        case Public(reason, is_page):
            return RouteGuard(endpoint.method, endpoint.path, None, False, reason, is_page)


def endpoints_of(app: Litestar) -> tuple[Endpoint, ...]:
    endpoints: tuple[Endpoint, ...] = app.state.endpoints
    return endpoints


def read_endpoints(app: Litestar) -> tuple[Endpoint, ...]:
    """Raises UnsafeRoutes with all that is wrong with any of them."""
    endpoints = tuple(_endpoints(app))
    faults = [f"{e.method} {e.path}: {fault}" for e in endpoints for fault in _faults(e)]
    if faults:
        raise UnsafeRoutes("\n".join(sorted(faults)))
    return endpoints


def _endpoints(app: Litestar) -> Iterator[Endpoint]:
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            raise UnsafeRoutes(f"{route.path}: only HTTP routes are served")
        for method, (handler, _) in route.route_handler_map.items():
            # Litestar's own answer to OPTIONS, 204 with Allow, is the same for everyone.
            if method != "OPTIONS":
                yield _endpoint(route, method, handler)


def _endpoint(route: HTTPRoute, method: str, handler: HTTPRouteHandler) -> Endpoint:
    guards = tuple(guard for guard in handler.resolve_guards() if isinstance(guard, Requirement | Public))
    field = handler.parsed_fn_signature.parameters.get("data")
    annotations = [] if field is None else list(get_args(field.annotation) or (field.annotation,))
    models = [a for a in annotations if isinstance(a, type) and issubclass(a, Body)]
    raw = handler.parsed_fn_signature.parameters.get("body")
    return Endpoint(
        method=method,
        path=route.path_format,
        route=route,
        handler=handler,
        parameters=parameters_of(route, handler),
        guards=guards,
        body=models[0] if models else None,
        body_is_optional=field is not None and field.is_optional,
        takes_raw_body=raw is not None and raw.annotation is RawBody,
        takes_any_query=bool(handler.opt.get(ANY_QUERY)),
    )


def _faults(endpoint: Endpoint) -> Iterator[str]:
    if len(endpoint.guards) != 1:
        yield f"has {len(endpoint.guards)} guards of requires(…), signed_in() and public(…); it takes exactly one"
    is_form = endpoint.body is not None and issubclass(endpoint.body, Form)
    if len(endpoint.guards) == 1 and endpoint.method != "GET" and endpoint.is_page != is_form:
        yield "takes a form where its guard is no page's, or is a page's and takes no form"
    if endpoint.body is None and "data" in endpoint.handler.parsed_fn_signature.parameters:
        yield "takes a body that is no chassis.http.Body"
    if endpoint.handler.resolve_before_request() is not validate_request:
        yield "has a before_request of its own, which would switch validation off"
    for parameter in endpoint.parameters:
        yield from (f"{parameter.name}{fault}" for fault in _unbounded_of(parameter.adapter))
    if endpoint.body is not None:
        yield from _unbounded_of_body(endpoint.body)


@cache
def _unbounded_of(adapter: TypeAdapter[Any]) -> tuple[str, ...]:
    return tuple(unbounded(adapter.json_schema(), ""))


@cache
def _unbounded_of_body(body: type[Body]) -> tuple[str, ...]:
    schema = body.model_json_schema()
    definitions = schema.pop("$defs", {}).items()
    return tuple(fault for name, of in [(body.__name__, schema), *definitions] for fault in unbounded(of, name))


_TEXT_BOUNDS = frozenset({"maxLength", "enum", "const", "format", "pattern"})
_NUMBER_BOUNDS = ({"minimum", "exclusiveMinimum", "enum", "const"}, {"maximum", "exclusiveMaximum", "enum", "const"})


def unbounded(schema: dict[str, Any], place: str) -> Iterator[str]:
    """Texts without a maximal length and integers without bounds: what a column may not hold must not come in."""
    match schema.get("type"):
        case "string" if not _TEXT_BOUNDS & schema.keys():
            yield f"{place} is a text without a maximal length"
        case "integer" if not all(bounds & schema.keys() for bounds in _NUMBER_BOUNDS):
            yield f"{place} is an integer without bounds"
        case "array":
            yield from unbounded(schema.get("items", {}), f"{place}[]")
        case "object":
            for name, inner in schema.get("properties", {}).items():
                yield from unbounded(inner, f"{place}.{name}")
    for inner in schema.get("anyOf", []):
        yield from unbounded(inner, place)


def endpoint_at(request: Request[Any, Any, Any]) -> Endpoint | None:
    """None where nothing is served at the path."""
    place = (request.scope.get("path_template"), request.method)
    found: Endpoint | None = request.app.state.endpoint_by_place.get(place)
    return found


async def validate_request(request: Request[Any, Any, Any]) -> Response[None] | None:
    """Runs after the guards and before the handler: parameters and body together, so that all faults come at once."""
    endpoint = endpoint_at(request)
    if endpoint is None:
        return _options(request.app, request.scope["path_template"])
    faults = parameter_faults(request, endpoint.parameters) if _has_parameters(request, endpoint) else []
    if endpoint.body is not None:
        outcome = await _read(request, endpoint)
        if isinstance(outcome, list):
            faults += outcome
        else:
            request.scope["state"][_BODY_KEY] = outcome
    if faults:
        raise InvalidRequest("the request does not have the form that is documented", errors=tuple(faults))
    return None


def _options(app: Litestar, path: str) -> Response[None]:
    """Litestar's own answer forgets the methods of all handlers but the path's first."""
    methods = sorted({"OPTIONS", *(endpoint.method for endpoint in endpoints_of(app) if endpoint.path == path)})
    return Response(None, status_code=204, headers={"Allow": ", ".join(methods)})


def _has_parameters(request: Request[Any, Any, Any], endpoint: Endpoint) -> bool:
    return bool(endpoint.parameters or request.scope["query_string"]) and not endpoint.takes_any_query


async def _read(request: Request[Any, Any, Any], endpoint: Endpoint) -> Body | list[FieldError] | None:
    model = endpoint.body
    assert model is not None  # noqa: S101  # who asks has looked
    if issubclass(model, Form):
        return await _read_form(request, model, endpoint.requirement)
    raw = await request.body()
    if not raw:
        if endpoint.body_is_optional:
            return None
        raise MalformedJson("a JSON body is required")
    refuse_other_media(request)
    return read_body(model, raw)


async def _read_form(
    request: Request[Any, Any, Any], model: type[Form], requirement: Requirement | None
) -> Form | list[FieldError]:
    """Refused unless it comes from a page of this very session, and where its second factor is too old."""
    refuse_other_sites(request)
    refuse_other_than_form(request)
    fields = await keep_fields(request)
    operator = request.scope.get("user")
    if requirement is not None and isinstance(operator, Operator):
        sent = request.headers.get(CSRF_HEADER) or dict(fields).get(CSRF_FIELD, "")
        if not operator.csrf or not compare_digest(sent.encode(), operator.csrf.encode()):
            raise ForeignForm("the form does not carry this session's mark: open its page again")
        authenticator: Authenticator = request.app.state.authenticator
        requirement.refuse_stale(authenticator, operator)
    return read_form(model, fields)


class JsonRequest(Request[Any, Any, Any]):
    """Hands the handler's `data` the model that `validate_request` has made, instead of decoding once more."""

    async def json(self) -> Any:
        return self.scope["state"].get(_BODY_KEY)
