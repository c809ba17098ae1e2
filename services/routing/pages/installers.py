"""Installers: who takes leads where, how full each is, and what can be done with many at once."""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup
from sqlalchemy import ColumnElement, Row, case, false, func, or_

from chassis.console.cells import Kind, chip
from chassis.console.listing import Choice, Column, Empty, Flag, Listing, Option, Search, Tab, among, routes_of
from chassis.console.lists.filters import Held, Sent
from chassis.console.wording import MONTHS, words
from contracts.abn import is_abn
from contracts.forms import Fault
from contracts.identity import Capability
from contracts.phones import e164
from contracts.values import AustralianState, InstallerStatus
from services.routing.domain.preflight import told_ready
from services.routing.domain.windows import WallClock, WindowKind
from services.routing.models import Installer, TurnTaken
from services.routing.pages.installer_bulk import BULK
from services.routing.pages.telling import AUTO_DISPATCH, INSTALLER_TONES, told_use
from services.routing.pages.telling import INSTALLERS as PATH
from services.routing.queries import installer_lists as lists
from services.routing.queries.preflight import IS_AWAY, IS_READY, MISSING

ROOM = "installers"
_SHOWN_PLACES = 2
_NUMBER = re.compile(r"[+()\d\s-]+")


class _ByPostcode(Search):
    """What people know of an installer; four digits are also a place that it covers."""

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        held = Search.read(self, sent, zone)
        if held is None or not re.fullmatch(r"[0-9]{4}", held.value[0]):
            return held
        return Held(or_(held.condition, lists.covers(held.value[0])), held.told, held.value)


def _as_kept(text: str) -> str:
    """Telephone numbers are kept in E.164, ABNs as 11 digits."""
    digits = re.sub(r"\D", "", text)
    if not _NUMBER.fullmatch(text):
        return ""
    try:
        return digits if is_abn(digits) else e164(text)
    except Fault:
        return digits


def _says_use(kind: WindowKind) -> Any:
    def say(row: Row[Any]) -> Markup | str:
        taken, limit = getattr(row, kind.value), getattr(row, f"{kind.value}_limit")
        return told_use(taken, limit)

    return say


def _says_territory(row: Row[Any]) -> Markup | str:
    parts = row.territory.split(", ") if row.territory else []
    if not parts:
        return chip("None: gets no leads", "warning")
    shown = ", ".join(parts[:_SHOWN_PLACES]).replace("-", "–")  # noqa: RUF001  # a range, as print has it
    return f"{shown} and {len(parts) - _SHOWN_PLACES:,} more" if len(parts) > _SHOWN_PLACES else shown


def _says_status(row: Row[Any]) -> Markup:
    """With the absence that runs, or the next one; its days are of the installer's own clock."""
    told = chip(words(row.status), INSTALLER_TONES[row.status])
    if row.away_from is None:
        return told
    if row.is_away:
        until = f" until {_day(row, row.away_until)}" if row.away_until else ""
        return told + Markup(" ") + chip(f"Away{until}", "warning")
    return told + Markup(" ") + chip(f"Away from {_day(row, row.away_from)}", "info")


def _day(row: Row[Any], at: datetime) -> str:
    """Without its year, for which its page has the room."""
    local = at.astimezone(WallClock.of(row.own_zone).zone)
    return f"{local.day} {MONTHS[local.month - 1]}"


def _says_ready(row: Row[Any]) -> Markup:
    return chip(told_ready(row.to_do), "warning" if row.to_do else "positive")


def _says_services(row: Row[Any]) -> str:
    return words(row.services)


def _window_columns() -> list[Column]:
    titles = {WindowKind.DAY: "Today", WindowKind.WEEK: "This week", WindowKind.MONTH: "This cycle"}
    shown = [
        Column(kind.value, titles[kind], lists.TAKEN[kind], say=_says_use(kind), sorts=True) for kind in WindowKind
    ]
    limits = [
        Column(f"{kind.value}_limit", f"Cap a {kind}", limit, is_extra=True) for kind, limit in lists.LIMITS.items()
    ]
    return [*shown, *limits]


SEARCH = _ByPostcode(
    "q",
    "Name, e-mail, phone, ABN, contact or postcode",
    texts=(
        Installer.name,
        Installer.email,
        Installer.billing_email,
        Installer.phone,
        Installer.abn,
        func.array_to_string(Installer.services, " "),
        lists.CONTACTS,
    ),
    ids=(Installer.id,),
    normal=_as_kept,
)


def matches(text: str) -> ColumnElement[bool]:
    """As the list's own search has it."""
    held = SEARCH.read({SEARCH.name: [text]}, ZoneInfo("UTC"))
    return false() if held is None else held.condition


_STOPPED_COLUMNS = "&".join(
    f"columns={name}" for name in ("name", "status", "inactive_since", "last_assigned", "territory", "services")
)

LISTING = Listing(
    name=ROOM,
    title="Installers",
    noun=("installer", "installers"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=lists.ROWS,
    key=Installer.id,
    order="name",
    columns=(
        Column("name", "Installer", Installer.name, sorts=True),
        Column("status", "Status", Installer.status, say=_says_status),
        Column("to_do", "Pre-flight", MISSING, say=_says_ready),
        Column(
            "inactive_since",
            "Stopped",
            case((Installer.status != InstallerStatus.ACTIVE, Installer.status_since), else_=None),
            Kind.AGO,
            is_extra=True,
        ),
        *_window_columns(),
        Column("delivered", "Delivered", lists.DELIVERED, Kind.NUMBER),
        Column("last_assigned", "Last assigned", TurnTaken.last_assigned_at, Kind.AGO),
        Column("territory", "Territory", lists.TERRITORY, say=_says_territory),
        Column("services", "Services", func.array_to_string(Installer.services, ", "), say=_says_services),
        Column("email", "E-mail for leads", Installer.email, is_extra=True),
        Column("phone", "Phone", Installer.phone, is_extra=True),
        Column("abn", "ABN", Installer.abn, is_extra=True),
        Column("time_zone", "Time zone", Installer.time_zone, is_extra=True),
        Column("added", "Added", Installer.created_at, Kind.AGO, sorts=True, is_extra=True),
    ),
    filters=(
        SEARCH,
        Choice("status", "Status", options=among(Installer.status, InstallerStatus)),
        Choice("in", "Region", options=[Option(s.value, s.value, lists.works_in(s)) for s in AustralianState]),
        Flag("at_cap", "At cap", condition=lists.IS_AT_CAP),
        Flag("away", "Away", condition=IS_AWAY),
        Flag("not_ready", "Not ready", condition=~IS_READY),
    ),
    tabs=(
        Tab("Active", "status=active"),
        Tab("Paused", f"status=paused&status=suspended&{_STOPPED_COLUMNS}"),
        Tab("At cap", "status=active&at_cap=true"),
        Tab("Away", "status=active&away=true"),
        Tab("Not ready", "status=active&not_ready=true"),
        Tab("All"),
    ),
    also={
        "away_from": lists.AWAY_FROM,
        "away_until": lists.AWAY_UNTIL,
        "is_away": IS_AWAY,
        "own_zone": Installer.time_zone,
    },
    bulk=BULK,
    links=(
        ("Auto-dispatch", AUTO_DISPATCH, Capability.READ_OPS),
        ("Import territories", f"{PATH}/import-territories", Capability.WRITE_ROUTING),
        ("New installer", f"{PATH}/new", Capability.MANAGE_BILLING_OPS),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "No installers here",
        "Whoever buys leads is added with “New installer”, by those who manage billing.",
        "truck",
    ),
    holds_personal_data=True,
)

ROUTES = routes_of(LISTING)
