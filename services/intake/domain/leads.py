"""What a lead becomes, and what an operator may do with one: a rule for the command, the JSON and the page."""

from datetime import datetime, timedelta
from enum import StrEnum

from contracts.forms import Fault
from services.intake.domain.obstacles import Obstacle


class LeadStatus(StrEnum):
    RECEIVED = "received"
    DUPLICATE_REVIEW = "duplicate_review"
    REJECTED = "rejected"
    ROUTABLE = "routable"
    DISPATCHING = "dispatching"
    DELIVERED = "delivered"
    EXCEPTION = "exception"
    CLOSED = "closed"

    @property
    def is_final(self) -> bool:
        return self in (LeadStatus.REJECTED, LeadStatus.CLOSED)

    def can_become(self, other: "LeadStatus") -> bool:
        return other in TRANSITIONS[self]


TRANSITIONS: dict[LeadStatus, frozenset[LeadStatus]] = {
    LeadStatus.RECEIVED: frozenset({LeadStatus.ROUTABLE, LeadStatus.DUPLICATE_REVIEW, LeadStatus.REJECTED}),
    LeadStatus.DUPLICATE_REVIEW: frozenset({LeadStatus.ROUTABLE, LeadStatus.REJECTED, LeadStatus.CLOSED}),
    # With dispatch by hand the exception comes without a decision; and where an operator discarded the event of a
    # decision, the delivery that followed from it is true all the same.
    LeadStatus.ROUTABLE: frozenset(
        {LeadStatus.DISPATCHING, LeadStatus.DELIVERED, LeadStatus.EXCEPTION, LeadStatus.CLOSED}
    ),
    LeadStatus.DISPATCHING: frozenset({LeadStatus.DELIVERED, LeadStatus.EXCEPTION, LeadStatus.CLOSED}),
    LeadStatus.EXCEPTION: frozenset({LeadStatus.DISPATCHING, LeadStatus.DELIVERED, LeadStatus.CLOSED}),
    # A shared lead whose second installer could not be reached is delivered: the exception queue has the rest.
    LeadStatus.DELIVERED: frozenset({LeadStatus.CLOSED}),
    LeadStatus.REJECTED: frozenset(),
    LeadStatus.CLOSED: frozenset(),
}


def followed(status: LeadStatus, target: LeadStatus | None, *, is_reopened: bool = False) -> LeadStatus:
    """What a lead is after routing said `target`: where it cannot become that, or nothing was said, what it was.

    What was delivered is on its way again where routing says that it is reopened, and by nothing else.
    """
    if is_reopened and status is LeadStatus.DELIVERED:
        return LeadStatus.DISPATCHING
    return target if target is not None and status.can_become(target) else status


RESOLUTIONS_THAT_GO_ON = frozenset({"assigned", "retried"})


def resolved_to(resolution: str) -> LeadStatus | None:
    """What a lead becomes when its exception is resolved, by routing's word for how.

    An item that was only taken off the queue leaves the lead where it is: it goes on, or is closed, by a step of its
    own.
    """
    return LeadStatus.DISPATCHING if resolution in RESOLUTIONS_THAT_GO_ON else None


class LeadOutcome(StrEnum):
    """What a lead came to, as its source is told."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    CLOSED = "closed"


def outcome_of(status: LeadStatus, delivered_at: datetime | None) -> LeadOutcome | None:
    """None while nothing is decided. What was delivered stays so, though it be closed afterwards."""
    if delivered_at is not None:
        return LeadOutcome.DELIVERED
    return LeadOutcome(status) if status.is_final else None


STAGE_LIMITS: dict[LeadStatus, timedelta] = {
    LeadStatus.RECEIVED: timedelta(minutes=5),
    LeadStatus.ROUTABLE: timedelta(minutes=15),
    LeadStatus.DISPATCHING: timedelta(hours=1),
    LeadStatus.DUPLICATE_REVIEW: timedelta(hours=4),
    LeadStatus.EXCEPTION: timedelta(hours=1),
}
"""How long a lead may be what it is; where no limit stands, it waits for nothing."""


AGE_LIMIT = timedelta(days=1)
"""From its receipt, for a lead that waits for anything: by then whoever asked has asked somewhere else."""


def late_from(status: LeadStatus, since: datetime, received_at: datetime) -> datetime | None:
    """The instant after which it is late, by whichever of its limits is over first; None where it waits for nothing."""
    limit = STAGE_LIMITS.get(status)
    return None if limit is None else min(since + limit, received_at + AGE_LIMIT)


class CloseReason(StrEnum):
    """Why an operator ends a lead's way."""

    INVALID_LEAD = "invalid_lead"
    DUPLICATE = "duplicate"
    WITHDRAWN = "withdrawn"
    UNPLACEABLE = "unplaceable"
    TEST_LEAD = "test_lead"
    OPERATOR_ERROR = "operator_error"
    ERASED = "erased"
    """Its person was erased; by nothing else is a lead closed for it."""
    OTHER = "other"


def close_reason_of(word: str) -> CloseReason:
    """Another service's word for it, which may be one that is not known here yet."""
    return CloseReason(word) if word in set(CloseReason) else CloseReason.OTHER


def by_an_operator(reason: CloseReason) -> CloseReason:
    """A rule of forms: an erasure closes a lead by itself, with all that it does besides."""
    if reason is CloseReason.ERASED:
        raise Fault("close_reason_not_yours", "is given by an erasure alone")
    return reason


class LeadAction(StrEnum):
    """`release` and `reject` end that it is held; `merge` makes it one with another, `unmerge` takes that apart."""

    CLOSE = "close"
    CORRECT = "correct"
    RELEASE = "release"
    REJECT = "reject"
    MERGE = "merge"
    UNMERGE = "unmerge"


_OVER = {LeadStatus.REJECTED: Obstacle.REJECTED, LeadStatus.CLOSED: Obstacle.CLOSED}
_NOT_HELD = {status: Obstacle.NOT_HELD for status in LeadStatus if status is not LeadStatus.DUPLICATE_REVIEW}
_TAKEN_IN = {LeadStatus.RECEIVED: Obstacle.TAKEN_IN}
_REJECTED = {LeadStatus.REJECTED: Obstacle.REJECTED}
_OBSTACLES = {
    LeadAction.CLOSE: _TAKEN_IN | _OVER,
    LeadAction.CORRECT: _TAKEN_IN | _REJECTED,
    LeadAction.RELEASE: _NOT_HELD | _TAKEN_IN | _OVER,
    LeadAction.REJECT: _NOT_HELD | _TAKEN_IN | _OVER,
    LeadAction.MERGE: _TAKEN_IN | _REJECTED,
}


def obstacle_to_lead(
    action: LeadAction, status: LeadStatus, *, is_merged: bool = False, is_erased: bool = False
) -> Obstacle | None:
    """A closed lead can be corrected: who has it still works with it. One that was merged is only taken apart.

    Of a person who was erased nothing is right, and nothing is done.
    """
    if is_erased:
        return Obstacle.ERASED
    if action is LeadAction.UNMERGE:
        return None if is_merged else Obstacle.NOT_MERGED
    return Obstacle.MERGED if is_merged else _OBSTACLES[action].get(status)
