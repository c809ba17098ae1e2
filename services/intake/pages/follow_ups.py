"""The follow-ups: what is to be done about leads, by whom and until when; and doing many of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import Row, case, cast, func, select
from sqlalchemy import Text as SqlText
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.cells import Kind
from chassis.console.fields import FieldKind, FormField
from chassis.console.listing import (
    AHEAD,
    NOW,
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Listing,
    Option,
    Tab,
    Words,
    among,
    late_after,
    routes_of,
)
from chassis.console.lists.filters import Held, Sent
from chassis.console.wording import counted, words
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.follow_ups import Reassign, Snooze, reassign_follow_up, snooze_follow_up
from services.intake.domain import (
    AGE_LIMIT,
    STAGE_LIMITS,
    UNOWNED_LIMIT,
    Channel,
    FollowUpAction,
    FollowUpOutcome,
    FollowUpState,
    LeadStatus,
    is_overdue,
    obstacle_to_follow_up,
)
from services.intake.domain.escalation import SubjectKind
from services.intake.http.follow_ups import FollowUpNote
from services.intake.models import FollowUp, Lead, LeadSource
from services.intake.pages import leads_found
from services.intake.pages.owners import PATH as LEADS
from services.intake.pages.owners import owner_filters, owner_options
from services.intake.queries.leads import NAME, NOBODY

ROOM = "follow-ups"
PATH = "/console/follow-ups"
WRITE = Capability.WRITE_ROUTING
MINE, EVERYBODYS, UNOWNED = "owner=mine&state=open", "state=open", "owner=unowned&state=open"
OVERDUE, NOBODYS = "state=overdue", "state=neglected"

TONES = {"overdue": "danger", FollowUpState.OPEN: "info", FollowUpState.DONE: "positive"}
CHANNELS: dict[str, str] = {**{each: words(each) for each in Channel}, Channel.SMS: "SMS", Channel.EMAIL: "E-mail"}
CHANNEL_OPTIONS = [(str(each), CHANNELS[each]) for each in Channel]

IS_OPEN = FollowUp.state == FollowUpState.OPEN
IS_OVERDUE = IS_OPEN & (FollowUp.due_at < NOW)
IS_NOBODYS = IS_OPEN & FollowUp.owner_id.is_(None) & (FollowUp.due_at < NOW - UNOWNED_LIMIT)
SURVIVOR_ID, SURVIVOR = queries.who_goes_on(Lead.id), queries.who_goes_on(Lead.name)
STATE = case((IS_OVERDUE, "overdue"), else_=cast(FollowUp.state, SqlText))


def _is_late(row: Row[Any], now: datetime) -> bool:
    return is_overdue(FollowUpState.OPEN if row.state == "overdue" else FollowUpState(row.state), row.due, now)


_LEAD_IN_STAGE = late_after(lambda row: STAGE_LIMITS.get(row.lead_status), "since")
_LEAD_UNDELIVERED = late_after(AGE_LIMIT, "received", unless=lambda row: row.lead_status not in STAGE_LIMITS)


def _path_of_owner(row: Row[Any]) -> str:
    return f"{PATH}?owner_id={row.owner_id}&{EVERYBODYS}" if row.owner_id else ""


def _says_lead(row: Row[Any]) -> str:
    """Whom it was planned for, and who goes on for them."""
    return f"{row.lead}, merged into {row.survivor or NOBODY}" if row.survivor_id else str(row.lead)


@dataclass(frozen=True, slots=True)
class OfFamily(Exact):
    """Of a lead, and of all that were merged into it."""

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        held = Exact.read(self, sent, zone)
        return replace(held, condition=self.column.in_(queries.members_of(UUID(held.value[0])))) if held else None


async def _lead_name(session: AsyncSession, lead_id: UUID) -> str | None:
    return await session.scalar(select(NAME).where(Lead.id == lead_id))


# --- many at once ----------------------------------------------------------------------------------------------------


class Length(StrEnum):
    """How long many are put off, from the time at which it is done."""

    HOUR = "1_hour"
    HALF_DAY = "4_hours"
    DAY = "1_day"
    DAYS = "3_days"
    WEEK = "1_week"

    @property
    def span(self) -> timedelta:
        return {
            Length.HOUR: timedelta(hours=1),
            Length.HALF_DAY: timedelta(hours=4),
            Length.DAY: timedelta(days=1),
            Length.DAYS: timedelta(days=3),
            Length.WEEK: timedelta(days=7),
        }[self]


class SnoozeManyForm(Form):
    length: Length
    note: FollowUpNote | None = None


class ReassignManyForm(Form):
    owner_id: Annotated[UUID, Field(strict=False)]
    note: FollowUpNote | None = None


NOTE = FormField("note", "Note", FieldKind.PROSE, hint="Stands in the timeline", longest=1000)
LENGTHS = [(str(each), words(each)) for each in Length]


def _look(action: FollowUpAction) -> Any:
    async def look(session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> dict[UUID, Verdict]:
        """A job is kept: its rows are told by what was to be done and where, not by whose leads they are."""
        columns = (FollowUp.id, FollowUp.channel, FollowUp.state, Lead.service, Lead.suburb)
        found = await session.execute(select(*columns).join(Lead).where(FollowUp.id.in_(ids)))
        return {
            row.id: Verdict(
                f"{CHANNELS[row.channel]}, {words(row.service).lower()}, {row.suburb}",
                obstacle_to_follow_up(action, row.state) or "",
            )
            for row in found
        }

    return look


async def _snooze(work: Work) -> None:
    form = work.form
    assert isinstance(form, SnoozeManyForm)  # noqa: S101  # the action's own form
    now = work.clock.now()
    async with work.transaction() as session:
        await snooze_follow_up(session, Snooze(work.id, now + form.length.span, form.note, work.actor, now))


async def _reassign_fields(session: AsyncSession) -> Sequence[FormField]:
    options = await owner_options(session)
    return (FormField("owner_id", "Owner", FieldKind.CHOICE, options=options, is_required=True), NOTE)


async def _reassign(work: Work) -> None:
    form = work.form
    assert isinstance(form, ReassignManyForm)  # noqa: S101  # the action's own form
    async with work.transaction() as session:
        await reassign_follow_up(session, Reassign(work.id, form.owner_id, form.note, work.actor, work.clock.now()))


BULK = (
    BulkAction(
        name=FollowUpAction.SNOOZE,
        label="Snooze",
        capability=WRITE,
        look=_look(FollowUpAction.SNOOZE),
        do=_snooze,
        form=SnoozeManyForm,
        fields=(FormField("length", "For", FieldKind.RADIO, "1_day", options=LENGTHS, is_required=True), NOTE),
        effect=lambda number: f"Puts {counted(number, 'follow-up', 'follow-ups')} off, counted from now.",
    ),
    BulkAction(
        name=FollowUpAction.REASSIGN,
        label="Reassign",
        capability=WRITE,
        look=_look(FollowUpAction.REASSIGN),
        do=_reassign,
        form=ReassignManyForm,
        fields=_reassign_fields,
        effect=lambda number: f"Gives {counted(number, 'follow-up', 'follow-ups')} to one operator.",
    ),
)

_OF_THE_LEAD = (
    Column("lead_status", "Lead's status", Lead.status, Kind.WORD),
    Column("since", "In that status since", Lead.status_since, Kind.AGO, sorts=True, is_late=_LEAD_IN_STAGE),
    Column("received", "Lead received", Lead.received_at, Kind.AGO, sorts=True, is_late=_LEAD_UNDELIVERED),
    Column("path", "Path", Lead.selected_path, Kind.WORD),
    Column("service", "Service", Lead.service, Kind.WORD),
    leads_found.SOURCE,
    *leads_found.COLUMNS,
)

LISTING = Listing(
    name=ROOM,
    title="Follow-ups",
    noun=("follow-up", "follow-ups"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=(
        select()
        .select_from(FollowUp)
        .join(Lead, Lead.id == FollowUp.lead_id)
        .join(LeadSource, LeadSource.id == Lead.source_id)
    ),
    key=FollowUp.id,
    one_per=FollowUp,
    order="due",
    columns=(
        Column("lead", "Lead", NAME, say=_says_lead),
        Column("due", "Due", FollowUp.due_at, Kind.AGO, sorts=True, is_late=_is_late),
        Column("channel", "Channel", FollowUp.channel, say=lambda row: CHANNELS[row.channel]),
        Column("note", "What is to be done", FollowUp.note, wraps=True),
        Column("owner", "Owner", FollowUp.owner_name, path=_path_of_owner),
        Column("state", "State", STATE, Kind.CHIP, tone=TONES),
        Column("outcome", "Outcome", FollowUp.outcome, Kind.WORD),
        Column("next", "Escalates", queries.next_at(SubjectKind.FOLLOW_UP), Kind.AGO),
        Column("place", "Suburb", func.concat_ws(" ", Lead.suburb, Lead.state, Lead.postcode), is_extra=True),
        Column("phone", "Phone", Lead.phone, is_extra=True),
        *(replace(column, is_extra=True) for column in _OF_THE_LEAD),
        Column("snoozes", "Put off", FollowUp.snoozes, Kind.NUMBER, is_extra=True),
        Column("planned", "Planned", FollowUp.created_at, Kind.AGO, sorts=True, is_extra=True),
        Column("planned_by", "Planned by", FollowUp.created_by, is_extra=True),
        Column("ended", "Done", FollowUp.done_at, Kind.AGO, is_extra=True),
        Column("ended_by", "Done by", FollowUp.done_by, is_extra=True),
        Column("outcome_note", "How it went", FollowUp.outcome_note, wraps=True, is_extra=True),
        Column("lead_id", "Lead id", FollowUp.lead_id, Kind.ID, is_extra=True),
        Column("survivor", "Goes on as", SURVIVOR, path=lambda row: f"{LEADS}/{row.survivor_id}", is_extra=True),
    ),
    also={"owner_id": FollowUp.owner_id, "survivor_id": SURVIVOR_ID, **leads_found.ALSO},
    filters=(
        Words("q", "Lead or note", holds=queries.follow_up_says, ids=(FollowUp.id, FollowUp.lead_id)),
        *owner_filters(FollowUp.owner_id, IS_OPEN),
        Choice(
            "state",
            "State",
            options=(
                Option("open", "Open", IS_OPEN),
                Option("overdue", "Overdue", IS_OVERDUE),
                Option("neglected", "Overdue by an hour, and nobody's", IS_NOBODYS),
                *among(FollowUp.state, (FollowUpState.DONE, FollowUpState.CANCELLED)),
            ),
        ),
        Choice("channel", "Channel", options=among(FollowUp.channel, Channel, CHANNELS)),
        Choice("outcome", "Outcome", options=among(FollowUp.outcome, FollowUpOutcome)),
        Days("due", "Due", column=FollowUp.due_at, stretches=AHEAD),
        OfFamily("lead_id", "Lead", column=FollowUp.lead_id, name_of=_lead_name),
        Choice("lead_status", "Lead's status", options=among(Lead.status, LeadStatus)),
        *leads_found.ORIGIN,
        Days("received", "Lead received", column=Lead.received_at),
        *leads_found.FILTERS,
    ),
    tabs=(
        Tab("My queue", MINE),
        Tab("Everybody's", EVERYBODYS),
        Tab("Unowned", UNOWNED),
        Tab("Done", "state=done"),
        Tab("All"),
    ),
    bulk=BULK,
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty("No follow-ups here", "A follow-up is planned on a lead's page, for you or for somebody else."),
    holds_personal_data=True,
)


ROUTES = routes_of(LISTING)
