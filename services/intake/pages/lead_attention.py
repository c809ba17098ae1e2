"""What happens next to a lead by itself, what did, and what an operator does about that by hand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from markupsafe import Markup
from pydantic import Field
from sqlalchemy import Row

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip, link
from chassis.console.documents import Fact
from chassis.console.fields import FieldKind, FormField, Moment, instant_of
from chassis.console.listing import NOW, Choice, Column, Option, Tab
from chassis.console.timeline import Moment as Happening
from chassis.console.timeline import refuse_if_changed, seen_of
from chassis.database import Database
from chassis.http import Given, Operator
from services.intake import queries
from services.intake.commands.attention import SnoozeLead, lift_critical, snooze_lead
from services.intake.domain.escalation import AttentionDeed, StepAction, SubjectKind, obstacle_to_attention
from services.intake.http.follow_ups import FollowUpNote
from services.intake.models import Lead
from services.intake.pages.escalations import PATH as POLICIES
from services.intake.pages.lead_file import LeadFile
from services.intake.pages.owners import PATH, WRITE
from services.intake.queries.leads import IS_CRITICAL, OVER, is_snoozed_at

VERBS = {"snooze_lead": "snoozed the lead", "lift_critical": "lifted that it was critical"}
SNOOZE, LIFT = "snooze", "lift-critical"
CRITICAL = "attention=critical&sort=since"
DONE = {
    StepAction.NUDGE: "nudged people by mail",
    StepAction.CRITICAL: "marked the lead critical",
    StepAction.SNOOZE: "snoozed the lead",
}
WILL = {
    StepAction.NUDGE: "people are nudged by mail",
    StepAction.CRITICAL: "it is marked critical",
    StepAction.SNOOZE: "it is snoozed",
}

# --- in the list -----------------------------------------------------------------------------------------------------

ALSO = {"is_critical": IS_CRITICAL}


def told_status(row: Row[Any]) -> str:
    """What is critical says so where it says how it stands."""
    return f"{row.status}, critical" if row.is_critical else str(row.status)


COLUMNS = (Column("next", "Escalates", queries.next_at(SubjectKind.LEAD), Kind.AGO),)
FILTERS = (
    Choice(
        "attention",
        "Attention",
        options=(Option("critical", "Critical", IS_CRITICAL), Option("snoozed", "Snoozed", is_snoozed_at(NOW))),
    ),
)
TABS = (Tab("Critical", CRITICAL),)


# --- on the page -----------------------------------------------------------------------------------------------------


def chips_of(lead: Lead, now: datetime) -> list[Markup]:
    is_over = lead.status in OVER
    critical = [chip("Critical", "danger")] if lead.is_critical and not is_over else []
    return [*critical, chip("Snoozed", "info")] if lead.snoozed_until and lead.snoozed_until > now else critical


async def facts_of(file: LeadFile) -> Sequence[Fact]:
    lead, now = file.lead, file.console.clock.now()
    facts = [Fact("Escalates", told_next(file.console, await queries.next_of_lead(file.session, lead.id)))]
    if lead.is_critical:
        facts.append(Fact("Critical since", Shown(lead.critical_since, Kind.INSTANT)))
    if lead.snoozed_until and lead.snoozed_until > now:
        facts.append(Fact("Snoozed until", Shown(lead.snoozed_until, Kind.INSTANT)))
    return facts


def told_next(console: Console, due: Row[Any] | None) -> Markup | Shown:
    if due is None:
        return Shown("Nothing happens by itself")
    is_due = due.due_at <= console.clock.now()
    when = "at any moment" if is_due else console.wording.ago(due.due_at)
    told = Markup("{}: {}, by {}").format(when, WILL[due.action], link(f"{POLICIES}/{due.policy_id}", due.policy_name))
    return told[:1].upper() + told[1:] if is_due else told


async def moments_of(file: LeadFile) -> Sequence[Happening]:
    done = await queries.escalations_of(file.session, file.lead.id)
    own = [moment for moment in file.audit if moment.what in VERBS.values()]
    return [*own, *(Happening(each.escalated_at, each.policy_name, DONE[each.action]) for each in done)]


async def deeds_of(file: LeadFile) -> Sequence[Action]:
    lead = file.lead
    if lead.status.is_final:
        return []
    hidden = {"seen": await seen_of(file.session, Subject("lead", lead.id))}
    return [
        Action(
            SNOOZE,
            "Snooze until",
            f"{PATH}/{lead.id}/{SNOOZE}",
            effect="Nothing happens to it by itself until then, and from then on it is counted anew.",
            fields=(FormField("until", "Until", FieldKind.MOMENT, is_required=True), _REASON),
            hidden=hidden,
            done="Snoozed: nothing happens to it by itself until then",
            **_why(file, AttentionDeed.SNOOZE),
        ),
        Action(
            LIFT,
            "Lift critical",
            f"{PATH}/{lead.id}/{LIFT}",
            effect="Says that it is seen to.",
            fields=(_REASON,),
            hidden=hidden,
            done="Lifted: it is critical no more",
            **_why(file, AttentionDeed.LIFT),
        ),
    ]


_REASON = FormField("reason", "Reason", FieldKind.PROSE, is_required=True, hint="Stands in the timeline", longest=1000)


def _why(file: LeadFile, deed: AttentionDeed) -> Any:
    obstacle = obstacle_to_attention(deed, file.lead.status, is_critical=file.lead.is_critical)
    return refused(file.operator, WRITE, obstacle)


class SnoozeForm(Form):
    until: Moment
    reason: FollowUpNote
    seen: Annotated[UUID | None, Field(strict=False)] = None


class LiftForm(Form):
    reason: FollowUpNote
    seen: Annotated[UUID | None, Field(strict=False)] = None


@form_at(PATH + "/{lead_id:uuid}/snooze", WRITE)
async def snooze_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[SnoozeForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    until = instant_of(data.until, console.wording.zone)
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("lead", lead_id), data.seen)
        await snooze_lead(session, SnoozeLead(lead_id, until, data.reason, operator, clock.now()))
    return console.redirect(f"{PATH}/{lead_id}?done={SNOOZE}")


@form_at(PATH + "/{lead_id:uuid}/lift-critical", WRITE)
async def lift_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[LiftForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("lead", lead_id), data.seen)
        await lift_critical(session, lead_id, data.reason, operator, clock.now())
    return console.redirect(f"{PATH}/{lead_id}?done={LIFT}")


ROUTES = (snooze_by_form, lift_by_form)
