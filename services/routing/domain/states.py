"""The states that a lead's dispatch, its assignments and their places under the caps go through."""

from enum import StrEnum


class AssignmentStatus(StrEnum):
    """`pending -> sent | failed | cancelled`, `sent -> returned`. `sent` is the billable event."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    """The installer had the lead and gave it back: its share is free again."""

    @property
    def is_live(self) -> bool:
        """The installer has the lead, or is about to."""
        return self in (AssignmentStatus.PENDING, AssignmentStatus.SENT)

    @property
    def was_delivered(self) -> bool:
        """The installer got it, whatever it did with it then."""
        return self in (AssignmentStatus.SENT, AssignmentStatus.RETURNED)


class Channel(StrEnum):
    """How a lead reaches its installer."""

    MAIL = "mail"
    WEBHOOK = "webhook"


class BreakerState(StrEnum):
    """`closed -> open -> half_open -> closed | open`. What is open takes nothing, half open takes one to try."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class DeliveryStep(StrEnum):
    """What came of a try to deliver."""

    ACCEPTED = "accepted"
    TRIED = "tried"
    """In vain, and tried again."""
    FAILED = "failed"
    """For good."""
    ACCEPTED_LATE = "accepted_late"
    """After the assignment had ended: nobody is charged."""
    BOUNCED = "bounced"
    """Accepted, and sent back later: the installer never got it."""


class AbsenceKind(StrEnum):
    PAUSE = "pause"
    HOLIDAY = "holiday"


class ContactRole(StrEnum):
    """What somebody of an installer is asked about."""

    OWNER = "owner"
    DISPATCH = "dispatch"
    ACCOUNTS = "accounts"
    SITE = "site"


class LinkKind(StrEnum):
    """How two leads belong together."""

    MERGED = "merged"
    SAME_PERSON = "same_person"


class SimulationState(StrEnum):
    """`asked -> running -> finished | failed | cancelled`; back to asked where whoever ran it is gone."""

    ASKED = "asked"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        return self in (SimulationState.ASKED, SimulationState.RUNNING)


class CapState(StrEnum):
    """`reserved -> counted | given_back`; `counted -> released` by an operator or by a credit for an invalid lead."""

    RESERVED = "reserved"
    COUNTED = "counted"
    RELEASED = "released"
    GIVEN_BACK = "given_back"


class DispatchStatus(StrEnum):
    """`delivered` and `closed` are for good; between the other two a lead goes back and forth."""

    DISPATCHING = "dispatching"
    EXCEPTION = "exception"
    DELIVERED = "delivered"
    CLOSED = "closed"
    """Before any installer had it."""

    @property
    def is_final(self) -> bool:
        return self in (DispatchStatus.DELIVERED, DispatchStatus.CLOSED)


class Trigger(StrEnum):
    """What made an attempt."""

    AUTO = "auto"
    """The lead's arrival."""
    RETRY = "retry"
    """An operator's."""
    BY_HAND = "by_hand"
    """An operator's own choice of installers."""
    SCHEDULED = "scheduled"
    """A retry that fell due by itself."""
    RETURN = "return"
    """An installer gave the lead back."""
    REOPENED = "reopened"
    """The lead was closed at its intake, and is open again."""


class ExceptionReason(StrEnum):
    """Why a lead waits for an operator."""

    AUTO_DISPATCH_OFF = "auto_dispatch_off"
    NO_ELIGIBLE_INSTALLER = "no_eligible_installer"
    CONTACT_MISSING = "contact_missing"
    DISPATCH_FAILED = "dispatch_failed"
    """By a fault of ours: no decision was made."""
    DELIVERY_FAILED = "delivery_failed"
    LEFT_UNSERVED = "left_unserved"
    """Its last live assignment was cancelled."""
    DELIVERED_LATE = "delivered_late"
    """The installer got the mail after the assignment had ended: nobody is charged for what was delivered."""
    OUTSIDE_HOURS = "outside_hours"
    ALL_AT_CAP = "all_at_cap"
    ALL_AWAY = "all_away"
    NO_COVERAGE = "no_coverage"
    RETURNED = "returned"
    """Its last installer gave it back, and it is not offered on by itself."""
    REOPENED = "reopened"
    """It was closed at its intake and is open again, and nobody has it."""
    GONE_STALE = "gone_stale"
    """It has waited for too long to be given away by itself."""

    @property
    def is_cured_by_assigning(self) -> bool:
        return self is not ExceptionReason.DELIVERED_LATE


class Resolution(StrEnum):
    """How an item left the exception queue."""

    ASSIGNED = "assigned"
    RETRIED = "retried"
    SUPERSEDED = "superseded"
    """Dispatch was tried again and met something else: the item that says so has taken its place."""
    LEAD_CLOSED = "lead_closed"
    BY_OPERATOR = "resolved_by_operator"
    REJECTED = "rejected"
    """An operator refused the lead: its intake closes it."""


class RejectReason(StrEnum):
    """Why an operator finds that a lead goes to nobody, in the words in which its intake closes it."""

    UNPLACEABLE = "unplaceable"
    INVALID_LEAD = "invalid_lead"
    DUPLICATE = "duplicate"
    WITHDRAWN = "withdrawn"
    TEST_LEAD = "test_lead"
    OTHER = "other"


class CancelReason(StrEnum):
    LEAD_WITHDRAWN = "lead_withdrawn"
    DUPLICATE_LEAD = "duplicate_lead"
    WRONG_INSTALLER = "wrong_installer"
    OPERATOR_ERROR = "operator_error"
