"""Events that routing publishes."""

from typing import ClassVar
from uuid import UUID

from contracts import topics
from contracts.envelope import Event
from contracts.values import (
    CapReleaseReason,
    CreditRequest,
    InstallerStatus,
    Instant,
    LeadContact,
    Location,
    SealedContact,
    SelectedPath,
    Value,
    Word,
)


class InstallerChanged(Event):
    """Full state of an installer, as far as others need it.

    `changed` names what was changed, of that state or of what routing keeps for itself: its services, territory,
    limits, hours, absences, share or channel. Of a new one nothing is named.
    """

    type: ClassVar[str] = "installer.changed"
    topic: ClassVar[topics.Topic] = topics.INSTALLERS
    schema_version: ClassVar[int] = 2

    installer_id: UUID
    name: str
    abn: str | None = None
    gst_registered: bool
    email: str
    billing_email: str
    billing_address: str | None = None
    status: InstallerStatus
    time_zone: str
    changed: tuple[Word, ...] = ()


class InstallerBreakerMoved(Event):
    """The breaker of an installer's channel moved: `closed`, `open` or `half_open`, each as it is now.

    Open, it lets nothing through until `probe_at`; half open, one try. `opens` counts how often it opened without
    having closed between. `reason_code` is of the try that opened it. Without an operator it moved by itself.
    """

    type: ClassVar[str] = "installer.breaker_moved"
    topic: ClassVar[topics.Topic] = topics.CHANNELS

    endpoint_id: UUID
    installer_id: UUID
    channel: Word
    before: Word
    after: Word
    failures_in_row: int
    opens: int
    probe_at: Instant | None = None
    reason_code: Word | None = None
    moved_by_id: UUID | None = None
    moved_by_name: str | None = None
    moved_at: Instant


class AssignmentCreated(Event):
    """A lead was given to an installer and is to be delivered to `deliver_to`; the cap is reserved.

    By `mail`, as everything before there were channels, or by `webhook`, which routing sends itself. The person is in
    `contact`, or sealed in `sealed_contact`.
    """

    type: ClassVar[str] = "assignment.created"
    topic: ClassVar[topics.Topic] = topics.ASSIGNMENTS
    schema_version: ClassVar[int] = 2

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    installer_name: str
    deliver_to: str
    selected_path: SelectedPath
    service: str
    location: Location
    contact: LeadContact | None = None
    sealed_contact: SealedContact | None = None
    channel: Word | None = None
    created_at: Instant


class AssignmentSent(Event):
    """The installer's mail server or webhook took the lead over at `sent_at`: the billable event."""

    type: ClassVar[str] = "assignment.sent"
    topic: ClassVar[topics.Topic] = topics.ASSIGNMENTS
    schema_version: ClassVar[int] = 2

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    selected_path: SelectedPath
    service: str
    location: Location
    channel: Word | None = None
    decision_id: UUID | None = None
    sent_at: Instant


class AssignmentFailed(Event):
    """The lead could not be delivered; its cap is given back."""

    type: ClassVar[str] = "assignment.failed"
    topic: ClassVar[topics.Topic] = topics.ASSIGNMENTS

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    reason_code: str
    failed_at: Instant


class AssignmentCancelled(Event):
    """Taken back before it was delivered; its cap is given back."""

    type: ClassVar[str] = "assignment.cancelled"
    topic: ClassVar[topics.Topic] = topics.ASSIGNMENTS

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    reason_code: str
    cancelled_at: Instant


class AssignmentCapReleased(Event):
    """The delivery no longer counts against the installer's cap; what it costs is untouched."""

    type: ClassVar[str] = "assignment.cap_released"
    topic: ClassVar[topics.Topic] = topics.ASSIGNMENTS

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    reason_code: CapReleaseReason
    released_at: Instant


class AssignmentLeadCorrected(Event):
    """A lead that the installer has was wrong: what changed is in `fields`, all of it as it is now beside them.

    The person is in `contact`, or sealed in `sealed_contact`.
    """

    type: ClassVar[str] = "assignment.lead_corrected"
    topic: ClassVar[topics.Topic] = topics.ASSIGNMENTS
    schema_version: ClassVar[int] = 2

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    installer_name: str
    deliver_to: str
    correction_id: UUID
    fields: tuple[Word, ...]
    contact: LeadContact | None = None
    sealed_contact: SealedContact | None = None
    service: str
    location: Location
    corrected_at: Instant


class AssignmentReturnRequested(Event):
    """The installer wants to give the lead back; it is decided by `decide_by`."""

    type: ClassVar[str] = "assignment.return_requested"
    topic: ClassVar[topics.Topic] = topics.ASSIGNMENTS

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    return_id: UUID
    reason_code: Word
    requested_at: Instant
    decide_by: Instant


class AssignmentReturned(Event):
    """The return was accepted; what was sent at `sent_at` is the installer's no more, and its cap is released.

    `credits` holds the one credit that is asked for, or none. `is_offered_on`: others may get the lead.
    """

    type: ClassVar[str] = "assignment.returned"
    topic: ClassVar[topics.Topic] = topics.ASSIGNMENTS

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    return_id: UUID
    reason_code: Word
    credits: tuple[CreditRequest, ...]
    note: str | None = None
    decided_by_name: str
    is_offered_on: bool
    sent_at: Instant
    returned_at: Instant


class AssignmentReturnDenied(Event):
    """The return was denied; the installer is to be told why."""

    type: ClassVar[str] = "assignment.return_denied"
    topic: ClassVar[topics.Topic] = topics.ASSIGNMENTS

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    return_id: UUID
    reason_code: Word
    denial_code: Word
    message: str
    installer_name: str
    recipient_email: str
    denied_at: Instant


class AssignmentReturnWithdrawn(Event):
    """The installer keeps the lead after all."""

    type: ClassVar[str] = "assignment.return_withdrawn"
    topic: ClassVar[topics.Topic] = topics.ASSIGNMENTS

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    return_id: UUID
    withdrawn_at: Instant


class DispatchDecided(Event):
    """One attempt at dispatching a lead ended with these assignments; none means an exception."""

    type: ClassVar[str] = "dispatch.decided"
    topic: ClassVar[topics.Topic] = topics.DISPATCHES

    lead_id: UUID
    decision_id: UUID
    attempt_no: int
    assignment_ids: tuple[UUID, ...]
    candidates_count: int
    decided_at: Instant


class DispatchDelivered(Event):
    """At least one assignment of the lead was sent."""

    type: ClassVar[str] = "dispatch.delivered"
    topic: ClassVar[topics.Topic] = topics.DISPATCHES

    lead_id: UUID
    delivered_at: Instant


class DispatchExceptionRaised(Event):
    """The lead waits for an operator in the exception queue."""

    type: ClassVar[str] = "dispatch.exception_raised"
    topic: ClassVar[topics.Topic] = topics.DISPATCHES

    lead_id: UUID
    exception_id: UUID
    assignment_id: UUID | None = None
    reason_code: str
    detail: str
    raised_at: Instant


class DispatchExceptionResolved(Event):
    """The item left the exception queue."""

    type: ClassVar[str] = "dispatch.exception_resolved"
    topic: ClassVar[topics.Topic] = topics.DISPATCHES

    lead_id: UUID
    exception_id: UUID
    resolution: str
    resolved_at: Instant


class DispatchExceptionEscalated(Event):
    """The item waited longer than its kind may: `expected` or `alarming`. Nobody's where nobody may own it."""

    type: ClassVar[str] = "dispatch.exception_escalated"
    topic: ClassVar[topics.Topic] = topics.DISPATCHES

    lead_id: UUID
    exception_id: UUID
    reason_code: Word
    kind: Word
    owner_name: str | None = None
    detail: str
    escalated_at: Instant


class DispatchExceptionOwnerChanged(Event):
    """Whose the item is now; nobody's without an owner."""

    type: ClassVar[str] = "dispatch.exception_owner_changed"
    topic: ClassVar[topics.Topic] = topics.DISPATCHES

    lead_id: UUID
    exception_id: UUID
    owner_id: UUID | None = None
    owner_name: str | None = None
    changed_at: Instant


class DispatchExceptionSnoozed(Event):
    """The item sleeps until then, and wakes by itself; without a time somebody woke it before."""

    type: ClassVar[str] = "dispatch.exception_snoozed"
    topic: ClassVar[topics.Topic] = topics.DISPATCHES

    lead_id: UUID
    exception_id: UUID
    snoozed_until: Instant | None = None
    changed_at: Instant


class DispatchReopened(Event):
    """Nobody has the lead that was delivered: it is dispatched again."""

    type: ClassVar[str] = "dispatch.reopened"
    topic: ClassVar[topics.Topic] = topics.DISPATCHES

    lead_id: UUID
    reason_code: Word
    reopened_at: Instant


class DispatchRejected(Event):
    """An operator found in the exception queue that the lead goes to nobody: it is to be closed."""

    type: ClassVar[str] = "dispatch.rejected"
    topic: ClassVar[topics.Topic] = topics.DISPATCHES

    lead_id: UUID
    exception_id: UUID
    reason_code: Word
    note: str | None = None
    rejected_by_name: str
    rejected_at: Instant


class PolicyChange(Value):
    """One setting as it was and as it is; one of a part has its name before its own: `kinds.returned.budget`."""

    name: str
    before: bool | int | str | None = None
    after: bool | int | str | None = None


class RoutingPolicyChanged(Event):
    """Operators declared something else, in force from now on: `ordering`, `queue`, `returns` or `auto_dispatch`.

    The last is the switch. `version` is the policy's, and the event's: the first one of each nobody changed.
    """

    type: ClassVar[str] = "routing.policy_changed"
    topic: ClassVar[topics.Topic] = topics.POLICIES

    policy: Word
    version: int
    changes: tuple[PolicyChange, ...]
    changed_by_id: UUID | None = None
    changed_by_name: str
    changed_at: Instant
