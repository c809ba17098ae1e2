"""What is to be done about one lead, what was, and planning the next."""

from collections.abc import Sequence
from datetime import datetime, timedelta
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
from chassis.console.documents import Fact, Section, Table
from chassis.console.fields import FieldKind, FormField, Moment, instant_of, moment_of
from chassis.console.timeline import Moment as Happening
from chassis.console.timeline import moments_of as audited
from chassis.console.wording import span, words
from chassis.database import Database
from chassis.http import Given, Operator
from chassis.ids import new_id
from services.intake import queries
from services.intake.commands.follow_ups import SUBJECT, Plan, schedule_follow_up
from services.intake.domain import Channel, is_overdue, obstacle_to_scheduling
from services.intake.http.follow_ups import FollowUpNote
from services.intake.models import FollowUp
from services.intake.pages.follow_ups import CHANNEL_OPTIONS, CHANNELS, PATH, TONES
from services.intake.pages.lead_file import LeadFile
from services.intake.pages.leads import PATH as LEADS
from services.intake.pages.leads import WRITE
from services.intake.pages.owners import NOBODY, OwnerChoice, owner_options

VERBS = {
    "schedule_follow_up": "planned a follow-up",
    "reassign_follow_up": "gave a follow-up to another owner",
    "snooze_follow_up": "put a follow-up off",
    "complete_follow_up": "did a follow-up",
    "cancel_follow_up": "cancelled a follow-up",
}
NAME = "follow-up"
HOUR = timedelta(hours=1)


class FollowUpForm(Form):
    """`id` is the page's: sent twice, it is planned once."""

    id: Annotated[UUID, Field(strict=False)]
    channel: Channel
    due_at: Moment
    owner_id: OwnerChoice
    note: FollowUpNote


async def facts_of(file: LeadFile) -> Sequence[Fact]:
    lead = file.lead
    if lead.first_contact_at is None:
        return [Fact("First contact attempt", Shown(None))]
    took = span(lead.first_contact_at - lead.received_at)
    exact = file.console.wording.exact(lead.first_contact_at)
    return [Fact("First contact attempt", f"{exact}, after {took}")]


async def section_of(file: LeadFile) -> Sequence[Section]:
    found = await queries.follow_ups_of(file.session, file.family)
    heads = (
        ("Follow-up", Kind.TEXT),
        ("Due", Kind.AGO),
        ("Owner", Kind.TEXT),
        ("State", Kind.CHIP),
        ("What is to be done", Kind.TEXT),
    )
    now = file.console.clock.now()
    return [
        Table(
            "Follow-ups",
            heads,
            [_row(each, file, now) for each in found],
            empty="Nothing is planned for it, and nothing was.",
            more=("See them in the list", f"{PATH}?lead_id={file.lead.id}") if found else None,
        )
    ]


def _row(follow_up: FollowUp, file: LeadFile, now: datetime) -> tuple[Shown | str, ...]:
    late = is_overdue(follow_up.state, follow_up.due_at, now)
    state = "overdue" if late else str(follow_up.state)
    told = words(follow_up.outcome or state)
    of_merged = "" if follow_up.lead_id == file.lead.id else ", for a lead merged into it"
    return (
        Shown(f"{CHANNELS[follow_up.channel]}{of_merged}", path=f"{PATH}/{follow_up.id}"),
        Shown(follow_up.due_at, Kind.AGO),
        follow_up.owner_name or "Nobody",
        Shown(told, Kind.CHIP, TONES.get(state, "")),
        follow_up.note,
    )


async def moments_of(file: LeadFile) -> Sequence[Happening]:
    found = await queries.follow_ups_of(file.session, file.family)
    subjects = [Subject(SUBJECT, each.id) for each in found]
    return await audited(file.session, subjects, VERBS, file.console.wording) if subjects else []


async def deeds_of(file: LeadFile) -> Sequence[Action]:
    if file.lead.status.is_final:
        return []
    why: Any = refused(file.operator, WRITE, obstacle_to_scheduling(file.lead.status))
    options = [*(await owner_options(file.session, file.operator)), (NOBODY, "Nobody yet")]
    owner = str(file.lead.owner_id or file.operator.id)
    due_at = moment_of(file.console.clock.now() + HOUR, file.console.wording.zone)
    return [
        Action(
            NAME,
            "Add follow-up",
            f"{LEADS}/{file.lead.id}/follow-ups",
            effect="It stands in its owner's queue until it is done.",
            fields=(
                FormField("channel", "By", FieldKind.RADIO, Channel.CALL, options=CHANNEL_OPTIONS, is_required=True),
                FormField("due_at", "Due", FieldKind.MOMENT, due_at, is_required=True),
                FormField("owner_id", "Owner", FieldKind.CHOICE, owner, options=options, is_required=True),
                FormField("note", "What is to be done", FieldKind.PROSE, is_required=True, longest=1000),
            ),
            hidden={"id": str(new_id())},
            done="Planned",
            **why,
        )
    ]


@form_at(LEADS + "/{lead_id:uuid}/follow-ups", WRITE)
async def plan_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[FollowUpForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    due_at = instant_of(data.due_at, console.wording.zone)
    plan = Plan(data.id, data.owner_id, data.channel, due_at, data.note)
    async with database.transaction() as session:
        await schedule_follow_up(session, lead_id, plan, operator, clock.now())
    return console.redirect(f"{LEADS}/{lead_id}?done={NAME}")


ROUTES = (plan_by_form,)
