"""How dispatch goes: how fast it is, what it comes to, what fails, and how the queue grows and shrinks."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response

from chassis.clock import Clock
from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown
from chassis.console.charts import Bar, Charts, draw
from chassis.console.documents import Document, Fact, Section, Table, show_document
from chassis.console.wording import DASH, calendar_day, counted, span, words
from chassis.database import Database
from chassis.http import Given
from contracts.identity import Capability
from services.routing.http.health import DaysBack, DispatchHealth, LatencyView, OutcomeView, health_of
from services.routing.pages.telling import ASSIGNMENTS, DELIVERY_CHANNELS, EXCEPTIONS
from services.routing.pages.telling import latency as told_latency
from services.routing.settings import Settings

ROOM = "dispatch-health"
PATH = "/console/dispatch-health"
SPANS = (1, 7, 28, 90)


@page_at(PATH, Capability.READ_OPS)
async def show_health(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    days: DaysBack = 7,
) -> Response[str]:
    async with database.reading() as session:
        health = await health_of(session, clock.now(), days, settings.zone)
    return show_document(console, request, _document(health, days, console))


def _document(health: DispatchHealth, days: int, console: Console) -> Document:
    number = health.latency[0].number
    return Document(
        title="Dispatch health",
        room=ROOM,
        up=None,
        sentence=f"{counted(number, 'lead was', 'leads were')} given by themselves in {counted(days, 'day', 'days')}.",
        facts=_facts(health),
        sections=_sections(health, days, console),
        timeline=None,
        links=[(counted(each, "day", "days"), f"{PATH}?days={each}") for each in SPANS if each != days],
    )


def _facts(health: DispatchHealth) -> list[Fact]:
    of_all = health.latency[0]
    since = health.retries_overdue_since
    overdue = "None is overdue" if since is None else f"The first for {span(health.as_of - since)}"
    return [
        Fact("Half are given within", _told(of_all.p50)),
        Fact("Nine of ten within", _told(of_all.p90)),
        Fact("99 of 100 within", _told(of_all.p99)),
        Fact("In the queue now", Shown(health.queue[-1].open, Kind.NUMBER, path=f"{EXCEPTIONS}?state=open")),
        Fact("Nobody’s for too long", _door(health.unowned_late, f"{EXCEPTIONS}?owner=late")),  # noqa: RUF001  # as print has it
        Fact("Tried by themselves", f"{health.retries:,}, {health.retries_that_gave:,} of them given"),
        Fact("Tries that are due", overdue),
        Fact("Open breakers", _door(health.breakers_open, f"{DELIVERY_CHANNELS}?breaker=open&breaker=half_open")),
    ]


def _door(number: int, path: str) -> Shown:
    return Shown(f"{number:,}" if number else "None", path=path)


def _told(milliseconds: int | None) -> str:
    return DASH if milliseconds is None else told_latency(milliseconds)


def _sections(health: DispatchHealth, days: int, console: Console) -> Sequence[Section]:
    zone = console.wording.zone
    queue = [
        Bar(
            "Now" if each is health.queue[-1] else calendar_day(each.at.astimezone(zone).date()),
            each.open,
            f"{each.open:,}",
            f"{EXCEPTIONS}?raised_to={each.at.astimezone(zone).date()}",
        )
        for each in health.queue
    ]
    hours = [
        Bar(_hour(each), each.p90 or 0, _told(each.p90), f"{ASSIGNMENTS}?recent=true") for each in health.latency[1:]
    ]
    return (
        Charts(
            "How it goes",
            (
                draw("In the queue at midnight", "Leads that waited then, snoozed ones too, and now", queue),
                draw("Nine of ten within", "From receipt to the installer, by the hour of the day", hours),
            ),
        ),
        _latency_table(health.latency),
        _outcome_table(health.outcomes, days),
        _delivery_table(health),
    )


def _hour(each: LatencyView) -> str:
    return "All" if each.hour is None else f"{each.hour:02d}:00"


def _latency_table(latency: Sequence[LatencyView]) -> Table:
    heads = [("Hour", Kind.TEXT), ("Leads", Kind.NUMBER), *((name, Kind.TEXT) for name in ("Half", "90 %", "99 %"))]
    rows = [
        (_hour(each), Shown(each.number, Kind.NUMBER), _told(each.p50), _told(each.p90), _told(each.p99))
        for each in latency
        if each.number
    ]
    note = "Of leads that were given as they came: those that waited for an operator are not in it."
    return Table("From receipt to decision", heads, rows, empty="Nothing was given by itself.", note=note)


def _outcome_table(outcomes: Sequence[OutcomeView], days: int) -> Table:
    heads = [("Tried by", Kind.TEXT), *((name, Kind.NUMBER) for name in ("All shares given", "Some", "None"))]
    rows = [
        (
            Shown(words(each.trigger), path=f"{ASSIGNMENTS}?recent=true"),
            Shown(each.given, Kind.NUMBER),
            Shown(each.partly, Kind.NUMBER),
            Shown(each.none, Kind.NUMBER, path=f"{EXCEPTIONS}?state=open"),
        )
        for each in outcomes
    ]
    return Table("What tries came to", heads, rows, empty=f"Nothing was tried in {counted(days, 'day', 'days')}.")


def _delivery_table(health: DispatchHealth) -> Table:
    ended = {channel: sum(e.number for e in health.deliveries if e.channel is channel) for channel in _channels(health)}
    heads = (("Channel", Kind.WORD), ("Came to", Kind.TEXT), ("Deliveries", Kind.NUMBER), ("Share", Kind.TEXT))
    rows = [
        (
            Shown(each.channel, Kind.WORD),
            words(each.reason) if each.reason else "Delivered",
            Shown(each.number, Kind.NUMBER, path=_path(each.reason)),
            f"{each.number / ended[each.channel] * 100:.1f} %",
        )
        for each in health.deliveries
    ]
    return Table("Deliveries that ended", heads, rows, empty="No delivery has ended.")


def _channels(health: DispatchHealth) -> list[Any]:
    return list(dict.fromkeys(each.channel for each in health.deliveries))


def _path(reason: str | None) -> str:
    return f"{ASSIGNMENTS}?status={'failed' if reason else 'sent'}"


ROUTES = (show_health,)
