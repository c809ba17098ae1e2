"""The escalation policies: for what each is, whether it is on, and what it did in the last 30 days."""

from typing import Any

from sqlalchemy import case, func, select

from chassis.console.cells import Kind
from chassis.console.listing import NOW, Choice, Column, Empty, Listing, Option, Search, Tab, among, routes_of
from contracts.identity import Capability
from services.intake.domain.escalation import StepAction, SubjectKind
from services.intake.models import Escalation, EscalationPolicy, EscalationStep
from services.intake.pages.escalation_words import OWNERSHIPS, SUBJECTS
from services.intake.queries.dry_runs import DRY_RUN

ROOM = "escalations"
PATH = "/console/escalations"
WRITE = Capability.WRITE_ROUTING
TONES = {"on": "positive"}


def _done(action: StepAction) -> Any:
    """How often in the last 30 days."""
    of_policy = (Escalation.policy_id == EscalationPolicy.id, Escalation.action == action)
    query = select(func.count()).where(*of_policy, Escalation.escalated_at > NOW - DRY_RUN)
    return query.correlate(EscalationPolicy).scalar_subquery()


def _steps(value: Any) -> Any:
    query = select(value).where(EscalationStep.policy_id == EscalationPolicy.id)
    return query.correlate(EscalationPolicy).scalar_subquery()


LISTING = Listing(
    name=ROOM,
    title="Escalations",
    noun=("policy", "policies"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select().select_from(EscalationPolicy),
    key=EscalationPolicy.id,
    order="name",
    columns=(
        Column("name", "Policy", EscalationPolicy.name, sorts=True),
        Column("state", "State", case((EscalationPolicy.is_on, "on"), else_="off"), Kind.CHIP, tone=TONES),
        Column("subject", "About", EscalationPolicy.subject, say=lambda row: SUBJECTS[row.subject]),
        Column("ownership", "Where", EscalationPolicy.ownership, say=lambda row: OWNERSHIPS[row.ownership]),
        Column("steps", "Steps", _steps(func.count()), Kind.NUMBER),
        Column("nudges", "Nudges in 30 days", _done(StepAction.NUDGE), Kind.NUMBER),
        Column("criticals", "Marked critical", _done(StepAction.CRITICAL), Kind.NUMBER),
        Column("snoozes", "Snoozed", _done(StepAction.SNOOZE), Kind.NUMBER),
        Column("on_since", "On since", EscalationPolicy.on_since, Kind.AGO),
        Column("changed", "Changed", EscalationPolicy.changed_at, Kind.AGO, sorts=True),
        Column("changed_by", "Changed by", EscalationPolicy.changed_by, is_extra=True),
    ),
    filters=(
        Search("q", "Name or id", texts=(EscalationPolicy.name,), ids=(EscalationPolicy.id,)),
        Choice(
            "state",
            "State",
            options=(
                Option("on", "On", EscalationPolicy.is_on.is_(True)),
                Option("off", "Off", EscalationPolicy.is_on.is_(False)),
            ),
        ),
        Choice("subject", "About", options=among(EscalationPolicy.subject, SubjectKind, SUBJECTS)),
    ),
    tabs=(Tab("All"), Tab("On", "state=on"), Tab("Off", "state=off")),
    document=lambda row: f"{PATH}/{row.id}",
    links=(("New policy", f"{PATH}/new", WRITE),),
    empty=Empty(
        "No policies here",
        "A policy nudges people, marks leads critical or snoozes them once they have waited.",
    ),
)

ROUTES = routes_of(LISTING)
