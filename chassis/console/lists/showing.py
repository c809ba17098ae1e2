"""A page of a list as its template takes it: every cell said, every door's address known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy import Row

from chassis.console.cells import cell_of, escaped, linked
from chassis.console.lists.asking import Asked
from chassis.console.lists.declaration import Column, Density
from chassis.console.lists.filters import Filter, Held
from chassis.console.lists.reading import Found, Totals
from chassis.console.wording import Wording, money


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

    @property
    def values(self) -> tuple[str, ...]:
        return self.held.value if self.held else ()


@dataclass(frozen=True, slots=True)
class ShownList:
    asked: Asked
    heads: Sequence[Head]
    rows: Markup
    """The table's body."""
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


def show_list(
    asked: Asked, found: Found, totals: Totals, told: Sequence[str], now: datetime, wording: Wording, *, picks: bool
) -> ShownList:
    """`told` are the chips' texts, in the order of the filters that are set; with `picks` rows can be selected."""
    held = list(asked.held.values())
    set_ = {name: each for name, (_, each) in asked.held.items()}
    return ShownList(
        asked=asked,
        heads=[_head(asked, column) for column in asked.columns],
        rows=_rows(asked, found.rows, now, wording, picks=picks),
        on_page=len(found.rows),
        count=totals.count,
        sums=[(asked.listing.column(name).title, money(cents)) for name, cents in totals.sums.items()],
        chips=[
            Chip(filter_.title, text, asked.without(filter_.name))
            for (filter_, _), text in zip(held, told, strict=True)
        ],
        fields=[FilterField(each, set_.get(each.name)) for each in asked.listing.filters],
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
def _rows(asked: Asked, rows: Sequence[Row[Any]], now: datetime, wording: Wording, *, picks: bool) -> Markup:
    listing = asked.listing
    first, *others = asked.columns
    begun = [(column, _begin(_classes(column)), _begin(f"{_classes(column)} breached")) for column in others]
    parts: list[str] = []
    for row in rows:
        named = _said(first, row, wording)
        parts.append("<tr>")
        if picks:
            # What a screen reader says of the box is the row's name alone, without the name's markup.
            name = escaped(Markup(named).striptags()) if "<" in named else named  # noqa: S704  # it is
            parts.append(_PICK.format(id=escaped(row.id), name=name))
        parts += '<th scope="row">', linked(listing.document(row), named) if listing.document else named, "</th>"
        for column, begins, begins_late in begun:
            is_late = column.is_late is not None and column.is_late(row, now)
            parts += (
                begins_late if is_late else begins,
                _said(column, row, wording),
                _LATE if is_late else "",
                "</td>",
            )
        parts.append("</tr>\n")
    return Markup("".join(parts))  # noqa: S704  # every part is


_PICK = '<td class="picks"><input type="checkbox" name="ids" value="{id}" aria-label="Select {name}"></td>'
_LATE = '<span class="out-of-sight">, later than its limit</span>'


def _begin(classes: str) -> str:
    return f'<td class="{classes}">' if classes else "<td>"


def _said(column: Column, row: Row[Any], wording: Wording) -> str:
    """HTML, as `cell_of` gives it."""
    value = column.say(row) if column.say else getattr(row, column.name)
    shown = cell_of(column.kind, value, wording, column.tone_of(row) if column.tone else "")
    if column.path is not None and value is not None and (path := column.path(row)):
        return linked(path, shown)
    return shown
