"""What is filled in for a deed on an item of the exception queue, on its page or for many at once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.fields import FieldKind, FormField, Moment, options_of
from contracts.identity import Capability
from services.routing.domain.states import RejectReason
from services.routing.http.exception_deeds import HandOverBody, RejectBody, UnassignBody
from services.routing.http.exceptions import AssignBody, ResolveBody
from services.routing.http.fields import Note, Why
from services.routing.pages.reasons import WHY
from services.routing.queries import operators

WRITE = Capability.WRITE_ROUTING
Seen = Annotated[UUID | None, Field(strict=False)]
"""What the page showed last of what was done to the item."""


class SeenForm(Form):
    """Nothing but the session's mark, and what was seen."""

    seen: Seen = None


class WhyForm(Why, SeenForm):
    """As the JSON routes take it."""


class ResolveForm(ResolveBody, SeenForm):
    """As the JSON route takes it."""


class AssignForm(AssignBody, SeenForm):
    """As the JSON route takes it."""


class HandOverForm(HandOverBody, SeenForm):
    """As the JSON route takes it."""


class UnassignForm(UnassignBody, SeenForm):
    """As the JSON route takes it."""


class SnoozeForm(SeenForm):
    """By the clocks of the business zone, which the JSON route leaves to who calls it."""

    until: Moment
    note: Note


class RejectForm(RejectBody, SeenForm):
    """As the JSON route takes it."""


WHY_DECIDED = replace(WHY, hint="Stands in the decision")
REJECT_FIELDS = (
    FormField("reason", "Reason", FieldKind.CHOICE, is_required=True, options=options_of(RejectReason)),
    FormField("note", "Note", FieldKind.PROSE, hint="Stands in the lead’s timeline"),  # noqa: RUF001  # as print has it
)
SNOOZE_FIELDS = (
    FormField("until", "Until", FieldKind.MOMENT, is_required=True),
    FormField("note", "Why", FieldKind.PROSE, is_required=True, hint="What it waits for"),
)


async def owner_options(session: AsyncSession, but: UUID | None = None) -> Sequence[tuple[str, str]]:
    return [
        (str(each.operator_id), each.name) for each in await operators.who_may_own(session) if each.operator_id != but
    ]


def owner_field(options: Sequence[tuple[str, str]]) -> FormField:
    return FormField("owner_id", "Operator", FieldKind.CHOICE, is_required=True, options=options)


def hand_over_note(*, is_owned: bool) -> FormField:
    hint = "What was done, and what is next" if is_owned else "Stands in the timeline"
    return FormField("note", "Note for them", FieldKind.PROSE, is_required=is_owned, hint=hint)


async def hand_over_fields(session: AsyncSession) -> Sequence[FormField]:
    """For many: some may be somebody's, and then the note is needed."""
    note = FormField("note", "Note for them", FieldKind.PROSE, hint="Needed where somebody has it already")
    return (owner_field(await owner_options(session)), note)
