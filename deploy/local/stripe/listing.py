"""Cursor pages, newest first, as every list of the API has them."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from deploy.local.stripe.errors import ApiError, Json
from deploy.local.stripe.params import Shape, instants, integer, text
from deploy.local.stripe.tables import Rows
from deploy.local.stripe.views import render
from deploy.local.stripe.world import Call

Condition = Callable[[Json], bool]

PAGING: Shape = {
    "limit": integer(minimum=1, maximum=100),
    "starting_after": text(),
    "ending_before": text(),
}
BY_TIME: Shape = {**PAGING, "created": instants()}

_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


def within(value: int | None, bounds: Json) -> bool:
    return value is not None and all(_COMPARISONS[name](value, bound) for name, bound in bounds.items())


def matching(params: Json, *fields: str, times: Iterable[str] = ("created",)) -> Condition:
    """Equality on `fields` and ranges on `times`, for those that the caller gave."""
    wanted = {name: params[name] for name in fields if name in params}
    ranges = {name: params[name] for name in times if name in params}

    def keep(row: Json) -> bool:
        return all(row[name] == value for name, value in wanted.items()) and all(
            within(row[name], bounds) for name, bounds in ranges.items()
        )

    return keep


def page(call: Call, rows: Rows, url: str, keep: Condition | None = None) -> Json:
    found, has_more = cut(call.params, rows, keep or (lambda _row: True))
    return {
        "object": "list",
        "data": [render(call.books, row) for row in found],
        "has_more": has_more,
        "url": url,
    }


def cut(params: Json, rows: Rows, keep: Condition) -> tuple[list[Json], bool]:
    backwards = "ending_before" in params
    if backwards and "starting_after" in params:
        raise ApiError("You may only specify one of these parameters: ending_before, starting_after.")
    cursor = params.get("ending_before", params.get("starting_after"))
    _check_cursor(rows, cursor, "ending_before" if backwards else "starting_after")
    limit = params.get("limit", 10)
    candidates: Iterator[Json] = (row for row in rows.walk(cursor, backwards=backwards) if keep(row))
    found = list(islice(candidates, limit + 1))
    chosen = found[:limit]
    return (chosen[::-1] if backwards else chosen), len(found) > limit


def _check_cursor(rows: Rows, cursor: str | None, param: str) -> None:
    if cursor is not None and cursor not in rows:
        raise ApiError(f"No such object: '{cursor}'", code="resource_missing", param=param)
