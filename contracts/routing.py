"""Events that routing publishes."""

from typing import ClassVar
from uuid import UUID

from contracts import topics
from contracts.envelope import Event
from contracts.values import CapReleaseReason, InstallerStatus, Instant, LeadContact, Location, SelectedPath


class InstallerChanged(Event):
    """Full state of an installer."""

    type: ClassVar[str] = "installer.changed"
    topic: ClassVar[topics.Topic] = topics.INSTALLERS

    installer_id: UUID
    name: str
    abn: str | None = None
    gst_registered: bool
    email: str
    billing_email: str
    billing_address: str | None = None
    status: InstallerStatus
    time_zone: str


class AssignmentCreated(Event):
    """A lead was given to an installer and is to be delivered to `deliver_to`; the cap is reserved."""

    type: ClassVar[str] = "assignment.created"
    topic: ClassVar[topics.Topic] = topics.ASSIGNMENTS

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    installer_name: str
    deliver_to: str
    selected_path: SelectedPath
    service: str
    location: Location
    contact: LeadContact | None = None
    created_at: Instant


class AssignmentSent(Event):
    """The installer's mail server took the lead over at `sent_at`: the billable event."""

    type: ClassVar[str] = "assignment.sent"
    topic: ClassVar[topics.Topic] = topics.ASSIGNMENTS

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    selected_path: SelectedPath
    service: str
    location: Location
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
