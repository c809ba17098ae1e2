"""`expand[]`: an id in an answer gives way to the object it names; some properties are only shown on request."""

from deploy.local.stripe.errors import Json
from deploy.local.stripe.resources.includable import INCLUDABLE
from deploy.local.stripe.tables import Books
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call


def expand(call: Call, shown: Json, paths: list[str]) -> Json:
    """The paths are those that `check_expansions` let through."""
    for path in paths:
        shown = _expand_hash(call, shown, path.split("."))
    return shown


def _expand_hash(call: Call, shown: Json, steps: list[str]) -> Json:
    """A copy with one property expanded: stored rows are never written to."""
    name, rest = steps[0], steps[1:]
    include = INCLUDABLE.get((shown.get("object", ""), name))
    value = include(call, shown["id"]) if include and name not in shown else shown.get(name)
    return {**shown, name: _expand_value(call, value, rest)}


def _expand_value(call: Call, value: object, rest: list[str]) -> object:
    if isinstance(value, str):
        value = _object_of(call, value)
    if isinstance(value, list):
        return [_expand_value(call, item, rest) for item in value]
    if isinstance(value, dict) and rest:
        return _expand_hash(call, value, rest)
    return value


def _object_of(call: Call, identifier: str) -> Json | str:
    """An account's own objects first; its rows may name the platform's, and the other way round."""
    places: list[Books] = [call.books, call.world.platform, *call.world.connected.values()]
    for books in places:
        row = books.find(identifier)
        if row is not None:
            return render(books, row)
    return identifier
