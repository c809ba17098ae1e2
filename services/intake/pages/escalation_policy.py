"""One escalation policy: what it does when, what it would have done, turning it on and off."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, show_document
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import moments_of, refuse_if_changed, seen_of
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.policies import SUBJECT, turn_policy
from services.intake.http.follow_ups import FollowUpNote
from services.intake.models import EscalationPolicy, KnownOperator, LeadSource
from services.intake.pages.escalation_runs import sections_of
from services.intake.pages.escalation_words import OWNERSHIPS, SUBJECTS, told_scope
from services.intake.pages.escalations import PATH, ROOM, TONES, WRITE
from services.intake.queries.dry_runs import dry_run

VERBS = {
    "create_escalation_policy": "made the policy",
    "change_escalation_policy": "changed it",
    "turn_on_escalation_policy": "turned it on",
    "turn_off_escalation_policy": "turned it off",
}
UP = ("Escalations", PATH)
ON, OFF = "on", "off"
REASON = FormField("reason", "Reason", FieldKind.PROSE, hint="Stands in the timeline", longest=1000)


class TurnForm(Form):
    reason: FollowUpNote | None = None
    seen: Annotated[UUID | None, Field(strict=False)] = None


async def operator_names(session: AsyncSession) -> Mapping[UUID, str]:
    found = await session.execute(select(KnownOperator.operator_id, KnownOperator.name))
    return {row.operator_id: row.name for row in found}


async def source_names(session: AsyncSession) -> Mapping[UUID, str]:
    found = await session.execute(select(LeadSource.id, LeadSource.name).order_by(LeadSource.name))
    return {row.id: row.name for row in found}


@page_at(PATH + "/{policy_id:uuid}", Capability.READ_OPS)
async def show_policy(
    policy_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    subject, now, zone = Subject(SUBJECT, policy_id), console.clock.now(), console.wording.zone
    async with database.reading() as session:
        policy = await queries.policy(session, policy_id)
        run = await dry_run(session, policy.rules, now, zone)
        scope = told_scope(policy.rules, await source_names(session))
        names = await operator_names(session)
        document = Document(
            title=policy.name,
            room=ROOM,
            up=UP,
            states=(chip("On" if policy.is_on else "Off", TONES.get(ON, "") if policy.is_on else ""),),
            sentence=f"{scope}.",
            facts=_facts(policy),
            actions=_actions(policy, operator, await seen_of(session, subject)),
            sections=sections_of(policy.rules, run, names, now.astimezone(zone).date(), f"{PATH}/{policy.id}"),
            timeline=await moments_of(session, [subject], VERBS, console.wording),
            links=(("Edit", f"{PATH}/{policy.id}/edit"),) if operator.can(WRITE) else (),
        )
    return show_document(console, request, document, done)


def _facts(policy: EscalationPolicy) -> list[Fact]:
    return [
        Fact("About", SUBJECTS[policy.subject]),
        Fact("Where", OWNERSHIPS[policy.ownership]),
        Fact("On since", Shown(policy.on_since, Kind.INSTANT)),
        Fact("Changed", Shown(policy.changed_at, Kind.INSTANT)),
        Fact("Changed by", policy.changed_by),
    ]


def _actions(policy: EscalationPolicy, operator: Operator, seen: str) -> Sequence[Action]:
    hidden = {"seen": seen} if seen else {}
    why_on: Any = refused(operator, WRITE, "it is on" if policy.is_on else None)
    why_off: Any = refused(operator, WRITE, None if policy.is_on else "it is off")
    return (
        Action(
            ON,
            "Turn on",
            f"{PATH}/{policy.id}/{ON}",
            effect="It does what falls due from now on. What has waited for longer is left alone: nobody is flooded.",
            fields=(REASON,),
            hidden=hidden,
            done="On: it does what falls due from now on",
            **why_on,
        ),
        Action(
            OFF,
            "Turn off",
            f"{PATH}/{policy.id}/{OFF}",
            effect="It does nothing any more. What it has done stays.",
            fields=(REASON,),
            hidden=hidden,
            done="Off: it does nothing any more",
            **why_off,
        ),
    )


@form_at(PATH + "/{policy_id:uuid}/on", WRITE)
async def turn_on_by_form(
    policy_id: FromPath[UUID],
    data: JSONBody[TurnForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    return await _turn(policy_id, data, console, database, clock, operator, is_on=True)


@form_at(PATH + "/{policy_id:uuid}/off", WRITE)
async def turn_off_by_form(
    policy_id: FromPath[UUID],
    data: JSONBody[TurnForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    return await _turn(policy_id, data, console, database, clock, operator, is_on=False)


async def _turn(
    policy_id: UUID,
    data: TurnForm,
    console: Console,
    database: Database,
    clock: Clock,
    operator: Operator,
    *,
    is_on: bool,
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject(SUBJECT, policy_id), data.seen)
        await turn_policy(session, policy_id, is_on=is_on, reason=data.reason, by=operator, now=clock.now())
    return console.redirect(f"{PATH}/{policy_id}?done={ON if is_on else OFF}")


ROUTES = (show_policy, turn_on_by_form, turn_off_by_form)
