"""What one source's leads are worth: how many were taken, what was refused and why, what became of those taken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from itertools import groupby
from operator import attrgetter
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, QueryParameter
from markupsafe import Markup

from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown
from chassis.console.charts import Bar, Charts, draw
from chassis.console.documents import Document, Fact, Table
from chassis.console.wording import MONTHS, counted, words
from chassis.database import Database
from chassis.http import Given
from contracts.identity import Capability
from services.intake import queries
from services.intake.domain import LeadStatus
from services.intake.domain.vocabulary import FAULTS
from services.intake.errors import RateLimited
from services.intake.http.quality import DayOfSource, FaultOfSource, SourceQuality, StandingOfSource, get_source_quality
from services.intake.models import LeadSource
from services.intake.pages import refusals
from services.intake.pages.sources import PATH, ROOM
from services.intake.settings import Settings

LEADS = "/console/leads"
DOUBLE, RETURNED = "turned_out=duplicate", "turned_out=returned"
MOST_CODES = 6
MEANINGS = {each.code: each.meaning for each in FAULTS}
REFUSED_AS = {
    "invalid_request": "It had faults: they are counted below, by field.",
    "rate_limited": "It came too fast, and could come again.",
    "submission_key_reused": "Its submission key had been used for other content.",
    "malformed_json": "It was no JSON.",
    "unsupported_media_type": "It was not sent as JSON.",
    "body_too_large": "It was larger than a lead can be.",
}


class Days(IntEnum):
    WEEK = 7
    MONTH = 30
    QUARTER = 90


@dataclass(frozen=True, slots=True)
class Look:
    source: LeadSource
    quality: SourceQuality
    days: Days

    @property
    def unit(self) -> str:
        return "week" if self.days is Days.QUARTER else "day"

    @property
    def all_days(self) -> "Span":
        return Span(self.quality.days[::-1])

    def leads(self, span: "Span", only: str = "") -> str:
        """The list of just these."""
        days = f"received_from={span.first}&received_to={span.last}"
        return f"{LEADS}?source_id={self.source.id}&{days}" + (f"&{only}" if only else "")

    def refusals(self, span: "Span", code: str = "", field: str = "") -> str:
        return refusals.path_of(self.source.id, span.first, span.last, code, field)


@page_at(PATH + "/{source_id:uuid}/quality", Capability.READ_OPS)
async def show_quality(
    source_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    settings: Given[Settings],
    days: Annotated[Days, QueryParameter(description="how far back it looks")] = Days.MONTH,
) -> Response[str]:
    first = console.clock.now().astimezone(settings.zone).date() - timedelta(days=days - 1)
    quality = await get_source_quality.fn(source_id, database, settings, console.clock, first)
    async with database.reading() as session:
        look = Look(await queries.source(session, source_id), quality, days)
    context = {"document": _document(look), "finished": "", "spans": [each.value for each in Days], "chosen": days}
    return console.page(request, "source_quality.html", context, room=ROOM)


def _document(look: Look) -> Document:
    quality = look.quality
    accepted = counted(quality.accepted, "lead was", "leads were")
    refused = counted(quality.refused, "request was", "requests were")
    return Document(
        title=f"Quality of {look.source.name}",
        room=ROOM,
        up=(look.source.name, f"{PATH}/{look.source.id}"),
        sentence=f"In {look.days} days {accepted} accepted and {refused} refused.",
        facts=_facts(look),
        sections=(_charts(look), *_codes(look), _refused(look), _faults(look), _standings(look)),
        timeline=None,
        links=(("Spec", f"{PATH}/{look.source.id}/spec"),),
    )


def _facts(look: Look) -> Sequence[Fact]:
    quality, all_days = look.quality, look.all_days
    too_fast = look.refusals(all_days, RateLimited.code)
    return [
        Fact("Accepted", Shown(quality.accepted, Kind.NUMBER, path=look.leads(all_days))),
        Fact("Refused", Shown(quality.refused, Kind.NUMBER, path=look.refusals(all_days))),
        Fact("Accepted of all", Shown(quality.accepted_share, Kind.SHARE)),
        Fact("Delivered of those accepted", Shown(quality.delivered_share, Kind.SHARE)),
        Fact("Duplicates of other leads", Shown(quality.duplicates, Kind.NUMBER, path=look.leads(all_days, DOUBLE))),
        Fact("Duplicates of those accepted", Shown(quality.duplicate_share, Kind.SHARE)),
        Fact("Returned by installers", Shown(quality.returned, Kind.NUMBER, path=look.leads(all_days, RETURNED))),
        Fact("Returned of those delivered", Shown(quality.returned_share, Kind.SHARE)),
        Fact("Sent back as too fast", Shown(quality.too_fast, Kind.NUMBER, path=too_fast)),
    ]


def _charts(look: Look) -> Charts:
    spans = _told_spans(look)
    lasting = f"Leads of that {look.unit}, whenever it turned out"
    drawn = (
        ("Accepted", "Leads", _count("accepted"), look.leads),
        ("Refused", "Requests, however many faults each had", _count("refused"), look.refusals),
        ("Duplicates of other leads", lasting, _count("duplicates"), lambda span: look.leads(span, DOUBLE)),
        ("Returned by installers", lasting, _count("returned"), lambda span: look.leads(span, RETURNED)),
    )
    return Charts(
        f"By {look.unit}",
        [draw(title, told, _bars(spans, count, door)) for title, told, count, door in drawn],
        note=f"Nothing came in before {_day(spans[-1].first)}."
        if spans and spans[-1].first > look.quality.first
        else "",
    )


def _codes(look: Look) -> Sequence[Charts]:
    """A source that goes wrong is seen in these first."""
    faults, spans = look.quality.faults, _told_spans(look)
    if not faults:
        return []
    drawn = [
        draw(_named(each), _meaning(each), _bars(spans, _number_of(each), _door_of(look, each)))
        for each in faults[:MOST_CODES]
    ]
    more = f"The {MOST_CODES} most frequent of {len(faults)}: all are counted below." if faults[MOST_CODES:] else ""
    return [Charts(f"Codes by {look.unit}", drawn, note=more)]


def _named(fault: FaultOfSource) -> str:
    return f"{fault.field}: {fault.code}" if fault.field else fault.code


def _meaning(fault: FaultOfSource) -> str:
    return MEANINGS.get(fault.code, "") if fault.field else REFUSED_AS.get(fault.code, "")


Count = Callable[[DayOfSource], int]


def _count(field: str) -> Count:
    return attrgetter(field)


def _number_of(fault: FaultOfSource) -> Count:
    def number(day: DayOfSource) -> int:
        return sum(each.number for each in day.faults if (each.code, each.field) == (fault.code, fault.field))

    return number


@dataclass(frozen=True, slots=True)
class Span:
    """Days one after the other, the latest first."""

    days: Sequence[DayOfSource]

    @property
    def first(self) -> date:
        return self.days[-1].day

    @property
    def last(self) -> date:
        return self.days[0].day

    @property
    def is_empty(self) -> bool:
        return not any(day.accepted or day.faults for day in self.days)

    def sum_of(self, count: Count) -> int:
        return sum(count(day) for day in self.days)


Door = Callable[[Span], str]
"""The path of the list of what is counted of some days."""


def _told_spans(look: Look) -> Sequence[Span]:
    """The latest first, from the first in which anything came: single days, or weeks from Monday where days would be
    too many to look at.
    """
    grouped = groupby(reversed(look.quality.days), lambda each: _start(each, look.days))
    spans = [Span(list(days)) for _, days in grouped]
    while spans and spans[-1].is_empty:
        spans.pop()
    return spans


def _start(each: DayOfSource, days: Days) -> date:
    return each.day - timedelta(days=each.day.weekday()) if days is Days.QUARTER else each.day


def _door_of(look: Look, fault: FaultOfSource) -> Door:
    return lambda span: look.refusals(span, fault.code, fault.field)


def _bars(spans: Sequence[Span], count: Count, door: Door) -> list[Bar]:
    return [_bar(span, span.sum_of(count), door(span)) for span in spans]


def _bar(span: Span, number: int, path: str) -> Bar:
    label = f"{span.first:%a} {_day(span.first)}"
    if span.first != span.last:
        label = f"{_day(span.first)} to {_day(span.last)}"
    return Bar(label, number, f"{number:,}", path)


def _day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]}"


def _refused(look: Look) -> Table:
    return Table(
        "Refused, by answer",
        (("Code", Kind.ID), ("What it means", Kind.TEXT), ("Requests", Kind.NUMBER)),
        [
            (_code(each.code), _said(REFUSED_AS.get(each.code, "")), _number(look, each))
            for each in look.quality.faults
            if not each.field
        ],
        empty="Nothing was refused.",
    )


def _faults(look: Look) -> Table:
    return Table(
        "Faults, by field",
        (("Field", Kind.ID), ("Code", Kind.ID), ("What it means", Kind.TEXT), ("Number", Kind.NUMBER)),
        [
            (_code(each.field), _code(each.code), _said(MEANINGS.get(each.code, "")), _number(look, each))
            for each in look.quality.faults
            if each.field
        ],
        empty="No fault was found.",
        more=("All codes, in its spec", f"{PATH}/{look.source.id}/spec"),
    )


def _number(look: Look, fault: FaultOfSource) -> Shown:
    return Shown(fault.number, Kind.NUMBER, path=_door_of(look, fault)(look.all_days))


def _standings(look: Look) -> Table:
    return Table(
        "What became of those accepted",
        (("Stands as", Kind.TEXT), ("Leads", Kind.NUMBER), ("Of all accepted", Kind.SHARE)),
        [
            (
                _stands_as(each),
                Shown(each.number, Kind.NUMBER, path=look.leads(look.all_days, _standing_so(each))),
                Shown(queries.share(each.number, look.quality.accepted), Kind.SHARE),
            )
            for each in look.quality.standings
        ],
        empty="Nothing came in.",
    )


def _standing_so(each: StandingOfSource) -> str:
    """As the list of leads is narrowed to them."""
    closed = f"&close_reason={each.close_reason}" if each.close_reason else ""
    return f"status={each.status}&turned_out={'delivered' if each.was_delivered else 'undelivered'}{closed}"


def _stands_as(each: StandingOfSource) -> str:
    is_closed = each.status is LeadStatus.CLOSED
    told = f"Closed: {words(each.close_reason or '').lower()}" if is_closed else words(each.status)
    return f"{told}, after delivery" if each.was_delivered and each.status is not LeadStatus.DELIVERED else told


def _code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(text)


def _said(text: str) -> Markup:
    return Markup('<span class="said">{}</span>').format(text)


ROUTES = (show_quality,)
