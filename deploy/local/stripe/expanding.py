"""`expand[]`: an id in an answer gives way to the object it names; some properties are only shown on request."""

from deploy.local.stripe.errors import ApiError, Json
from deploy.local.stripe.resources.includable import INCLUDABLE
from deploy.local.stripe.tables import Books
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call

_DEEPEST = 4
"""Levels, the `data` of a list counted too."""


def expand(call: Call, shown: Json, paths: list[str]) -> Json:
    for path in paths:
        steps = path.split(".")
        if len(steps) > _DEEPEST:
            raise ApiError(
                f"You cannot expand more than {_DEEPEST} levels of a property. (Property: {path})",
                code="property_expansion_max_depth",
                param="expand",
            )
        shown = _expand_hash(call, shown, steps, path)
    return shown


def _expand_hash(call: Call, shown: Json, steps: list[str], path: str) -> Json:
    """A copy with one property expanded: stored rows are never written to."""
    name, rest = steps[0], steps[1:]
    include = INCLUDABLE.get((shown.get("object", ""), name))
    value = include(call, shown["id"]) if include and name not in shown else shown.get(name)
    if name not in shown and include is None:
        raise ApiError(f"This property cannot be expanded ({path}).", param="expand")
    return {**shown, name: _expand_value(call, value, rest, path)}


def _expand_value(call: Call, value: object, rest: list[str], path: str) -> object:
    if isinstance(value, str):
        value = _object_of(call, value, path)
    if isinstance(value, list):
        return [_expand_value(call, item, rest, path) for item in value]
    if isinstance(value, dict) and rest:
        return _expand_hash(call, value, rest, path)
    return value


def _object_of(call: Call, identifier: str, path: str) -> Json:
    """An account's own objects first; a connected account's row may name one of the platform's."""
    places: list[Books] = [call.books, call.world.platform, *call.world.connected.values()]
    for books in places:
        row = books.find(identifier)
        if row is not None:
            return render(books, row)
    raise ApiError(f"This property cannot be expanded ({path}).", param="expand")
