"""An installer's row as lists show it: where it works, and what it has taken of each window that is now."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, Text, and_, cast, false, func, or_, select
from sqlalchemy.dialects.postgresql import Range, aggregate_order_by
from sqlalchemy.orm import aliased

from chassis.console.lists.declaration import NOW
from contracts.values import AustralianState
from services.routing.domain.places import POSTCODES, states_of
from services.routing.domain.states import AssignmentStatus
from services.routing.domain.windows import WindowKind
from services.routing.models import (
    Assignment,
    CapWindow,
    Installer,
    InstallerAbsence,
    InstallerContact,
    TerritoryPostcode,
    TerritoryRange,
    TerritoryState,
    TurnTaken,
)
from services.routing.queries.absences import BACK_AT, is_not_over

# No window is longer, whatever the clocks do: it keeps a look for the present one from reading all that were.
_LONGEST = {
    WindowKind.DAY: timedelta(days=2),
    WindowKind.WEEK: timedelta(days=8),
    WindowKind.MONTH: timedelta(days=32),
}
WINDOWS = {kind: aliased(CapWindow, name=f"this_{kind}") for kind in WindowKind}
"""The windows of now, one row of each kind at the most: there is none where nothing was assigned in it."""

LIMITS = {
    WindowKind.DAY: Installer.day_limit,
    WindowKind.WEEK: Installer.week_limit,
    WindowKind.MONTH: Installer.month_limit,
}


def _is_now(kind: WindowKind) -> ColumnElement[bool]:
    window = WINDOWS[kind]
    return and_(
        window.installer_id == Installer.id,
        window.kind == kind,
        window.window_start <= NOW,
        window.window_start > NOW - _LONGEST[kind],
        window.window_end > NOW,
    )


def _with_windows() -> Any:
    query = select().select_from(Installer).outerjoin(TurnTaken, TurnTaken.installer_id == Installer.id)
    for kind, window in WINDOWS.items():
        query = query.outerjoin(window, _is_now(kind))
    return query


ROWS = _with_windows()
"""Installers, each with its turn and its windows; bind `now`."""

TAKEN = {kind: func.coalesce(window.used + window.reserved, 0) for kind, window in WINDOWS.items()}
IS_AT_CAP = or_(*(TAKEN[kind] >= limit for kind, limit in LIMITS.items()))
"""Any of its windows is full; where there is no limit the comparison is unknown, and never true."""

_MONTH = WINDOWS[WindowKind.MONTH]
DELIVERED = (
    select(func.count())
    .where(
        Assignment.installer_id == Installer.id,
        Assignment.status.in_([status for status in AssignmentStatus if status.was_delivered]),
        Assignment.created_at >= _MONTH.window_start,
        Assignment.created_at < _MONTH.window_end,
    )
    .correlate(Installer, _MONTH)
    .scalar_subquery()
)
"""In the present cycle, whether its place was released or it was returned, or neither."""


def _told(text: Any, table: Any) -> Any:
    listed = func.string_agg(text, aggregate_order_by(cast(", ", Text), text))
    return select(listed).where(table.installer_id == Installer.id).correlate(Installer).scalar_subquery()


def _postcode(number: Any) -> Any:
    return func.to_char(number, "FM0000")


TERRITORY = func.concat_ws(
    ", ",
    _told(cast(TerritoryState.state, String), TerritoryState),
    _told(
        _postcode(func.lower(TerritoryRange.postcodes)) + "-" + _postcode(func.upper(TerritoryRange.postcodes) - 1),
        TerritoryRange,
    ),
    _told(TerritoryPostcode.postcode, TerritoryPostcode),
)
"""States, ranges and postcodes as one text, empty where there are none."""


def covers(postcode: str) -> ColumnElement[bool]:
    """Whether a lead of the postcode is in the territory, also where that holds the whole state."""
    return or_(
        Installer.id.in_(select(TerritoryPostcode.installer_id).where(TerritoryPostcode.postcode == postcode)),
        Installer.id.in_(select(TerritoryRange.installer_id).where(TerritoryRange.postcodes.contains(int(postcode)))),
        Installer.id.in_(select(TerritoryState.installer_id).where(TerritoryState.state.in_(states_of(postcode)))),
    )


def works_in(state: AustralianState) -> ColumnElement[bool]:
    """Whether any part of the state is in the territory."""
    ranges = [TerritoryRange.postcodes.overlaps(Range(int(r.first), int(r.last) + 1)) for r in POSTCODES[state]]
    postcodes = [TerritoryPostcode.postcode.between(r.first, r.last) for r in POSTCODES[state]]
    return or_(
        Installer.id.in_(select(TerritoryState.installer_id).where(TerritoryState.state == state)),
        Installer.id.in_(select(TerritoryRange.installer_id).where(or_(false(), *ranges))),
        Installer.id.in_(select(TerritoryPostcode.installer_id).where(or_(false(), *postcodes))),
    )


def _first_absence(column: Any) -> Any:
    return (
        select(column)
        .where(InstallerAbsence.installer_id == Installer.id, is_not_over(NOW))
        .order_by(InstallerAbsence.starts_at, InstallerAbsence.id)
        .limit(1)
        .correlate(Installer)
        .scalar_subquery()
    )


AWAY_FROM = _first_absence(InstallerAbsence.starts_at)
AWAY_UNTIL = _first_absence(BACK_AT)
"""Of the absence that runs, else of the next one."""

CONTACTS = (
    select(
        func.string_agg(
            func.concat_ws(" ", InstallerContact.name, InstallerContact.email, InstallerContact.phone), cast(" ", Text)
        )
    )
    .where(InstallerContact.installer_id == Installer.id, InstallerContact.removed_at.is_(None))
    .correlate(Installer)
    .scalar_subquery()
)
"""Of those that are there, by what they are found: names, e-mail addresses and telephone numbers."""
