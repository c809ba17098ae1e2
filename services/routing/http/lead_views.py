"""A lead's dispatch, its assignments, its items in the exception queue and its decisions, as they are told.

None of them names the person behind the lead.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.values import AustralianState, CapReleaseReason, ProductType, SelectedPath
from services.routing.domain.decision import Shortfall
from services.routing.domain.giving import obstacles_to
from services.routing.domain.queue import ItemState, QueueAction, QueueObstacle, obstacle_to
from services.routing.domain.replaying import RULE_SETS
from services.routing.domain.states import (
    AssignmentStatus,
    CapState,
    Channel,
    DispatchStatus,
    ExceptionReason,
    Resolution,
    Trigger,
)
from services.routing.domain.waiting import WaitKind, is_late, is_snoozed, kind_of
from services.routing.models import Assignment, Decision, Dispatch, DispatchException


class FromRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class AssignmentView(FromRow):
    id: UUID
    version: int
    lead_id: UUID
    installer_id: UUID
    installer_name: str = ""
    decision_id: UUID
    selected_path: SelectedPath
    product_type: ProductType
    share_no: int
    status: AssignmentStatus
    cap_state: CapState
    channel: Channel
    created_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None
    ended_reason: str | None
    ended_note: str | None
    cap_released_at: datetime | None
    cap_release_reason: CapReleaseReason | None
    cap_release_note: str | None
    available_actions: list[Literal["cancel", "release-cap", "take-return"]] = []

    @classmethod
    def of(cls, assignment: Assignment, installer_name: str, *, is_asked_for: bool) -> "AssignmentView":
        """`is_asked_for`: a return of it waits to be decided."""
        obstacles = obstacles_to(status=assignment.status, cap_state=assignment.cap_state, is_asked_for=is_asked_for)
        available = [action.value for action, obstacle in obstacles.items() if obstacle is None]
        more = {"installer_name": installer_name, "available_actions": available}
        return cls.model_validate(assignment).model_copy(update=more)


class ExceptionView(FromRow):
    """`waits_since` is when the lead first came to the queue for something that is still so, whatever the reason was
    then, and `age_seconds` counts from it, for a resolved one until it was resolved. It is tried again at
    `next_retry_at` by itself, `retries_left` times at the most; `is_late` where it is nobody's past its limit.
    """

    id: UUID
    lead_id: UUID
    reason: ExceptionReason
    kind: WaitKind = WaitKind.ALARMING
    detail: str
    assignment_id: UUID | None
    occurrences: int
    raised_at: datetime
    last_raised_at: datetime
    age_seconds: int = 0
    is_open: bool
    resolved_at: datetime | None
    resolution: Resolution | None
    resolved_by: str | None
    resolved_note: str | None
    waits_since: datetime
    owner_id: UUID | None
    owner_name: str | None
    owned_since: datetime | None
    snoozed_until: datetime | None
    snoozed_by: str | None
    snooze_note: str | None
    next_retry_at: datetime | None
    retries_left: int
    retries_done: int
    escalate_at: datetime | None
    escalated_at: datetime | None
    is_late: bool = False
    available_actions: list[
        Literal["assign", "retry", "resolve", "claim", "hand-over", "unassign", "snooze", "wake", "reject"]
    ] = []

    @classmethod
    def of(cls, item: DispatchException, dispatch: Dispatch, free_shares: int, now: datetime) -> "ExceptionView":
        age = (item.resolved_at or now) - item.waits_since
        obstacles = obstacles_of(item, dispatch, free_shares, now)
        more = {
            "kind": kind_of(item.reason),
            "is_late": item.is_open
            and is_late(
                item.escalate_at, owner_is_known=bool(item.owner_id), snoozed_until=item.snoozed_until, now=now
            ),
            "age_seconds": max(0, int(age.total_seconds())),
            "available_actions": [action.value for action, obstacle in obstacles.items() if obstacle is None],
        }
        return cls.model_validate(item).model_copy(update=more)


def obstacles_of(
    item: DispatchException, dispatch: Dispatch, free_shares: int, now: datetime
) -> dict[QueueAction, QueueObstacle | None]:
    """Of every action on the item, by the rule that its command asks."""
    state = ItemState(
        is_open=item.is_open,
        is_closed=dispatch.closed_at is not None,
        free_shares=free_shares,
        is_owned=item.owner_id is not None,
        is_snoozed=is_snoozed(item.snoozed_until, now),
        has_installer=free_shares < dispatch.shares_wanted,
    )
    return {action: obstacle_to(action, state) for action in QueueAction}


class LeadFacts(FromRow):
    """What of a lead its dispatch needs."""

    lead_id: UUID
    selected_path: SelectedPath
    product_type: ProductType
    service: str
    suburb: str
    state: AustralianState
    postcode: str
    received_at: datetime


class ExceptionRow(ExceptionView):
    """An item with the lead that waits."""

    lead: LeadFacts

    @classmethod
    def with_lead(cls, item: DispatchException, dispatch: Dispatch, free_shares: int, now: datetime) -> "ExceptionRow":
        view = ExceptionView.of(item, dispatch, free_shares, now)
        return cls(**view.model_dump(), lead=LeadFacts.model_validate(dispatch))


class DispatchView(LeadFacts):
    """Where a lead stands: `shares_wanted` installers may have it, `shares_live` have it or are about to."""

    version: int
    status: DispatchStatus
    status_since: datetime
    attempts_count: int
    delivered_at: datetime | None
    closed_at: datetime | None
    shares_wanted: int
    shares_live: int = 0
    shares_sent: int = 0
    assignments: list[AssignmentView] = []
    exceptions: list[ExceptionView] = []

    @classmethod
    def of(
        cls, dispatch: Dispatch, assignments: Sequence[AssignmentView], exceptions: Sequence[ExceptionView]
    ) -> "DispatchView":
        more = {
            "shares_live": sum(assignment.status.is_live for assignment in assignments),
            "shares_sent": sum(assignment.status is AssignmentStatus.SENT for assignment in assignments),
            "assignments": list(assignments),
            "exceptions": list(exceptions),
        }
        return cls.model_validate(dispatch).model_copy(update=more)


class VerdictView(BaseModel):
    """What a rule said of a candidate, the values that it compared, and when one that failed passes by itself."""

    rule: str
    passed: bool
    reason_code: str
    compared: dict[str, Any]
    is_waived: bool = False
    until: datetime | None = None


class OrderingKeyView(BaseModel):
    """What the installer was owed before and its share of this very lead, in millionths of a lead, and its last one.

    Under rule set 2 the first was the share of the cycle's cap, and a hash of lead and installer came last.
    """

    owed_ppm: int | None = None
    entitled_ppm: int | None = None
    last_assigned_at: datetime | None
    last_assigned_place: int | None
    cycle_share_ppm: int | None = None
    tie_break: str | None = None


class CandidateView(BaseModel):
    """`obstacle` is the first rule in its way; `rank` its place among the eligible."""

    installer_id: UUID
    installer_name: str
    installer_version: int
    time_zone: str
    is_eligible: bool
    is_chosen: bool
    rank: int | None
    obstacle: str | None
    ordering_key: OrderingKeyView | None
    verdicts: list[VerdictView]


class DecisionView(FromRow):
    """One attempt, as it was decided then. `latency_ms` is from the lead's receipt.

    `reason_text` is the operator's own words; `override_reason` repeats them where the caps were overridden.
    """

    id: UUID
    lead_id: UUID
    attempt_no: int
    trigger: Trigger
    operator_id: UUID | None
    operator_name: str | None
    reason_text: str | None
    override_reason: str | None
    rule_set_version: str
    wanted_count: int
    chosen_count: int
    shortfall: Shortfall | None
    summary: str
    candidates: list[CandidateView]
    decided_at: datetime
    latency_ms: int

    @property
    def can_be_replayed(self) -> bool:
        """One that was made before its inputs were kept cannot."""
        return self.rule_set_version in RULE_SETS

    @classmethod
    def of(cls, decision: Decision) -> "DecisionView":
        return cls.model_validate(decision)
