"""Who looks after one lead, and giving it to somebody."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import Field

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Fact
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import Moment, refuse_if_changed, seen_of
from chassis.database import Database
from chassis.http import Given, Operator, Text
from services.intake.commands.ownership import AssignOwner, UnassignOwner, assign_owner, unassign_owner
from services.intake.domain import OwnerDeed, obstacle_to_owning
from services.intake.pages.lead_file import LeadFile
from services.intake.pages.leads import PATH, WRITE
from services.intake.pages.owners import owner_options

VERBS = {
    "assign_lead": "gave the lead an owner",
    "hand_over_lead": "handed the lead over",
    "unassign_lead": "took the owner off",
}
GIVEN = "owner"
Seen = Annotated[UUID | None, Field(strict=False)]


class TakeForm(Form):
    seen: Seen = None


class AssignForm(Form):
    owner_id: Annotated[UUID, Field(strict=False)]
    note: Text | None = None
    seen: Seen = None


class HandOverForm(AssignForm):
    note: Text


class UnassignForm(Form):
    note: Text | None = None
    seen: Seen = None


async def facts_of(file: LeadFile) -> Sequence[Fact]:
    lead = file.lead
    path = f"{PATH}?owner_id={lead.owner_id}" if lead.owner_id else ""
    facts = [Fact("Owner", Shown(lead.owner_name or "Nobody", path=path))]
    return [*facts, Fact("Owner since", Shown(lead.owner_since, Kind.INSTANT))] if lead.owner_since else facts


async def moments_of(file: LeadFile) -> Sequence[Moment]:
    return [moment for moment in file.audit if moment.what in VERBS.values()]


async def deeds_of(file: LeadFile) -> Sequence[Action]:
    """What nobody has is assigned, what somebody has is handed over: one deed by two names."""
    lead = file.lead
    if lead.status.is_final:
        return []
    hidden = {"seen": await seen_of(file.session, Subject("lead", lead.id))}
    given = await (_hand_over(file, hidden) if lead.owner_id else _assign(file, hidden))
    return [_take(file, hidden), given, _unassign(file, hidden)]


def _why(file: LeadFile, deed: OwnerDeed) -> Any:
    is_owned = file.lead.owner_id is not None
    return refused(file.operator, WRITE, obstacle_to_owning(deed, file.lead.status, is_owned=is_owned))


def _path(file: LeadFile, deed: OwnerDeed) -> str:
    return f"{PATH}/{file.lead.id}/{deed.replace('_', '-')}"


def _take(file: LeadFile, hidden: dict[str, str]) -> Action:
    return Action(
        OwnerDeed.TAKE,
        "Take",
        _path(file, OwnerDeed.TAKE),
        effect="You look after it from now on; it stands among what is yours.",
        hidden=hidden,
        done="Taken: it is yours",
        **_why(file, OwnerDeed.TAKE),
    )


async def _assign(file: LeadFile, hidden: dict[str, str]) -> Action:
    return Action(
        GIVEN,
        "Assign",
        _path(file, OwnerDeed.ASSIGN),
        effect="They look after it from now on. No mail tells them of it.",
        fields=(
            await _owner(file),
            FormField("note", "Note for them", FieldKind.PROSE, hint="Stands in the timeline"),
        ),
        hidden=hidden,
        done=f"{file.lead.owner_name or 'Nobody'} has it now",
        **_why(file, OwnerDeed.ASSIGN),
    )


async def _hand_over(file: LeadFile, hidden: dict[str, str]) -> Action:
    return Action(
        GIVEN,
        "Hand over",
        _path(file, OwnerDeed.HAND_OVER),
        effect=f"{file.lead.owner_name} has it no more. Open follow-ups stay with who has them.",
        fields=(
            await _owner(file, but=file.lead.owner_id),
            FormField(
                "note",
                "Note for them",
                FieldKind.PROSE,
                is_required=True,
                hint="What was done, and what is next. Stands in the timeline",
            ),
        ),
        hidden=hidden,
        done=f"{file.lead.owner_name} has it now",
        **_why(file, OwnerDeed.HAND_OVER),
    )


def _unassign(file: LeadFile, hidden: dict[str, str]) -> Action:
    return Action(
        OwnerDeed.UNASSIGN,
        "Unassign",
        _path(file, OwnerDeed.UNASSIGN),
        effect="It is nobody's then, and stands among what is unowned.",
        fields=(FormField("note", "Note", FieldKind.PROSE, hint="Stands in the timeline"),),
        hidden=hidden,
        done="Unassigned: nobody has it",
        **_why(file, OwnerDeed.UNASSIGN),
    )


async def _owner(file: LeadFile, but: UUID | None = None) -> FormField:
    options = [(id_, name) for id_, name in await owner_options(file.session, file.operator) if id_ != str(but)]
    return FormField("owner_id", "Owner", FieldKind.CHOICE, options=options, is_required=True)


AT = PATH + "/{lead_id:uuid}"


@form_at(AT + "/take", WRITE)
async def take_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[TakeForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = AssignOwner(lead_id, operator.id, None, operator, clock.now())
    return await _assigned(console, database, command, data.seen, OwnerDeed.TAKE)


@form_at(AT + "/assign", WRITE)
async def assign_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[AssignForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = AssignOwner(lead_id, data.owner_id, data.note, operator, clock.now())
    return await _assigned(console, database, command, data.seen, GIVEN)


@form_at(AT + "/hand-over", WRITE)
async def hand_over_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[HandOverForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = AssignOwner(lead_id, data.owner_id, data.note, operator, clock.now())
    return await _assigned(console, database, command, data.seen, GIVEN)


async def _assigned(
    console: Console, database: Database, command: AssignOwner, seen: UUID | None, deed: str
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("lead", command.lead_id), seen)
        await assign_owner(session, command)
    return console.redirect(f"{PATH}/{command.lead_id}?done={deed}")


@form_at(AT + "/unassign", WRITE)
async def unassign_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[UnassignForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("lead", lead_id), data.seen)
        await unassign_owner(session, UnassignOwner(lead_id, data.note, operator, clock.now()))
    return console.redirect(f"{PATH}/{lead_id}?done={OwnerDeed.UNASSIGN}")


ROUTES = (take_by_form, assign_by_form, hand_over_by_form, unassign_by_form)
