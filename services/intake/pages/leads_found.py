"""What of the other services' doings the list of leads tells and is narrowed by, and how it finds words."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.cells import Kind
from chassis.console.listing import Choice, Column, Exact, Filter, FoldedText, Option, Words, among
from chassis.console.listing import Search as Part
from chassis.console.lists.filters import Held, Sent
from chassis.console.wording import words
from contracts.values import AustralianState, SelectedPath
from services.intake import queries
from services.intake.domain import CloseReason
from services.intake.models import Lead, LeadDelivery, LeadSource
from services.intake.queries.leads import FINANCE_STATES, TURNED_OUT, is_billed_as
from services.intake.queries.search import Search

BY_MERGED = "by a lead merged into it"

TONES = {"billable": "info", "held": "warning", "credited": "warning"}

_RANK = case({state: place for place, state in enumerate(FINANCE_STATES)}, value=LeadDelivery.state)
FINANCE = (
    select(LeadDelivery.state)
    .where(LeadDelivery.lead_id == Lead.id)
    .order_by(_RANK)
    .limit(1)
    .correlate(Lead)
    .scalar_subquery()
)
"""Of several deliveries what finance has most to do with: held before billable, and what is settled last."""


@dataclass(frozen=True, slots=True)
class LeadWords(Words):
    """Each word somewhere in the name, contact, place or key. Where all are too short to look far it says how far."""

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        held = Words.read(self, sent, zone)
        if held is None:
            return None
        (typed,) = held.value
        search = Search.of(typed)
        told = f"{held.told}, among the newest 20,000" if search.is_of_newest else held.told
        by_itself = or_(search.own(), *self._named(typed))
        return Held(or_(search.condition(), *self._named(typed)), told, held.value, {"is_found_itself": by_itself})

    def _named(self, typed: str) -> list[ColumnElement[bool]]:
        try:
            id_ = UUID(typed)
        except ValueError:
            return []
        return [column == id_ for column in self.ids]


def told_name(row: Row[Any]) -> str:
    """While somebody looks for words, by what they found it."""
    return str(row.name) if getattr(row, "is_found_itself", True) else f"{row.name}, {BY_MERGED}"


@dataclass(frozen=True, slots=True)
class Suburb(FoldedText):
    """In any case: `column` is in small letters."""

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        held = FoldedText.read(self, sent, zone)
        return Held(self.column == held.value[0].lower(), held.told, held.value) if held else None


async def _source_name(session: AsyncSession, source_id: UUID) -> str | None:
    return await queries.source_name(session, source_id)


SOURCE = Column("source", "Source", LeadSource.name, path=lambda row: f"/console/lead-sources/{row.source_id}")
ALSO = {"source_id": Lead.source_id}
"""What `SOURCE` needs at hand."""
ORIGIN: tuple[Filter, ...] = (
    Choice("path", "Path", options=among(Lead.selected_path, SelectedPath)),
    Choice("in", "Region", options=among(Lead.state, AustralianState, {s: str(s) for s in AustralianState})),
    Part("source", "Source", texts=(LeadSource.name,)),
    Exact("source_id", "Source", column=Lead.source_id, name_of=_source_name),
)
COLUMNS: tuple[Column, ...] = (Column("finance", "Finance", FINANCE, Kind.CHIP, tone=TONES),)
WORTH: tuple[Filter, ...] = (
    Choice("turned_out", "Turned out", options=[Option(name, words(name), held) for name, held in TURNED_OUT.items()]),
    Choice("close_reason", "Closed for", options=among(Lead.close_reason, CloseReason)),
)
FILTERS: tuple[Filter, ...] = (
    Choice(
        "finance",
        "Finance",
        options=[
            *(Option(state, words(state), is_billed_as(state)) for state in FINANCE_STATES),
            Option("none", "Not billed", is_billed_as(None)),
        ],
    ),
    FoldedText("service", "Service", column=Lead.service, longest=60, hint="solar-battery"),
    Suburb("suburb", "Suburb", column=func.lower(Lead.suburb), hint="Marrickville"),
    FoldedText("postcode", "Postcode", column=Lead.postcode, longest=4, pattern="[0-9]{4}", hint="2204"),
)
