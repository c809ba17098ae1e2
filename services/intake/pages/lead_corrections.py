"""Correcting one lead: what it does is said above the button, and what was corrected stands on the page."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from markupsafe import Markup
from pydantic import Field

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Section, Table
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.timeline import Change, Moment, refuse_if_changed, seen_of
from chassis.console.wording import words
from chassis.database import Database
from chassis.http import Given as Injected
from chassis.http import Operator
from contracts.forms import LONGEST_EMAIL, LONGEST_SERVICE
from contracts.identity import Capability
from contracts.values import AustralianState
from services.intake import queries
from services.intake.commands.leads.correcting import correct_lead
from services.intake.domain import LeadAction
from services.intake.domain.corrections import Correctable, CorrectionReason, Given, effects_of
from services.intake.http.corrections import Credits, LeadCorrecting
from services.intake.models import Lead, LeadCorrection
from services.intake.pages.lead_credits import credits_field
from services.intake.pages.lead_file import LeadFile
from services.intake.pages.lead_known import name_of
from services.intake.pages.leads import PATH, WRITE

VERBS = {"correct_lead": "corrected the lead"}
WITH_CREDITS = "correct-with-credits"
CREDITED = Action(WITH_CREDITS, "", "", done="Corrected, and finance is asked for the credits")
"""Not offered any more once all were asked for."""


class CorrectForm(LeadCorrecting, Form):
    """As the JSON route takes it; `seen` is how the lead's page knew it."""

    seen: Annotated[UUID | None, Field(strict=False)] = None


class CorrectWithCreditsForm(CorrectForm):
    """`credits` are assignments whose deliveries are to be credited for what was wrong."""

    credits: Credits


async def deeds_of(file: LeadFile) -> Sequence[Action]:
    lead = file.lead
    asking = await _with_credits(file)
    return [
        Action(
            LeadAction.CORRECT,
            "Correct lead",
            f"{PATH}/{lead.id}/correct",
            effect=_told_effects(file),
            fields=_fields(lead),
            hidden={"seen": await seen_of(file.session, Subject("lead", lead.id))},
            done="Corrected",
            **refused(file.operator, WRITE, lead.obstacle_to(LeadAction.CORRECT)),
        ),
        *asking,
    ]


async def _with_credits(file: LeadFile) -> Sequence[Action]:
    """Where somebody was charged for the lead, and no credit was asked for yet."""
    lead = file.lead
    charged = [each.known for each in await queries.creditable_of(file.session, lead.id) if each.obstacle is None]
    if not charged or lead.obstacle_to(LeadAction.CORRECT):
        return []
    return [
        Action(
            WITH_CREDITS,
            "Correct and ask for credits",
            f"{PATH}/{lead.id}/{WITH_CREDITS}",
            effect="As a correction; and finance is asked to credit who was charged, where the place, the phone or the "
            "e-mail was wrong. The answer stands on this page.",
            fields=(credits_field(file, charged), *_fields(lead)),
            hidden={"seen": await seen_of(file.session, Subject("lead", lead.id))},
            **refused(file.operator, Capability.MANAGE_BILLING_OPS),
        )
    ]


def _told_effects(file: LeadFile) -> str:
    """Of a correction of anything: what in fact was other decides which of it comes true."""
    given = [
        Given(each.assignment_id, name_of(each), each.is_held_by_installer, each.is_charged)
        for each in file.known.assignments
    ]
    effects = effects_of(tuple(Correctable), given)
    told = (
        f"{_joined(effects.told)} will be told by mail what changed; a place or a service is not looked for again."
        if effects.told
        else "Nobody has it: dispatch goes by the place and the service as they are then."
    )
    charged = ""
    if effects.creditable:
        names = _joined([each.installer for each, _ in effects.creditable])
        charged = f" What {names} paid stays charged, unless finance is asked for credits."
    return f"{told}{charged} The consent stays as it was given."


def _joined(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _fields(lead: Lead) -> Sequence[FormField]:
    states = [(state.value, state.value) for state in AustralianState]
    return (
        FormField("name", "Name", value=lead.name, is_required=True),
        FormField("email", "E-mail", FieldKind.EMAIL, lead.email, is_required=True, longest=LONGEST_EMAIL),
        FormField("phone", "Phone", value=lead.phone, is_required=True, longest=40),
        FormField("street", "Street", value=lead.street, is_required=True),
        FormField("suburb", "Suburb", value=lead.suburb, is_required=True, longest=100),
        FormField("state", "State", FieldKind.CHOICE, lead.state, is_required=True, options=states),
        FormField("postcode", "Postcode", value=lead.postcode, is_required=True, longest=4),
        FormField("service", "Service", value=lead.service, is_required=True, longest=LONGEST_SERVICE),
        FormField("reason_code", "Why", FieldKind.CHOICE, is_required=True, options=options_of(CorrectionReason)),
        FormField("reason", "In your words", FieldKind.PROSE, hint="Stands in the timeline"),
    )


async def corrections_of(file: LeadFile) -> Sequence[Section]:
    heads = (("Corrected", Kind.TEXT), ("By", Kind.TEXT), ("Why", Kind.TEXT), ("When", Kind.AGO))
    rows = [
        (_told_fields(each), each.made_by_name, words(each.reason_code), Shown(each.made_at, Kind.AGO))
        for each in reversed(file.corrections)
    ]
    return [Table("Corrections", heads, rows)] if rows else []


def _told_fields(correction: LeadCorrection) -> str:
    return ", ".join(words(field) for field in correction.fields)


async def moments_of(file: LeadFile) -> Sequence[Moment]:
    return [_moment(each) for each in reversed(file.corrections)]


def _moment(correction: LeadCorrection) -> Moment:
    reason = ": ".join(part for part in (words(correction.reason_code), correction.note or "") if part)
    changes = [
        Change(words(name), Markup("{}").format(correction.before.get(name, "")), Markup("{}").format(value))
        for name, value in correction.after.items()
    ]
    return Moment(correction.made_at, correction.made_by_name, VERBS["correct_lead"], changes, reason)


@form_at(PATH + "/{lead_id:uuid}/correct", WRITE)
async def correct_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[CorrectForm],
    console: Injected[Console],
    database: Injected[Database],
    clock: Injected[Clock],
    operator: Injected[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("lead", lead_id), data.seen)
        await correct_lead(session, data.command(lead_id, operator, clock))
    return console.redirect(f"{PATH}/{lead_id}?done={LeadAction.CORRECT}")


@form_at(PATH + "/{lead_id:uuid}/correct-with-credits", Capability.MANAGE_BILLING_OPS, step_up=True)
async def correct_with_credits_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[CorrectWithCreditsForm],
    console: Injected[Console],
    database: Injected[Database],
    clock: Injected[Clock],
    operator: Injected[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("lead", lead_id), data.seen)
        await correct_lead(session, data.command(lead_id, operator, clock, data.credits))
    return console.redirect(f"{PATH}/{lead_id}?done={WITH_CREDITS}")


ROUTES = (correct_by_form, correct_with_credits_by_form)
