"""Follow-ups: what somebody does about a lead at a time, by telephone, mail or in person."""

from datetime import datetime, timedelta
from enum import StrEnum

from services.intake.domain.leads import LeadStatus
from services.intake.domain.obstacles import Obstacle


class FollowUpState(StrEnum):
    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class Channel(StrEnum):
    CALL = "call"
    SMS = "sms"
    EMAIL = "email"
    VISIT = "visit"
    OTHER = "other"


class FollowUpOutcome(StrEnum):
    REACHED = "reached"
    BOOKED = "booked"
    LEFT_MESSAGE = "left_message"
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"
    NOT_INTERESTED = "not_interested"
    OTHER = "other"


class FollowUpAction(StrEnum):
    COMPLETE = "complete"
    SNOOZE = "snooze"
    REASSIGN = "reassign"
    CANCEL = "cancel"


UNOWNED_LIMIT = timedelta(hours=1)
"""How long after it was due a follow-up may be nobody's."""


def obstacle_to_follow_up(_action: FollowUpAction, state: FollowUpState) -> Obstacle | None:
    """What is done or cancelled stays so."""
    return {FollowUpState.DONE: Obstacle.DONE, FollowUpState.CANCELLED: Obstacle.CANCELLED}.get(state)


_FINAL = {LeadStatus.REJECTED: Obstacle.REJECTED, LeadStatus.CLOSED: Obstacle.CLOSED}


def obstacle_to_scheduling(status: LeadStatus) -> Obstacle | None:
    """Of a lead that is over nothing new is planned; what is open can still be done."""
    return _FINAL.get(status)


def is_overdue(state: FollowUpState, due_at: datetime, now: datetime) -> bool:
    return state is FollowUpState.OPEN and due_at < now
