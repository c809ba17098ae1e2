"""The exception queue: the list of leads that wait for an operator, and what can be done with many at once."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, case, func, select

from chassis.console.cells import Kind
from chassis.console.listing import (
    ME,
    NOW,
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Listing,
    Option,
    Search,
    Tab,
    among,
    late_after,
    routes_of,
)
from chassis.console.wording import sentence, words
from contracts.identity import Capability
from contracts.values import AustralianState
from services.routing.domain.states import ExceptionReason
from services.routing.domain.waiting import WaitKind
from services.routing.models import Dispatch, DispatchException
from services.routing.pages.exception_bulk import BULK
from services.routing.pages.telling import AUTO_DISPATCH, DISPATCHES, POLICIES
from services.routing.pages.telling import EXCEPTIONS as PATH
from services.routing.queries.operators import operator_name

ROOM = "exceptions"
QUEUE = f"{PATH}?state=open"
LIMIT = timedelta(hours=1)
"""A lead that waits longer than this for an operator is late."""
EXPECTED_LIMIT = timedelta(hours=8)
"""One that waits as is to be expected."""


def _path_of_owner(row: Row[Any]) -> str:
    return f"{PATH}?owner_id={row.owner_id}" if row.owner_id else ""


def _says_lead(row: Row[Any]) -> str:
    return f"{words(row.service)}, {row.lead}"


def _says_state(row: Row[Any]) -> str:
    if row.state == "snoozed":
        return f"Snoozed by {row.snoozed_by}"
    if row.resolved_at is None:
        return "Waits"
    return f"{words(row.resolution)} by {row.resolved_by}"


IS_OPEN = DispatchException.resolved_at.is_(None)
SLEEPS = IS_OPEN & func.coalesce(DispatchException.snoozed_until > NOW, False)
WAITS = IS_OPEN & ~func.coalesce(DispatchException.snoozed_until > NOW, False)
STATE = case((SLEEPS, "snoozed"), (IS_OPEN, "open"), else_="resolved")
KIND = case((DispatchException.reason.in_(WaitKind.EXPECTED.reasons), "expected"), else_="alarming")
IS_NOBODYS = WAITS & DispatchException.owner_id.is_(None)


LISTING = Listing(
    name=ROOM,
    title="Exceptions",
    noun=("lead", "leads"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select().select_from(DispatchException).join(Dispatch, Dispatch.lead_id == DispatchException.lead_id),
    key=DispatchException.id,
    one_per=DispatchException,
    order="waits",
    columns=(
        Column("lead", "Lead", func.concat_ws(" ", Dispatch.suburb, Dispatch.state, Dispatch.postcode), say=_says_lead),
        Column(
            "reason",
            "Why it waits",
            DispatchException.reason,
            Kind.CHIP,
            tone=lambda row: "warning" if row.resolved_at is None and row.kind == "alarming" else "",
        ),
        Column("kind", "Kind", KIND, Kind.WORD, is_extra=True),
        Column("detail", "What was seen", DispatchException.detail, say=lambda row: sentence(row.detail), wraps=True),
        Column(
            "waits",
            "Waits since",
            DispatchException.waits_since,
            Kind.AGO,
            sorts=True,
            is_late=late_after(LIMIT, "waits", unless=lambda row: row.resolved_at is not None),
        ),
        Column("owner", "Owner", DispatchException.owner_name, path=_path_of_owner),
        Column("next_try", "Next try", case((IS_OPEN, DispatchException.next_retry_at)), Kind.AGO),
        Column("tries_left", "Tries left", case((IS_OPEN, DispatchException.retries_left)), Kind.NUMBER),
        Column(
            "escalates",
            "Escalates",
            case((WAITS, DispatchException.escalate_at)),
            Kind.AGO,
            is_late=lambda row, now: row.escalates is not None and row.escalates <= now,
        ),
        Column("times", "Times", DispatchException.occurrences, Kind.NUMBER, sorts=True, is_extra=True),
        Column("state", "State", STATE, say=_says_state),
        Column("path", "Path", Dispatch.selected_path, Kind.WORD, is_extra=True),
        Column("raised", "Raised", DispatchException.raised_at, Kind.AGO, sorts=True, is_extra=True),
        Column("last_raised", "Last raised", DispatchException.last_raised_at, Kind.AGO, sorts=True, is_extra=True),
        Column(
            "lead_id",
            "Lead id",
            DispatchException.lead_id,
            Kind.ID,
            path=lambda row: f"{DISPATCHES}/{row.lead_id}",
            is_extra=True,
        ),
    ),
    also={
        "service": Dispatch.service,
        "resolved_at": DispatchException.resolved_at,
        "resolution": DispatchException.resolution,
        "resolved_by": DispatchException.resolved_by,
        "owner_id": DispatchException.owner_id,
        "snoozed_by": DispatchException.snoozed_by,
    },
    filters=(
        Search(
            "q",
            "Suburb, postcode or id",
            texts=(Dispatch.suburb, Dispatch.postcode),
            ids=(DispatchException.id, DispatchException.lead_id),
        ),
        Choice(
            "state",
            "State",
            options=(
                Option("open", "Waits", WAITS),
                Option("snoozed", "Snoozed", SLEEPS),
                Option("resolved", "Resolved", DispatchException.resolved_at.is_not(None)),
            ),
        ),
        Choice(
            "kind",
            "Kind",
            options=(
                Option("alarming", "Alarming", KIND == "alarming"),
                Option("expected", "Expected", KIND == "expected"),
            ),
        ),
        Choice(
            "owner",
            "Owner",
            options=(
                Option("mine", "Mine", DispatchException.owner_id == ME),
                Option("unowned", "Unowned", IS_NOBODYS),
                Option("late", "Nobody’s for too long", IS_NOBODYS & (DispatchException.escalate_at <= NOW)),  # noqa: RUF001  # as print has it
            ),
        ),
        Exact("owner_id", "Owner", column=DispatchException.owner_id, name_of=operator_name),
        Choice("reason", "Why it waits", options=among(DispatchException.reason, ExceptionReason)),
        Choice("in", "Region", options=among(Dispatch.state, AustralianState, {s: str(s) for s in AustralianState})),
        Days("raised", "Raised", column=DispatchException.raised_at),
    ),
    tabs=(
        Tab("Waits", "state=open"),
        Tab("Alarming", "state=open&kind=alarming"),
        Tab("Mine", "owner=mine&state=open"),
        Tab("Unowned", "owner=unowned"),
        Tab("Expected", "state=open&kind=expected"),
        Tab("Snoozed", "state=snoozed"),
        Tab("Resolved", "state=resolved"),
        Tab("All"),
    ),
    bulk=BULK,
    links=(
        ("How the queue works", f"{POLICIES}/queue", Capability.READ_OPS),
        ("Auto-dispatch", AUTO_DISPATCH, Capability.READ_OPS),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "Nothing waits",
        "A lead that finds no installer, or whose delivery failed, comes here by itself.",
        "circle-check",
    ),
)


ROUTES = routes_of(LISTING)
