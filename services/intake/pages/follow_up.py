"""One follow-up: what is to be done, for whom, and telling what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from markupsafe import Markup
from pydantic import Field

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip, link
from chassis.console.documents import Document, Done, Fact, Note, show_document
from chassis.console.fields import FieldKind, FormField, Moment, instant_of, options_of
from chassis.console.timeline import Moment as Happening
from chassis.console.timeline import moments_of, refuse_if_changed, seen_of
from chassis.console.wording import words
from chassis.database import Database
from chassis.http import Given, Operator
from chassis.ids import new_id
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.follow_ups import (
    SUBJECT,
    Cancel,
    Complete,
    Plan,
    Reassign,
    Snooze,
    cancel_follow_up,
    complete_follow_up,
    reassign_follow_up,
    snooze_follow_up,
)
from services.intake.domain import (
    Channel,
    FollowUpAction,
    FollowUpOutcome,
    FollowUpState,
    is_overdue,
    obstacle_to_follow_up,
)
from services.intake.http.follow_ups import FollowUpNote
from services.intake.models import FollowUp, Lead
from services.intake.pages.follow_ups import CHANNEL_OPTIONS, CHANNELS, MINE, NOTE, PATH, ROOM, TONES, WRITE
from services.intake.pages.lead_attention import told_next
from services.intake.pages.owners import NOBODY, OwnerChoice, owner_options
from services.intake.pages.owners import PATH as LEADS
from services.intake.queries.leads import NOBODY as ERASED_PERSON

VERBS = {
    "schedule_follow_up": "planned a follow-up",
    "reassign_follow_up": "gave it to another owner",
    "snooze_follow_up": "put it off",
    "complete_follow_up": "did it",
    "cancel_follow_up": "cancelled it",
}
Seen = Annotated[UUID | None, Field(strict=False)]


class CompleteForm(Form):
    """`next_due_at` plans the next one in the same deed, where it is filled in."""

    outcome: FollowUpOutcome
    note: FollowUpNote | None = None
    next_due_at: Moment | None = None
    next_channel: Channel = Channel.CALL
    next_owner_id: OwnerChoice = None
    next_note: FollowUpNote | None = None
    next_id: Annotated[UUID, Field(strict=False)]
    seen: Seen = None


class SnoozeForm(Form):
    until: Moment
    note: FollowUpNote | None = None
    seen: Seen = None


class ReassignForm(Form):
    owner_id: OwnerChoice
    note: FollowUpNote | None = None
    seen: Seen = None


class CancelForm(Form):
    note: FollowUpNote | None = None
    seen: Seen = None


@dataclass(frozen=True, slots=True)
class FollowUpFile:
    """`lead` is the one that goes on, where `planned_for` was merged into it; else they are the same."""

    follow_up: FollowUp
    planned_for: Lead
    lead: Lead
    owners: Sequence[tuple[str, str]]
    moments: Sequence[Happening]
    escalates: Markup | Shown
    hidden: dict[str, str]
    console: Console
    operator: Operator


@page_at(PATH + "/{follow_up_id:uuid}", Capability.READ_OPS)
async def show_follow_up(
    follow_up_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    subject = Subject(SUBJECT, follow_up_id)
    async with database.reading() as session:
        follow_up = await queries.follow_up(session, follow_up_id)
        survivors = await queries.survivors_of(session, [follow_up.lead_id])
        file = FollowUpFile(
            follow_up=follow_up,
            planned_for=await queries.lead(session, follow_up.lead_id),
            lead=await queries.lead(session, survivors.get(follow_up.lead_id, follow_up.lead_id)),
            owners=await owner_options(session, operator),
            moments=await moments_of(session, [subject], VERBS, console.wording),
            escalates=told_next(console, await queries.next_of_follow_up(session, follow_up_id)),
            hidden={"seen": await seen_of(session, subject)},
            console=console,
            operator=operator,
        )
    return show_document(console, request, _document(file), done)


def _document(file: FollowUpFile) -> Document:
    follow_up = file.follow_up
    late = is_overdue(follow_up.state, follow_up.due_at, file.console.clock.now())
    state = "overdue" if late else str(follow_up.state)
    return Document(
        title=f"{CHANNELS[follow_up.channel]}: {file.lead.name or ERASED_PERSON}",
        room=ROOM,
        up=("Follow-ups", f"{PATH}?{MINE}"),
        states=[chip(words(state), TONES.get(state, ""))],
        sentence=_sentence(file),
        notes=_notes(file),
        facts=_facts(file),
        actions=[_complete(file), _snooze(file), _reassign(file), _cancel(file)],
        timeline=file.moments,
    )


def _sentence(file: FollowUpFile) -> Markup:
    follow_up, ago = file.follow_up, file.console.wording.ago
    who = follow_up.owner_name or "Nobody"
    if follow_up.state is FollowUpState.OPEN:
        return Markup("{} has it. Due {}; planned {} by {}.").format(
            who, ago(follow_up.due_at), ago(follow_up.created_at), follow_up.created_by
        )
    told = words(follow_up.outcome or follow_up.state)
    return Markup("{}. {} ended it {}.").format(told, follow_up.done_by, ago(follow_up.done_at))


def _facts(file: FollowUpFile) -> list[Fact]:
    follow_up, lead = file.follow_up, file.lead
    owner = f"{PATH}?owner_id={follow_up.owner_id}&state=open" if follow_up.owner_id else ""
    of_merged = [Fact("Planned for", _door(file.planned_for))] if file.planned_for is not lead else []
    return [
        Fact("Lead", _door(lead)),
        *of_merged,
        Fact("Lead's status", Shown(lead.status, Kind.WORD)),
        Fact("Phone", lead.phone),
        Fact("E-mail", lead.email),
        Fact("Place", f"{lead.suburb} {lead.state} {lead.postcode}"),
        Fact("Service", Shown(lead.service, Kind.WORD)),
        Fact("Due", Shown(follow_up.due_at, Kind.INSTANT)),
        Fact("Escalates", file.escalates),
        Fact("Put off", Shown(follow_up.snoozes, Kind.NUMBER)),
        Fact("Owner", Shown(follow_up.owner_name or "Nobody", path=owner)),
        Fact("Outcome", Shown(follow_up.outcome, Kind.WORD)),
    ]


def _door(lead: Lead) -> Markup:
    return link(f"{LEADS}/{lead.id}", lead.name or ERASED_PERSON)


def _notes(file: FollowUpFile) -> list[Note]:
    """What is to be done stands above all else: it is why somebody opens the page."""
    follow_up = file.follow_up
    notes = [Note("What is to be done", follow_up.note), *_merged(file)]
    return [*notes, Note("How it went", follow_up.outcome_note, "positive")] if follow_up.outcome_note else notes


def _merged(file: FollowUpFile) -> list[Note]:
    if file.planned_for is file.lead:
        return []
    told = "That one goes on for both: its contact stands here, and what is planned next is planned for it."
    door = (f"Open {file.lead.name or ERASED_PERSON}, who goes on", f"{LEADS}/{file.lead.id}")
    return [Note("Its lead was merged into another", told, items=[door])]


def _why(file: FollowUpFile, action: FollowUpAction) -> Any:
    return refused(file.operator, WRITE, obstacle_to_follow_up(action, file.follow_up.state))


def _path(file: FollowUpFile, action: FollowUpAction) -> str:
    return f"{PATH}/{file.follow_up.id}/{action}"


def _complete(file: FollowUpFile) -> Action:
    owner = str(file.follow_up.owner_id or file.operator.id)
    return Action(
        FollowUpAction.COMPLETE,
        "Complete",
        _path(file, FollowUpAction.COMPLETE),
        effect="Tells what came of it, and plans the next one where its time is filled in.",
        fields=(
            FormField("outcome", "Outcome", FieldKind.RADIO, options=options_of(FollowUpOutcome), is_required=True),
            FormField("note", "How it went", FieldKind.PROSE, hint="Stands in the timeline", longest=1000),
            FormField("next_due_at", "Plan the next one for", FieldKind.MOMENT),
            FormField("next_channel", "By", FieldKind.CHOICE, str(file.follow_up.channel), options=CHANNEL_OPTIONS),
            FormField("next_owner_id", "Owner", FieldKind.CHOICE, owner, options=[*file.owners, (NOBODY, "Nobody")]),
            FormField("next_note", "What is to be done then", FieldKind.PROSE, longest=1000),
        ),
        hidden={**file.hidden, "next_id": str(new_id())},
        done="Done",
        is_primary=True,
        **_why(file, FollowUpAction.COMPLETE),
    )


def _snooze(file: FollowUpFile) -> Action:
    return Action(
        FollowUpAction.SNOOZE,
        "Snooze",
        _path(file, FollowUpAction.SNOOZE),
        effect="It falls due anew, and what would have happened by itself is counted from then.",
        fields=(FormField("until", "Until", FieldKind.MOMENT, is_required=True), NOTE),
        hidden=file.hidden,
        done="Put off",
        **_why(file, FollowUpAction.SNOOZE),
    )


def _reassign(file: FollowUpFile) -> Action:
    present = str(file.follow_up.owner_id)
    options = [each for each in [*file.owners, (NOBODY, "Nobody")] if each[0] != present]
    if file.follow_up.owner_id is None:
        options = [each for each in options if each[0] != NOBODY]
    return Action(
        FollowUpAction.REASSIGN,
        "Reassign",
        _path(file, FollowUpAction.REASSIGN),
        effect="It stands in their queue from now on.",
        fields=(FormField("owner_id", "Owner", FieldKind.CHOICE, options=options, is_required=True), NOTE),
        hidden=file.hidden,
        done=f"{file.follow_up.owner_name or 'Nobody'} has it now",
        **_why(file, FollowUpAction.REASSIGN),
    )


def _cancel(file: FollowUpFile) -> Action:
    return Action(
        FollowUpAction.CANCEL,
        "Cancel follow-up",
        _path(file, FollowUpAction.CANCEL),
        effect="It need not be done any more. It stays in the lead's timeline.",
        fields=(NOTE,),
        hidden=file.hidden,
        done="Cancelled",
        **_why(file, FollowUpAction.CANCEL),
    )


AT = PATH + "/{follow_up_id:uuid}"


@form_at(AT + "/complete", WRITE)
async def complete_by_form(
    follow_up_id: FromPath[UUID],
    data: JSONBody[CompleteForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject(SUBJECT, follow_up_id), data.seen)
        following = _following(data, console)
        command = Complete(follow_up_id, data.outcome, data.note, following, operator, clock.now())
        await complete_follow_up(session, command)
    return console.redirect(f"{PATH}/{follow_up_id}?done={FollowUpAction.COMPLETE}")


def _following(data: CompleteForm, console: Console) -> Plan | None:
    if data.next_due_at is None:
        return None
    due_at = instant_of(data.next_due_at, console.wording.zone)
    note = data.next_note or "Go on where the last one ended"
    return Plan(data.next_id, data.next_owner_id, data.next_channel, due_at, note)


@form_at(AT + "/snooze", WRITE)
async def snooze_by_form(
    follow_up_id: FromPath[UUID],
    data: JSONBody[SnoozeForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    until = instant_of(data.until, console.wording.zone)
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject(SUBJECT, follow_up_id), data.seen)
        await snooze_follow_up(session, Snooze(follow_up_id, until, data.note, operator, clock.now()))
    return console.redirect(f"{PATH}/{follow_up_id}?done={FollowUpAction.SNOOZE}")


@form_at(AT + "/reassign", WRITE)
async def reassign_by_form(
    follow_up_id: FromPath[UUID],
    data: JSONBody[ReassignForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject(SUBJECT, follow_up_id), data.seen)
        await reassign_follow_up(session, Reassign(follow_up_id, data.owner_id, data.note, operator, clock.now()))
    return console.redirect(f"{PATH}/{follow_up_id}?done={FollowUpAction.REASSIGN}")


@form_at(AT + "/cancel", WRITE)
async def cancel_by_form(
    follow_up_id: FromPath[UUID],
    data: JSONBody[CancelForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject(SUBJECT, follow_up_id), data.seen)
        await cancel_follow_up(session, Cancel(follow_up_id, data.note, operator, clock.now()))
    return console.redirect(f"{PATH}/{follow_up_id}?done={FollowUpAction.CANCEL}")


ROUTES = (show_follow_up, complete_by_form, snooze_by_form, reassign_by_form, cancel_by_form)
