"""A page of a list as its template takes it: every cell said, every door's address known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from markupsafe import Markup
from sqlalchemy import Row

from chassis.console.cells import cell_of, escaped, linked
from chassis.console.lists.asking import Asked
from chassis.console.lists.declaration import Column, Density, LateAfter
from chassis.console.lists.filters import Filter, Held
from chassis.console.lists.reading import Found, Totals
from chassis.console.wording import Wording, money, span


@dataclass(frozen=True, slots=True)
class Head:
    title: str
    classes: str
    address: str
    """Of the list in this column's order; empty where it has none."""
    direction: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set, and the address without it."""

    title: str
    told: str
    without: str


@dataclass(frozen=True, slots=True)
class FilterField:
    filter: Filter
    held: Held | None
    offers: Sequence[tuple[str, str]] = ()
    """What can be chosen of what the database alone knows: each value and what it is called."""

    @property
    def values(self) -> tuple[str, ...]:
        return self.held.value if self.held else ()


@dataclass(frozen=True, slots=True)
class ShownList:
    asked: Asked
    heads: Sequence[Head]
    rows: Markup
    on_page: int
    count: int
    sums: Sequence[tuple[str, str]]
    chips: Sequence[Chip]
    fields: Sequence[FilterField]
    previous: str
    following: str
    first: str
    """Empty where there is no such page."""
    densities: Sequence[str] = tuple(Density)


@dataclass(frozen=True, slots=True)
class Beside:
    """What the database gave beside a page's rows. `told` are the chips' texts, in the order of the filters that are
    set; `offers` what can be chosen of what it alone knows, by the filter's name.
    """

    totals: Totals
    told: Sequence[str]
    offers: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)


def show_list(asked: Asked, found: Found, rows: Markup, beside: Beside) -> ShownList:
    """`rows` as `tell_rows` tells those that were found."""
    totals = beside.totals
    held = list(asked.held.values())
    set_ = {name: each for name, (_, each) in asked.held.items()}
    return ShownList(
        asked=asked,
        heads=[_head(asked, column) for column in asked.columns],
        rows=rows,
        on_page=len(found.rows),
        count=totals.count,
        sums=[(asked.listing.column(name).title, money(cents)) for name, cents in totals.sums.items()],
        chips=[
            Chip(filter_.title, text, asked.without(filter_.name))
            for (filter_, _), text in zip(held, beside.told, strict=True)
        ],
        fields=[
            FilterField(each, set_.get(each.name), beside.offers.get(each.name, ())) for each in asked.listing.filters
        ],
        previous=asked.address(before=found.before) if found.before else "",
        following=asked.address(after=found.after) if found.after else "",
        first=asked.address() if asked.place else "",
    )


def _head(asked: Asked, column: Column) -> Head:
    is_order = column is asked.sorted_by
    direction = ("descending" if asked.is_descending else "ascending") if is_order else ""
    return Head(column.title, _classes(column), asked.sorted_as(column) if column.sorts else "", direction)


def _classes(column: Column) -> str:
    return "number" if column.kind.is_number else "wrap" if column.wraps else ""


# A page has some hundreds of cells: a template that walks through them takes longer than the database.
def tell_rows(asked: Asked, rows: Sequence[Row[Any]], now: datetime, wording: Wording, *, picks: bool) -> Markup:
    """The table's body; with `picks` its rows can be selected."""
    listing = asked.listing
    first, *others = asked.columns
    named_by, cells = _teller(first, wording), [_cell(column, now, wording) for column in others]
    parts: list[str] = []
    for row in rows:
        named = named_by(row)
        parts.append("<tr>")
        if picks:
            # What a screen reader says of the box is the row's name alone, without the name's markup.
            name = escaped(Markup(named).striptags()) if "<" in named else named  # noqa: S704  # it is
            parts.append(_PICK.format(id=escaped(row.id), name=name))
        parts += '<th scope="row">', linked(listing.document(row), named) if listing.document else named, "</th>"
        parts += [cell(row) for cell in cells]
        parts.append("</tr>\n")
    return Markup("".join(parts))  # noqa: S704  # every part is


_PICK = '<td class="picks"><input type="checkbox" name="ids" value="{id}" aria-label="Select {name}"></td>'
_LATE = '<span class="out-of-sight">, later than its limit</span>'

Tell = Callable[[Row[Any]], str]
"""HTML of a row, as `cell_of` gives it."""


def _cell(column: Column, now: datetime, wording: Wording) -> Tell:
    tell, classes = _teller(column, wording), _classes(column)
    begins, is_late = f'<td class="{classes}">' if classes else "<td>", column.is_late
    if is_late is None:
        return lambda row: f"{begins}{tell(row)}</td>"
    begins_late = f'<td class="{f"{classes} breached".strip()}">'
    limit_of = is_late.limit_of if isinstance(is_late, LateAfter) else lambda _row: None

    def cell(row: Row[Any]) -> str:
        if not is_late(row, now):
            return f"{begins}{tell(row)}</td>"
        limit = limit_of(row)
        return f"{begins_late}{tell(row)}{_LATE if limit is None else f', limit {span(limit)}'}</td>"

    return cell


def _teller(column: Column, wording: Wording) -> Tell:
    kind, path, tone_of = column.kind, column.path, column.tone_of if column.tone else None
    value_of = column.say or attrgetter(column.name)

    def tell(row: Row[Any]) -> str:
        value = value_of(row)
        shown = cell_of(kind, value, wording, tone_of(row) if tone_of else "")
        if path is not None and value is not None and (door := path(row)):
            return linked(door, shown)
        return shown

    return tell
