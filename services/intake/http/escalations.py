"""Escalation policies, what each would have done, and what is done about one lead by hand."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post, put
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Line, Operator, Text, requires
from chassis.ids import new_id
from contracts.identity import Capability
from contracts.values import AustralianState, SelectedPath
from services.intake import queries
from services.intake.commands.attention import SnoozeLead, lift_critical, snooze_lead
from services.intake.commands.policies import PolicyDraft, change_policy, check_steps, create_policy, turn_policy
from services.intake.domain import LeadStatus
from services.intake.domain.escalation import (
    LONGEST_MINUTES,
    MOST_STEPS,
    SHORTEST_SNOOZE_MINUTES,
    Notify,
    Ownership,
    Policy,
    Step,
    StepAction,
    SubjectKind,
)
from services.intake.http.fields import ServiceSlug
from services.intake.http.follow_ups import FollowUpNote
from services.intake.http.leads import LeadRow
from services.intake.models import EscalationPolicy
from services.intake.queries.dry_runs import DryRun, dry_run
from services.intake.settings import Settings

WRITE = Capability.WRITE_ROUTING
MOST_WORDS = 50
PolicyName = Annotated[Line, StringConstraints(max_length=120)]
Minutes = Annotated[int, Field(ge=1, le=LONGEST_MINUTES)]


class PolicyStep(Body):
    """`notify` is of a nudge, `notify_id` of one that reaches an operator, `snooze_minutes` of a snooze."""

    after_minutes: Minutes
    action: Annotated[StepAction, Field(strict=False)]
    notify: Annotated[Notify | None, Field(strict=False)] = None
    notify_id: Annotated[UUID | None, Field(strict=False)] = None
    snooze_minutes: Annotated[int | None, Field(ge=SHORTEST_SNOOZE_MINUTES, le=LONGEST_MINUTES)] = None

    def rule(self) -> Step:
        is_nudge, is_snooze = self.action is StepAction.NUDGE, self.action is StepAction.SNOOZE
        notify = self.notify if is_nudge else None
        notify_id = self.notify_id if notify is Notify.OPERATOR else None
        return Step(self.after_minutes, self.action, notify, notify_id, self.snooze_minutes if is_snooze else None)


class PolicyBody(Body):
    """An empty list is no filter."""

    name: PolicyName
    subject: Annotated[SubjectKind, Field(strict=False)]
    statuses: Annotated[list[Annotated[LeadStatus, Field(strict=False)]], Field(max_length=MOST_WORDS)] = []
    paths: Annotated[list[Annotated[SelectedPath, Field(strict=False)]], Field(max_length=MOST_WORDS)] = []
    services: Annotated[list[ServiceSlug], Field(max_length=MOST_WORDS)] = []
    states: Annotated[list[Annotated[AustralianState, Field(strict=False)]], Field(max_length=MOST_WORDS)] = []
    source_ids: Annotated[list[Annotated[UUID, Field(strict=False)]], Field(max_length=MOST_WORDS)] = []
    ownership: Annotated[Ownership, Field(strict=False)] = Ownership.ANY
    steps: Annotated[list[PolicyStep], Field(min_length=1, max_length=MOST_STEPS)]

    def draft(self) -> PolicyDraft:
        rules = Policy(
            subject=self.subject,
            steps=tuple(step.rule() for step in self.steps),
            statuses=frozenset(self.statuses),
            paths=frozenset(self.paths),
            services=frozenset(self.services),
            states=frozenset(self.states),
            source_ids=frozenset(self.source_ids),
            ownership=self.ownership,
        )
        return PolicyDraft(self.name, rules)


class Reason(Body):
    reason: FollowUpNote | None = None


class KeptPolicy(PolicyBody, Reason):
    """With why it is as it is from now on."""


class StepRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    step_no: int
    after_minutes: int
    action: StepAction
    notify: Notify | None
    notify_id: UUID | None
    snooze_minutes: int | None


class PolicyRow(BaseModel):
    """What was due before `on_since` is not done."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    is_on: bool
    on_since: datetime | None
    subject: SubjectKind
    statuses: list[LeadStatus]
    paths: list[SelectedPath]
    services: list[str]
    states: list[AustralianState]
    source_ids: list[UUID]
    ownership: Ownership
    steps: list[StepRow]
    changed_at: datetime
    changed_by: str

    @classmethod
    def of(cls, policy: EscalationPolicy) -> "PolicyRow":
        return cls.model_validate(policy)


class DryFiring(BaseModel):
    at: datetime
    step_no: int
    lead_id: UUID
    subject_id: UUID


class DryRunResult(BaseModel):
    """What would have been done since `first`, as if it had been on: in numbers by step, and the first fifty."""

    first: datetime
    total: int
    leads: int
    by_step: list[int]
    firings: list[DryFiring]

    @classmethod
    def of(cls, run: DryRun) -> "DryRunResult":
        firings = [DryFiring(at=f.at, step_no=f.step_no, lead_id=f.lead_id, subject_id=f.subject_id) for f in run.told]
        return cls(first=run.first, total=run.total, leads=len(run.leads), by_step=run.by_step, firings=firings)


@get("/admin/escalation-policies", guards=[requires(Capability.READ_OPS)])
async def list_escalation_policies(database: Given[Database]) -> list[PolicyRow]:
    """All of them, by name."""
    async with database.reading() as session:
        return [PolicyRow.of(policy) for policy in await queries.list_policies(session)]


@post("/admin/escalation-policies", guards=[requires(WRITE)], status_code=201)
async def create_escalation_policy(
    data: JSONBody[KeptPolicy], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> PolicyRow:
    """Make a policy. It is off at first."""
    async with database.transaction() as session:
        made = await create_policy(session, new_id(), data.draft(), operator, clock.now(), data.reason)
        return PolicyRow.of(made)


@put("/admin/escalation-policies/{policy_id:uuid}", guards=[requires(WRITE)])
async def change_escalation_policy(
    policy_id: FromPath[UUID],
    data: JSONBody[KeptPolicy],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> PolicyRow:
    """Replace a policy as a whole. One that is on counts from now."""
    async with database.transaction() as session:
        changed = await change_policy(session, policy_id, data.draft(), data.reason, operator, clock.now())
        return PolicyRow.of(changed)


@post("/admin/escalation-policies/{policy_id:uuid}/on", guards=[requires(WRITE)], status_code=200)
async def turn_on_escalation_policy(
    policy_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    data: JSONBody[Reason | None] = None,
) -> PolicyRow:
    """Turn a policy on: it does what falls due from now on."""
    reason = data.reason if data else None
    async with database.transaction() as session:
        turned = await turn_policy(session, policy_id, is_on=True, reason=reason, by=operator, now=clock.now())
        return PolicyRow.of(turned)


@post("/admin/escalation-policies/{policy_id:uuid}/off", guards=[requires(WRITE)], status_code=200)
async def turn_off_escalation_policy(
    policy_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    data: JSONBody[Reason | None] = None,
) -> PolicyRow:
    """Turn a policy off: it does nothing any more."""
    reason = data.reason if data else None
    async with database.transaction() as session:
        turned = await turn_policy(session, policy_id, is_on=False, reason=reason, by=operator, now=clock.now())
        return PolicyRow.of(turned)


@post("/admin/escalation-policies/dry-run", guards=[requires(WRITE)], status_code=200)
async def dry_run_escalation_policy(
    data: JSONBody[PolicyBody], database: Given[Database], clock: Given[Clock], settings: Given[Settings]
) -> DryRunResult:
    """What a policy would have done in the last 30 days; nothing is saved, and nothing is done."""
    rules = data.draft().rules
    check_steps(rules)
    async with database.reading() as session:
        return DryRunResult.of(await dry_run(session, rules, clock.now(), settings.zone))


class LeadSnooze(Body):
    until: AwareInstant
    reason: FollowUpNote


class LiftReason(Body):
    reason: Text


@post("/admin/leads/{lead_id:uuid}/snooze", guards=[requires(WRITE)], status_code=200)
async def snooze_lead_until(
    lead_id: FromPath[UUID],
    data: JSONBody[LeadSnooze],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> LeadRow:
    """Silence a lead's escalations until then; from then on they count anew."""
    async with database.transaction() as session:
        command = SnoozeLead(lead_id, data.until, data.reason, operator, clock.now())
        return await LeadRow.of(session, await snooze_lead(session, command))


@post("/admin/leads/{lead_id:uuid}/lift-critical", guards=[requires(WRITE)], status_code=200)
async def lift_critical_lead(
    lead_id: FromPath[UUID],
    data: JSONBody[LiftReason],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> LeadRow:
    """Say of a critical lead that it is seen to."""
    async with database.transaction() as session:
        lead = await lift_critical(session, lead_id, data.reason, operator, clock.now())
        return await LeadRow.of(session, lead)


ROUTES = (
    list_escalation_policies,
    create_escalation_policy,
    change_escalation_policy,
    turn_on_escalation_policy,
    turn_off_escalation_policy,
    dry_run_escalation_policy,
    snooze_lead_until,
    lift_critical_lead,
)
