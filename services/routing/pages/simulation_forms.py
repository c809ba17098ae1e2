"""A draft as it is filled in: what is for all installers, and a row for each whose own is drafted."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import zip_longest
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.errors import FieldError, Invalid
from chassis.http.bodies import field_errors
from contracts.values import InstallerStatus
from services.routing.domain.simulating import IGNORABLE
from services.routing.domain.territory_import import normal_key
from services.routing.domain.written_hours import hours_of
from services.routing.http.availability import Weight
from services.routing.http.fields import Limit, Why
from services.routing.http.hours import LONGEST_HOURS
from services.routing.http.installer_views import Caps
from services.routing.http.simulations import (
    Days,
    EveryoneDraft,
    IgnorableRule,
    InstallerDraft,
    MostOwed,
    OrderingDraft,
    Percent,
    SamePersonDays,
    SimulationBody,
    Span,
)
from services.routing.pages.installer_forms import WrittenServices, WrittenTerritory
from services.routing.pages.reasons import WHY
from services.routing.queries.imports import meant_by

MOST_ROWS = 20
LONGEST_CELL = 2_000
CAPS = ("day", "week", "month")
Cell = Annotated[str, Field(max_length=LONGEST_CELL)]
Cells = Annotated[list[Cell], Field(max_length=MOST_ROWS)]


def _or_none(written: object) -> object:
    """No limit, and no weight of its own, are words here: what is empty stays as it is."""
    return None if isinstance(written, str) and written.strip().lower() == "none" else written


def _hours(written: object) -> object:
    """In one line, with semicolons between; always open is a word."""
    if not isinstance(written, str):
        return written
    hours = None if written.strip().lower() == "always" else hours_of(written.replace(";", "\n"))
    return None if hours is None else [tuple(each) for each in hours]


WrittenCap = Annotated[Limit | None, BeforeValidator(_or_none)]


class OwnDraft(Form):
    """A row whose cells were filled in."""

    status: InstallerStatus | None = None
    day: WrittenCap = None
    week: WrittenCap = None
    month: WrittenCap = None
    weight: Annotated[Weight | None, BeforeValidator(_or_none)] = None
    services: WrittenServices = Field(default_factory=list)
    hours: Annotated[list[Span] | None, Field(max_length=LONGEST_HOURS), BeforeValidator(_hours)] = None
    territory: WrittenTerritory | None = None

    def draft(self) -> InstallerDraft:
        """Where one cap is written, the empty ones are none."""
        written = self.model_fields_set
        names = {"status": "status", "weight": "share_weight", "services": "services", "hours": "hours"}
        given = {told: getattr(self, name) for name, told in names.items() if name in written}
        if written.intersection(CAPS):
            given["caps"] = Caps(day=self.day, week=self.week, month=self.month)
        if self.territory is not None:
            given["territory"] = self.territory
        return InstallerDraft(**given)


@dataclass(frozen=True, slots=True)
class Row:
    """As it stands in the form: what was typed, whatever it is."""

    installer: str = ""
    status: str = ""
    day: str = ""
    week: str = ""
    month: str = ""
    weight: str = ""
    services: str = ""
    hours: str = ""
    territory: str = ""

    def cells(self) -> dict[str, Any]:
        """Those that were filled in, but for who it is."""
        filled = {cell.name: getattr(self, cell.name) for cell in fields(self)[1:] if getattr(self, cell.name).strip()}
        return {name: [value] if name == "services" else value for name, value in filled.items()}


class RowsForm(Form):
    """Nine fields a row, in step."""

    installer: Cells = []
    status: Cells = []
    day: Cells = []
    week: Cells = []
    month: Cells = []
    weight: Cells = []
    services: Cells = []
    hours: Cells = []
    territory: Cells = []

    def rows(self) -> list[Row]:
        columns = (getattr(self, cell.name) for cell in fields(Row))
        return [Row(*cells) for cells in zip_longest(*columns, fillvalue="")]


class MoreRowsForm(RowsForm):
    """As it was sent, whatever it is."""

    id: UUID
    days: Cell = ""
    caps_percent: Cell = ""
    most_owed_leads: Cell = ""
    same_person_days: Cell = ""
    ignore_rules: Annotated[list[Cell], Field(max_length=len(IGNORABLE))] = []
    reason: Cell = ""
    more: Cell = ""


class SimulationForm(Why, RowsForm):
    """All that the JSON route takes; installers are named as people call them."""

    id: UUID
    days: Days = 30
    caps_percent: Percent | None = None
    most_owed_leads: MostOwed | None = None
    same_person_days: SamePersonDays | None = None
    ignore_rules: Annotated[list[IgnorableRule], Field(max_length=len(IGNORABLE))] = []

    async def body(self, session: AsyncSession) -> SimulationBody:
        """Raises Invalid with every fault. Rows in which nothing stands are left out."""
        given: dict[str, Any] = {"id": self.id, "days": self.days, "reason": self.reason}
        if self.caps_percent is not None:
            given["everyone"] = EveryoneDraft(caps_percent=self.caps_percent)
        ordering = {"most_owed_leads": self.most_owed_leads, "same_person_days": self.same_person_days}
        if said := {name: value for name, value in ordering.items() if value is not None}:
            given["ordering"] = OrderingDraft(**said)
        if self.ignore_rules:
            given["ignore_rules"] = self.ignore_rules
        if installers := await drafts_of(session, self.rows()):
            given["installers"] = installers
        return SimulationBody(**given)


async def drafts_of(session: AsyncSession, rows: Sequence[Row]) -> dict[UUID, InstallerDraft]:
    """By installer, which a row may name, or tell by ABN or id. Raises Invalid."""
    known = await meant_by(session, {normal_key(row.installer) for row in rows if row.installer})
    faults: list[FieldError] = []
    drafts: dict[UUID, InstallerDraft] = {}
    for place, row in enumerate(rows):
        if not row.installer and not row.cells():
            continue
        meant = list(known.get(normal_key(row.installer), ()))
        if why := _fault(meant, drafts):
            faults.append(FieldError(f"installer.{place}", *why))
            continue
        try:
            drafts[meant[0]] = OwnDraft.model_validate(row.cells()).draft()
        except ValidationError as invalid:
            faults += [
                FieldError(f"{each.field.partition('.')[0]}.{place}", each.code, each.message)
                for each in field_errors(invalid)
            ]
    if faults:
        raise Invalid("some rows cannot be read", errors=tuple(faults))
    return drafts


def _fault(meant: Sequence[UUID], drafted: dict[UUID, InstallerDraft]) -> tuple[str, str] | None:
    """The code and the message."""
    if not meant:
        return "no_such_installer", "No installer is called so"
    if len(meant) > 1:
        return "installer_ambiguous", f"{len(meant)} installers are called so: write the id or the ABN"
    return ("installer_twice", "It has a row already") if meant[0] in drafted else None


def field_sets() -> tuple[tuple[str, list[FormField]], ...]:
    number = FieldKind.NUMBER
    return (
        ("Which leads", [FormField("days", "Days before now", number, "30", is_required=True, longest=2)]),
        (
            "For all installers",
            [
                FormField("caps_percent", "Caps, in per cent of what they are", number, longest=4),
                FormField(
                    "most_owed_leads",
                    "Most leads that one can be owed",
                    number,
                    hint="How far ahead or behind its share an installer can be",
                    longest=4,
                ),
                FormField(
                    "same_person_days",
                    "Days until a person’s other lead may go to one installer again",  # noqa: RUF001  # as print has it
                    number,
                    hint="0 lets it at once",
                    longest=4,
                ),
                FormField("ignore_rules", "Rules that do not matter", FieldKind.CHOICES, options=options_of(IGNORABLE)),
            ],
        ),
        ("Why it is asked", [WHY]),
    )
