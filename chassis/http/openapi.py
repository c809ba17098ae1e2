"""The OpenAPI 3.1 document, made from the routes themselves: the same models validate, answer and document."""

import inspect
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Literal, get_args

from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic_core import to_jsonable_python

from chassis.http.endpoints import Endpoint, endpoints_of
from chassis.http.parameters import Parameter
from chassis.http.problems import MEDIA_TYPE, TYPE_PREFIX

REFS = "#/components/schemas/{model}"
OPERATOR = "operator"
API_KEY = "api_key"
"""The name for `security=[{API_KEY: []}]` of a public route that reads a key of its own as bearer."""

_SECURITY_SCHEMES = {
    OPERATOR: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "an operator's access token"},
    API_KEY: {"type": "http", "scheme": "bearer", "description": "the key of a program that is known to us"},
}
_PROBLEMS = {
    400: "The request cannot be understood: it is no JSON, or a cursor that we did not give",
    401: "No credential that is valid",
    403: "The caller may not do this, or not without a fresh second factor",
    404: "There is nothing of this id",
    409: "What exists stands against it",
    413: "The body is too large",
    415: "The body is not application/json",
    422: "The shape or the content is wrong: `errors` names every fault",
    429: "Too many requests; Retry-After says when to come again",
    503: "Something that this needs is away for a moment; Retry-After says when to come again",
}
_HEADERS = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    429: {"Retry-After": {"schema": {"type": "integer"}}},
    503: {"Retry-After": {"schema": {"type": "integer"}}},
}


class FieldFault(BaseModel):
    field: str = Field(description="dotted path into the body, or the name of a parameter")
    code: str = Field(description="stable, for programs")
    message: str = Field(description="for people; it never repeats a value")


class Problem(BaseModel):
    """RFC 9457. Identifiers that the reader needs to act are further members, all of them strings."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": {"type": "string"}})

    type: str = Field(description=f"`{TYPE_PREFIX}<code>`: stable, for programs")
    title: str
    status: int
    detail: str
    errors: list[FieldFault]
    request_id: str


Key = tuple[str, str]
Schemas = Mapping[Key, dict[str, Any]]


def openapi_document(app: Litestar) -> dict[str, Any]:
    """Deterministic: the same routes make the same document. Raises ValueError where two handlers share a name."""
    endpoints = sorted(_documented(app), key=lambda endpoint: (endpoint.path, endpoint.method))
    schemas, components = _schemas(endpoints)
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Waybill {app.state.name}", "version": "1"},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": _problem_responses(schemas["problem", ""]),
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _documented(app: Litestar) -> Iterator[Endpoint]:
    taken: dict[str, str] = {}
    for endpoint in endpoints_of(app):
        if not endpoint.handler.resolve_include_in_schema():
            continue
        name, place = operation_id(endpoint), f"{endpoint.method} {endpoint.path}"
        if name in taken:
            raise ValueError(f"{place} and {taken[name]} are both called {name}: operation ids are unique")
        taken[name] = place
        yield endpoint


def operation_id(endpoint: Endpoint) -> str:
    """The handler's name, unless the route gives another."""
    given = endpoint.handler.operation_id
    return given if isinstance(given, str) else endpoint.handler.handler_name


def _schemas(endpoints: list[Endpoint]) -> tuple[Schemas, dict[str, Any]]:
    """All models of all operations at once, so that pydantic gives each component one name."""
    inputs: list[tuple[Key, Literal["validation", "serialization"], TypeAdapter[Any]]] = [
        (("problem", ""), "serialization", TypeAdapter(Problem))
    ]
    for endpoint in endpoints:
        name = operation_id(endpoint)
        if endpoint.body is not None:
            inputs.append(((name, "body"), "validation", TypeAdapter(endpoint.body)))
        for status, annotation in _answers(endpoint.handler).items():
            inputs.append(((name, str(status)), "serialization", TypeAdapter(annotation)))
    by_key, definitions = TypeAdapter.json_schemas(inputs, ref_template=REFS)
    return {key: schema for (key, _mode), schema in by_key.items()}, definitions.get("$defs", {})


def _answers(handler: HTTPRouteHandler) -> dict[int, Any]:
    """What a success holds as JSON, by status; answers of another media type have no model."""
    annotations = {handler.status_code: _content_of(handler.parsed_fn_signature.return_type.raw)}
    for status, spec in (handler.responses or {}).items():
        annotations[status] = spec.data_container
    return {status: a for status, a in annotations.items() if a not in (None, type(None), bytes, str, Any)}


def _content_of(annotation: Any) -> Any:
    """`Response[Thing]` holds a Thing."""
    origin = getattr(annotation, "__origin__", annotation)
    if isinstance(origin, type) and issubclass(origin, Response):
        return next(iter(get_args(annotation)), None)
    return annotation


def _operation(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    handler, name = endpoint.handler, operation_id(endpoint)
    summary, _, description = inspect.cleandoc(handler.fn.__doc__ or "").partition("\n")
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": handler.summary or summary.rstrip(".") or name.replace("_", " ").capitalize(),
        "security": _security(endpoint),
        "responses": _successes(endpoint, schemas) | _problems(endpoint),
    }
    if description.strip() or handler.description:
        operation["description"] = handler.description or description.strip()
    if tags := handler.resolve_tags():
        operation["tags"] = sorted(tags)
    if parameters := [_parameter(parameter) for parameter in endpoint.parameters]:
        operation["parameters"] = parameters
    if body := _request_body(endpoint, schemas):
        operation["requestBody"] = body
    if endpoint.requirement is not None:
        operation["x-capability"] = endpoint.requirement.capability
        operation["x-step-up"] = endpoint.requirement.step_up
    return operation


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    if endpoint.requirement is not None:
        return [{OPERATOR: []}]
    return list(endpoint.handler.resolve_security())


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema = _not_null(parameter.adapter.json_schema(ref_template=REFS))
    description = schema.pop("description", None)
    # A parameter's own definitions (enums) are small: they stand where they are used.
    schema = _inlined(schema, schema.pop("$defs", {}))
    if parameter.default is not None:
        schema["default"] = to_jsonable_python(parameter.default)
    shown = {"name": parameter.name, "in": parameter.place, "required": parameter.is_required, "schema": schema}
    return shown | ({"description": description} if description else {})


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that may be left out has no way to say null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    if len(kinds) != 1 or "anyOf" not in schema:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**rest, **kinds[0]}


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(inner, definitions) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    return {name: _inlined(inner, definitions) for name, inner in schema.items()}


def _request_body(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any] | None:
    if endpoint.body is not None:
        schema = schemas[operation_id(endpoint), "body"]
        return {"required": not endpoint.body_is_optional, "content": {"application/json": {"schema": schema}}}
    return {"required": False, "content": {"*/*": {}}} if endpoint.takes_raw_body else None


def _successes(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    handler = endpoint.handler
    statuses = {handler.status_code: handler.response_description or HTTPStatus(handler.status_code).phrase}
    statuses |= {status: spec.description for status, spec in (handler.responses or {}).items()}
    return {str(status): _success(endpoint, status, text, schemas) for status, text in statuses.items()}


def _success(endpoint: Endpoint, status: int, description: str, schemas: Schemas) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": description}
    schema = schemas.get((operation_id(endpoint), str(status)))
    media_type = str(getattr(endpoint.handler.media_type, "value", endpoint.handler.media_type) or "application/json")
    if schema is not None:
        answer["content"] = {"application/json": {"schema": schema}}
    elif status != HTTPStatus.NO_CONTENT and media_type != "application/json":
        answer["content"] = {media_type: {}}
    headers = endpoint.handler.resolve_response_headers()
    if headers:
        answer["headers"] = {
            header.name: {"schema": {"type": "string"}, "description": header.description or header.name}
            for header in sorted(headers, key=lambda header: header.name)
        }
    return answer


def _problems(endpoint: Endpoint) -> dict[str, Any]:
    """The refusals that this operation can answer with; `default` covers what nobody foresaw.

    A handler says what its path does not show: `may_miss` of what its query names, `may_conflict` of one that reads.
    """
    takes_body = endpoint.body is not None or endpoint.takes_raw_body
    possible = {
        400: bool(endpoint.parameters) or takes_body,
        401: bool(_security(endpoint)),
        403: endpoint.requirement is not None,
        404: bool(endpoint.route.path_parameters) or endpoint.handler.opt.get("may_miss", False),
        409: endpoint.method != "GET" or endpoint.handler.opt.get("may_conflict", False),
        413: takes_body,
        415: endpoint.body is not None,
        422: True,
        429: True,
        503: True,
    }
    refs = {
        str(s): {"$ref": f"#/components/responses/Problem{s}"} for s, is_possible in possible.items() if is_possible
    }
    return refs | {"default": {"$ref": "#/components/responses/Problem"}}


def _problem_responses(schema: dict[str, Any]) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": schema}}
    responses = {
        f"Problem{status}": {"description": text, "content": content, "headers": _HEADERS.get(status, {})}
        for status, text in _PROBLEMS.items()
    }
    return responses | {"Problem": {"description": "Anything else that went wrong", "content": content}}
