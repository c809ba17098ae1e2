"""The parameters of a route (path, query, headers): what is documented of them, and every fault of a request's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, cast

from litestar import Request
from litestar.constants import RESERVED_KWARGS
from litestar.handlers import HTTPRouteHandler
from litestar.params import ParameterKwarg
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition
from pydantic import Field, TypeAdapter, ValidationError

from chassis.errors import FieldError
from chassis.http.bodies import UNSAYABLE, UNSAYABLE_FAULT, field_errors

Place = Literal["path", "query", "header", "cookie"]
# Litestar's names of constraints, and pydantic's for the same.
_CONSTRAINTS = {
    **{name: name for name in ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern")},
    "min_items": "min_length",
    "max_items": "max_length",
    "description": "description",
    "title": "title",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """`name` is as the caller writes it; `adapter` validates and documents its value."""

    name: str
    place: Place
    is_required: bool
    is_sequence: bool
    default: Any
    adapter: TypeAdapter[Any]


def parameters_of(route: HTTPRoute, handler: HTTPRouteHandler) -> tuple[Parameter, ...]:
    """In a stable order: those of the path as it is written, then those of the signature."""
    found: dict[tuple[str, str], Parameter] = {}
    for parameter in _of_signature(route, handler, handler.parsed_fn_signature.parameters):
        found.setdefault((parameter.place, parameter.name), parameter)
    for name, definition in route.path_parameters.items():
        found.setdefault(("path", name), Parameter(name, "path", True, False, None, _adapter(definition.type)))
    return tuple(sorted(found.values(), key=lambda parameter: parameter.place != "path"))


def _of_signature(
    route: HTTPRoute, handler: HTTPRouteHandler, fields: Mapping[str, FieldDefinition]
) -> Iterator[Parameter]:
    providers = handler.resolve_dependencies()
    for name, field in fields.items():
        if name in providers:
            yield from _of_signature(route, handler, providers[name].parsed_fn_signature.parameters)
        elif name not in RESERVED_KWARGS and not field.is_di_field:
            parameter = _of_field(route, name, field)
            if parameter is not None:
                yield parameter


def _of_field(route: HTTPRoute, name: str, field: FieldDefinition) -> Parameter | None:
    definition = field.kwarg_definition if isinstance(field.kwarg_definition, ParameterKwarg) else None
    place = cast(Place, definition.param_type.value) if definition else "query"
    name = (definition.name if definition else None) or name
    if name in route.path_parameters:
        place = "path"
    elif place == "path":
        return None
    return Parameter(
        name=name,
        place=place,
        is_required=place == "path" or field.is_required,
        is_sequence=field.is_non_string_sequence,
        default=field.default if field.has_default else None,
        adapter=_adapter(field.raw, _constraints(definition)),
    )


@cache
def _adapter(annotation: Any, constraints: tuple[tuple[str, Any], ...] = ()) -> TypeAdapter[Any]:
    """One for all routes that take the like: a page's size and its cursor stand in half of them."""
    return TypeAdapter(Annotated[annotation, Field(**dict(constraints))] if constraints else annotation)


def _constraints(definition: ParameterKwarg | None) -> tuple[tuple[str, Any], ...]:
    found = [(ours, getattr(definition, theirs, None)) for theirs, ours in _CONSTRAINTS.items()]
    return tuple((name, value) for name, value in found if value is not None)


def parameter_faults(request: Request[Any, Any, Any], parameters: tuple[Parameter, ...]) -> list[FieldError]:
    """Every missing, malformed and unknown one."""
    faults = [fault for parameter in parameters for fault in _faults(parameter, _value(request, parameter))]
    if request.scope["query_string"]:
        known = {parameter.name for parameter in parameters if parameter.place == "query"}
        faults += [
            FieldError(UNSAYABLE.sub("�", name)[:200], "extra_forbidden", "There is no such parameter")
            for name in request.query_params.dict()
            if name not in known
        ]
    return faults


def _value(request: Request[Any, Any, Any], parameter: Parameter) -> Any:
    """None where it was not sent."""
    match parameter.place:
        case "path":
            return request.path_params.get(parameter.name)
        case "query":
            sent = request.query_params.getall(parameter.name, [])
            return (sent or None) if parameter.is_sequence else (sent[-1] if sent else None)
        case "header":
            return request.headers.get(parameter.name)
        case "cookie":
            return request.cookies.get(parameter.name)


def _faults(parameter: Parameter, value: Any) -> list[FieldError]:
    if value is None:
        missing = FieldError(parameter.name, "missing", "Parameter required")
        return [missing] if parameter.is_required else []
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(text, str) and UNSAYABLE.search(text) for text in texts):
        return [FieldError(parameter.name, *UNSAYABLE_FAULT)]
    try:
        parameter.adapter.validate_python(value)
    except ValidationError as invalid:
        return field_errors(invalid, within=parameter.name)
    return []


def malformed_path_fault(routes: Mapping[str, HTTPRoute], path: str) -> list[FieldError]:
    """Of a path that has a route's form but for the form of its parameters: which of them; else nothing."""
    sent = [part for part in path.split("/") if part]
    for route in routes.values():
        if len(route.path_components) == len(sent):
            faults = _component_faults(route, sent)
            if faults:
                return faults
    return []


def _component_faults(route: HTTPRoute, sent: list[str]) -> list[FieldError]:
    """Empty too where a fixed part of the path differs: then it is another route's."""
    faults: list[FieldError] = []
    for component, text in zip(route.path_components, sent, strict=True):
        if isinstance(component, str):
            if component != text:
                return []
            continue
        try:
            _adapter(component.type).validate_python(text)
        except ValidationError as invalid:
            faults += field_errors(invalid, within=component.name)
    return faults
