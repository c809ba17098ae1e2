"""Territories of many installers as a sheet has them: who, and a place that is theirs, a line each."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from contracts.forms import Fault
from services.routing.domain.places import lines_of, territory_of
from services.routing.domain.profile import Territory, normal_territory

MOST_RANGES, MOST_POSTCODES = 500, 3_000
"""As many as one installer's territory may have."""
MOST_ROWS = 20_000
"""Of a sheet that is read as a whole before anything is done."""
_SPACED_DIGITS = re.compile(r"[\d\s.-]+")
_QUOTED = re.compile(r'"[^"]*"')
_WHO = ("id", "installer_id", "abn", "installer", "name")
_PLACES = ("territory", "place", "places", "postcode", "postcodes")
"""What headings call the two columns; of several that tell who, the one that is least mistaken is taken."""


class ImportMode(StrEnum):
    """What becomes of what an installer has: it stays, or gives way to what is named. Who is not named keeps all."""

    ADD = "add"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class ImportRow:
    """`key` is who is meant: an id, an ABN or a whole name, as `keys_of` tells it."""

    number: int
    who: str
    key: str
    territory: Territory


@dataclass(frozen=True, slots=True)
class ImportFault:
    """`number` is the row's, as whoever wrote it counts them."""

    number: int
    what: str


@dataclass(frozen=True, slots=True)
class Sheet:
    rows: tuple[ImportRow, ...]
    faults: tuple[ImportFault, ...]

    def named(self, keys: Iterable[str]) -> list[ImportRow]:
        wanted = set(keys)
        return [row for row in self.rows if row.key in wanted]


@lru_cache(8)
def sheet_of(text: str) -> Sheet:
    """Lines of who and where, between them a semicolon, a tab or the first comma; what has such stands in quotes.

    Where a heading names a column of places, as that of our own CSVs does, both are taken from the columns it names.
    Else a heading is passed over, as empty lines are.
    """
    written = [(number, line) for number, line in enumerate(_unmarked(text).splitlines(), start=1) if line.strip()]
    if len(written) > MOST_ROWS:
        number, _ = written[MOST_ROWS]
        return Sheet((), (ImportFault(number, f"the sheet has more than {MOST_ROWS:,} rows: import it in parts"),))
    lines = [(number, _cells(line)) for number, line in written]
    heading = [cell.lower() for cell in lines[0][1]] if lines else []
    if places := [at for at, name in enumerate(heading) if name in _PLACES]:
        named = sorted((_WHO.index(name), at) for at, name in enumerate(heading) if name in _WHO)
        if named:
            return sheet_of_rows(_picked(number, cells, named[0][1], places[0]) for number, cells in lines[1:])
    if heading and heading[0] in _WHO:
        lines = lines[1:]
    return sheet_of_rows((number, cells[0], ", ".join(cells[1:])) for number, cells in lines)


def _unmarked(text: str) -> str:
    """Without the mark by which a spreadsheet knows UTF-8."""
    return text.removeprefix("\ufeff")


def _cells(line: str) -> list[str]:
    """A semicolon or a tab that stands in no quotes is what parts them; a comma parts them where there is neither."""
    outside = _QUOTED.sub("", line)
    delimiter = next((each for each in "\t;" if each in outside), ",")
    [cells] = csv.reader([line], delimiter=delimiter, skipinitialspace=True)
    return [cell.strip() for cell in cells]


def _picked(number: int, cells: Sequence[str], who: int, place: int) -> tuple[int, str, str]:
    """Nothing where the row ends before the column."""
    return number, "".join(cells[who : who + 1]), "".join(cells[place : place + 1])


def sheet_of_rows(written: Iterable[tuple[int, str, str]]) -> Sheet:
    """Each with its number, who is meant, and where."""
    rows: list[ImportRow] = []
    faults: list[ImportFault] = []
    for number, who, place in written:
        try:
            rows.append(_row(number, who, place))
        except Fault as fault:
            faults.append(ImportFault(number, str(fault).removeprefix("Line 1: ")))
    return Sheet(tuple(rows), tuple(faults))


def _row(number: int, who: str, place: str) -> ImportRow:
    if not who or not place:
        raise Fault(
            "row_unreadable", "write who and a place with a semicolon or a comma between, as Southern Sun; 2000-2234"
        )
    return ImportRow(number, who, normal_key(who), territory_of(place))


def normal_key(who: str) -> str:
    """An ABN without what stands between its digits; names and ids whatever their case."""
    return re.sub(r"\D", "", who) if _SPACED_DIGITS.fullmatch(who) else " ".join(who.lower().split())


def keys_of(id_: UUID, abn: str | None, name: str) -> frozenset[str]:
    """By what a row may mean an installer."""
    return frozenset({normal_key(str(id_)), normal_key(name), *([abn] if abn else [])})


def combined(before: Territory, rows: Iterable[ImportRow], mode: ImportMode) -> Territory:
    parts = [row.territory for row in rows]
    if mode is ImportMode.ADD:
        parts.append(before)
    return normal_territory(
        Territory(
            frozenset(state for part in parts for state in part.states),
            tuple(each for part in parts for each in part.ranges),
            frozenset(code for part in parts for code in part.postcodes),
        )
    )


def obstacle_to_import(before: Territory, after: Territory) -> str | None:
    return "it has this territory" if before == after else None


def is_too_large(territory: Territory) -> bool:
    return len(territory.ranges) > MOST_RANGES or len(territory.postcodes) > MOST_POSTCODES


def told_change(before: Territory, after: Territory) -> str:
    """As "adds 2000-2234, 2480; drops WA": parts as they are told, so a range that grows goes and comes."""
    was, becomes = lines_of(before), lines_of(after)
    told = [
        f"{verb} {', '.join(parts[:6])}{f' and {len(parts) - 6} more' if len(parts) > 6 else ''}"
        for verb, parts in (
            ("adds", [line for line in becomes if line not in was]),
            ("drops", [line for line in was if line not in becomes]),
        )
        if parts
    ]
    return "; ".join(told)
