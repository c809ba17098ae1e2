"""What an address asks of a list: filters, order, columns and place. What it cannot mean is said, and not guessed."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from chassis.console.lists.declaration import Column, Density, Listing
from chassis.console.lists.filters import Filter, Held, Unreadable
from chassis.errors import FieldError, Invalid
from chassis.http.bodies import UNSAYABLE, UNSAYABLE_FAULT
from chassis.paging import MalformedCursor

SORT, COLUMNS, LIMIT, AFTER, BEFORE = "sort", "columns", "limit", "after", "before"
OWN = (SORT, COLUMNS, LIMIT, AFTER, BEFORE)
PICKED = (SORT, COLUMNS, LIMIT)
VIEWS_KEPT = 512
LONGEST_QUERY = 4_000
MOST_FIELDS = 200
LARGEST_INTEGER = 2**63 - 1


class NotThisList(Invalid):
    code = "invalid_request"
    title = "Not a view of this list"


@dataclass(frozen=True, slots=True)
class Place:
    """The row beside which a page begins: its value in the list's order, and its id."""

    value: Any
    id: Any
    is_before: bool = False

    @staticmethod
    def write(value: Any, id_: Any) -> str:
        # `default` serves instants, ids and enums alike: each is read back by the type of its column.
        return urlsafe_b64encode(json.dumps([value, id_], default=str).encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, types: tuple[type[Any], type[Any]], *, is_before: bool) -> "Place":
        try:
            value, id_ = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            return cls(_typed(types[0], value), _typed(types[1], id_), is_before)
        except (ValueError, TypeError, ValidationError):
            raise MalformedCursor("the place is none that a page of this list gave") from None


def _typed(kind: type[Any], value: Any) -> Any:
    if isinstance(value, str) and UNSAYABLE.search(value):
        raise ValueError("unsayable")
    found = TypeAdapter(kind).validate_python(value)
    if isinstance(found, int) and abs(found) > LARGEST_INTEGER:
        raise ValueError("larger than a column holds")
    return found


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Asked:
    """One view of a list, equal to itself alone. `held` are the filters that are set, by name."""

    listing: Listing
    held: Mapping[str, tuple[Filter, Held]]
    order: str
    columns: tuple[Column, ...]
    limit: int
    zone: ZoneInfo
    place: Place | None = None

    @property
    def is_descending(self) -> bool:
        return self.order.startswith("-")

    @property
    def sorted_by(self) -> Column:
        return self.listing.column(self.order.lstrip("-"))

    @property
    def query(self) -> str:
        """The view in its one way to be written; a page's place is no part of it."""
        pairs = [pair for filter_, held in self.held.values() for pair in _pairs(filter_, held)]
        if self.order != self.listing.order:
            pairs.append((SORT, self.order))
        if self.columns != default_columns(self.listing):
            pairs += [(COLUMNS, column.name) for column in self.columns]
        if self.limit != int(Density.SOME):
            pairs.append((LIMIT, str(self.limit)))
        return urlencode(pairs)

    def address(self, **changed: str) -> str:
        """Of the same view with other words for what `changed` names."""
        query = "&".join(part for part in (self.query, urlencode(changed)) if part)
        return f"{self.listing.path}?{query}" if query else self.listing.path

    def without(self, name: str) -> str:
        """The address of the view without one of its filters."""
        rest = {key: value for key, value in self.held.items() if key != name}
        return replace(self, held=rest, place=None).address()

    def sorted_as(self, column: Column) -> str:
        """The address of the view in another order; asked twice, it turns round."""
        turned = column is self.sorted_by and not self.is_descending
        return replace(self, order=f"-{column.name}" if turned else column.name, place=None).address()


def _pairs(filter_: Filter, held: Held) -> list[tuple[str, str]]:
    if len(filter_.parameters) > 1:
        return [(name, value) for name, value in zip(filter_.parameters, held.value, strict=True) if value]
    return [(filter_.name, value) for value in held.value]


def default_columns(listing: Listing) -> tuple[Column, ...]:
    return tuple(column for column in listing.columns if not column.is_extra)


def read_query(listing: Listing, query: str, zone: ZoneInfo) -> Asked:
    """Raises NotThisList with every fault, and MalformedCursor.

    A view that is picked from what the list offers is kept for who asks next; what somebody typed is kept nowhere.
    """
    return _read_kept(listing, query, zone) if _is_picked(listing, query) else _read(listing, query, zone)


def _is_picked(listing: Listing, query: str) -> bool:
    picked = {*PICKED, *(filter_.name for filter_ in listing.filters if filter_.is_picked)}
    return all(not part or part.partition("=")[0] in picked for part in query.split("&"))


def _read(listing: Listing, query: str, zone: ZoneInfo) -> Asked:
    sent = _sent(query)
    faults = [FieldError(name, *UNSAYABLE_FAULT) for name, values in sent.items() if UNSAYABLE.search("".join(values))]
    faults += _unknown(listing, sent)
    said = {name: values for name, values in sent.items() if not UNSAYABLE.search("".join(values))}
    held: dict[str, tuple[Filter, Held]] = {}
    for filter_ in listing.filters:
        try:
            found = filter_.read(said, zone)
        except Unreadable as fault:
            faults.append(FieldError(filter_.name, "invalid", f"Value is {fault}"))
            continue
        if found is not None:
            held[filter_.name] = (filter_, found)
    order = sent.get(SORT, [listing.order])[-1]
    limit = sent.get(LIMIT, [Density.SOME])[-1]
    faults += _misordered(listing, order, limit)
    if faults:
        raise NotThisList("the address asks for what this list does not have", errors=tuple(faults))
    asked = Asked(listing, held, order, _columns(listing, sent.get(COLUMNS, [])), int(limit), zone)
    return replace(asked, place=_place(asked, sent))


_read_kept = lru_cache(VIEWS_KEPT)(_read)


def _sent(query: str) -> dict[str, list[str]]:
    try:
        if len(query) > LONGEST_QUERY:
            raise ValueError
        pairs = parse_qsl(query, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise NotThisList("the address is longer than a view of this list can be") from None
    sent: dict[str, list[str]] = {}
    for name, value in pairs:
        sent.setdefault(name, []).append(value)
    return sent


def _unknown(listing: Listing, sent: Mapping[str, Sequence[str]]) -> list[FieldError]:
    known = {*OWN, *(name for filter_ in listing.filters for name in filter_.parameters)}
    names = {column.name for column in listing.columns}
    return [
        FieldError(UNSAYABLE.sub("�", name)[:200], "extra_forbidden", "There is no such filter")
        for name in sent
        if name not in known
    ] + [
        FieldError(COLUMNS, "invalid", "There is no such column") for name in sent.get(COLUMNS, []) if name not in names
    ]


def _misordered(listing: Listing, order: str, limit: str) -> list[FieldError]:
    faults = []
    if not any(column.sorts and column.name == order.removeprefix("-") for column in listing.columns):
        faults.append(FieldError(SORT, "invalid", "The list cannot be in this order"))
    if limit not in list(Density):
        faults.append(FieldError(LIMIT, "invalid", f"Value is none of {', '.join(Density)}"))
    return faults


def _columns(listing: Listing, asked: Sequence[str]) -> tuple[Column, ...]:
    """In the order of their declaration; the first, which names the row, is always there."""
    if not asked:
        return default_columns(listing)
    return tuple(c for index, c in enumerate(listing.columns) if index == 0 or c.name in set(asked))


def _place(asked: Asked, sent: Mapping[str, Sequence[str]]) -> Place | None:
    types = (asked.sorted_by.value.type.python_type, asked.listing.key.type.python_type)
    for name in (AFTER, BEFORE):
        if name in sent:
            return Place.read(sent[name][-1], types, is_before=name == BEFORE)
    return None
