"""The forms by which one says when an installer takes leads, and what its part of them is."""

from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, model_validator

from chassis.console.fields import FieldKind, FormField, Moment, options_of
from contracts.values import AustralianState
from services.routing.domain.states import AbsenceKind
from services.routing.domain.written_hours import hours_of, lines_of
from services.routing.http.availability import HomeShape, Weight, refuse_no_span
from services.routing.http.fields import Note
from services.routing.http.hours import SpanShape
from services.routing.models import Installer
from services.routing.pages.installer_forms import SeenForm

LONGEST_HOURS = 2_000


def _read(written: object) -> object:
    """As the JSON route takes them."""
    if not isinstance(written, str):
        return written
    hours = hours_of(written)
    return None if hours is None else [SpanShape.of(each) for each in hours]


WrittenHours = Annotated[list[SpanShape] | None, BeforeValidator(_read)]


class HoursForm(HomeShape, SeenForm):
    """Nothing written is always."""

    hours: WrittenHours = None
    reason: Note | None = None


class AbsenceForm(SeenForm):
    """`id` comes with the page, so that what is sent twice is added once. The moments are of the business zone."""

    id: UUID
    kind: AbsenceKind
    starts: Moment | None = None
    ends: Moment | None = None
    reason: Note

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "AbsenceForm":
        refuse_no_span(self.kind, self.starts, self.ends)
        return self


class EndAbsenceForm(SeenForm):
    absence_id: UUID
    reason: Note


class ShareForm(SeenForm):
    weight: Weight | None = None
    reason: Note | None = None


def hours_fields(installer: Installer) -> list[FormField]:
    return [
        FormField(
            "hours",
            "Working hours",
            FieldKind.PROSE,
            "\n".join(lines_of(installer.hours)),
            hint="Days and hours of its own clock, one a line, as Mon-Fri 7:00-18:00. Empty is always",
            longest=LONGEST_HOURS,
        ),
        FormField(
            "home_state",
            "Home state",
            FieldKind.CHOICE,
            installer.home_state or "",
            hint="Whose public holidays it may keep",
            options=[(state.value, state.value) for state in AustralianState],
        ),
        FormField(
            "keeps_public_holidays",
            "Takes no leads on public holidays",
            FieldKind.CHECK,
            "true" if installer.keeps_public_holidays else "",
        ),
    ]


def absence_fields() -> list[FormField]:
    return [
        FormField("kind", "Kind", FieldKind.RADIO, AbsenceKind.HOLIDAY, is_required=True, options=KINDS),
        FormField("starts", "From", FieldKind.MOMENT, hint="Empty is from now on"),
        FormField("ends", "Until", FieldKind.MOMENT, hint="A pause may be left open, and is then ended by hand"),
    ]


KINDS = options_of(AbsenceKind)


def share_field(weight: int | None = None) -> FormField:
    return FormField(
        "weight",
        "Weight",
        FieldKind.NUMBER,
        "" if weight is None else str(weight),
        hint="1 to 1,000. Empty is its capacity in a cycle, by its caps",
        longest=4,
    )
