"""What a source's leads are worth, and how it hands them in, for operators."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath, QueryParameter
from pydantic import BaseModel

from chassis.clock import Clock
from chassis.console import Console
from chassis.console.fields import Day, end_of, start_of
from chassis.database import Database
from chassis.errors import FieldError
from chassis.http import Given, requires
from contracts.identity import Capability
from services.intake import queries
from services.intake.domain import CloseReason, LeadStatus
from services.intake.errors import PeriodInvalid
from services.intake.http.specs import LeadSpec, address_of, spec_of
from services.intake.queries.quality import Fault
from services.intake.settings import Settings

DAYS = 30
MOST_DAYS = 366


class FaultOfSource(BaseModel):
    """Without a field it is a request as a whole, by its problem's code; with one, a fault of that field."""

    code: str
    field: str
    number: int


class DayOfSource(BaseModel):
    """`duplicates` and `returned` are of the leads that came in on that day, whenever it turned out."""

    day: date
    accepted: int
    refused: int
    duplicates: int
    returned: int
    faults: list[FaultOfSource]

    @classmethod
    def of(cls, day: date, quality: queries.Quality) -> "DayOfSource":
        return cls(
            day=day,
            accepted=quality.accepted.get(day, 0),
            refused=quality.refused.get(day, 0),
            duplicates=quality.doubled.get(day, 0),
            returned=quality.given_back.get(day, 0),
            faults=_told(quality.faulty.get(day, ())),
        )


def _told(faults: Sequence[Fault]) -> list[FaultOfSource]:
    return [FaultOfSource(**fault._asdict()) for fault in faults]


class StandingOfSource(BaseModel):
    status: LeadStatus
    was_delivered: bool
    close_reason: CloseReason | None
    number: int


class SourceQuality(BaseModel):
    """`first` and `last` are days of the business zone. `refused` are requests, however many faults each had.

    `accepted_share` is of what was accepted or refused, `delivered_share` and `duplicate_share` of what was accepted,
    `returned_share` of what was delivered; null is of nothing. `duplicates` are leads that were merged into another, or
    closed or rejected as its double; `returned` are leads that any installer gave back.
    What came too fast is in none of them.
    """

    source_id: UUID
    first: date
    last: date
    accepted: int
    refused: int
    too_fast: int
    delivered: int
    duplicates: int
    returned: int
    accepted_share: float | None
    delivered_share: float | None
    duplicate_share: float | None
    returned_share: float | None
    days: list[DayOfSource]
    faults: list[FaultOfSource]
    standings: list[StandingOfSource]

    @classmethod
    def of(cls, source_id: UUID, first: date, last: date, quality: queries.Quality) -> "SourceQuality":
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        return cls(
            source_id=source_id,
            first=first,
            last=last,
            accepted=quality.leads,
            refused=quality.refusals,
            too_fast=quality.sent_back,
            delivered=quality.delivered,
            duplicates=quality.duplicates,
            returned=quality.returned,
            accepted_share=queries.share(quality.leads, quality.leads + quality.refusals),
            delivered_share=queries.share(quality.delivered, quality.leads),
            duplicate_share=queries.share(quality.duplicates, quality.leads),
            returned_share=queries.share(quality.returned, quality.delivered),
            days=[DayOfSource.of(day, quality) for day in days],
            faults=_told(quality.faults),
            standings=[StandingOfSource(**standing._asdict()) for standing in quality.standings],
        )


@get("/admin/lead-sources/{source_id:uuid}/quality", guards=[requires(Capability.READ_OPS)])
async def get_source_quality(
    source_id: FromPath[UUID],
    database: Given[Database],
    settings: Given[Settings],
    clock: Given[Clock],
    first: Annotated[Day | None, QueryParameter(name="from", description="the first day")] = None,
    last: Annotated[Day | None, QueryParameter(name="to", description="the last day; today unless given")] = None,
) -> SourceQuality:
    """Of what came in on these days of the business zone, the last 30 unless given."""
    last = last or clock.now().astimezone(settings.zone).date()
    first = first or last - timedelta(days=DAYS - 1)
    if not first <= last < first + timedelta(days=MOST_DAYS):
        raise PeriodInvalid(
            "the days are no period that is told",
            errors=(FieldError("to", "period_invalid", f"must be from the first day on, within {MOST_DAYS} days"),),
        )
    window = start_of(first, settings.zone), end_of(last, settings.zone)
    async with database.reading() as session:
        await queries.source(session, source_id)
        quality = await queries.quality_of(session, source_id, *window, settings.zone.key)
    return SourceQuality.of(source_id, first, last, quality)


@get("/admin/lead-sources/{source_id:uuid}/spec", guards=[requires(Capability.READ_OPS)])
async def get_source_spec(
    source_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    database: Given[Database],
    settings: Given[Settings],
    console: Given[Console],
) -> LeadSpec:
    """How the source hands leads in, as it is at this moment; the source itself reads it at `/leads/spec`."""
    async with database.reading() as session:
        source = await queries.source(session, source_id)
    return spec_of(source, settings, address_of(console, request))


ROUTES = (get_source_quality, get_source_spec)
