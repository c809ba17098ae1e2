"""What is told of a return: that it was asked for, and how it ended.

Nothing that an installer typed travels: a topic is no place for what may name a person.
"""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.audit import Actor
from contracts.routing import (
    AssignmentReturnDenied,
    AssignmentReturned,
    AssignmentReturnRequested,
    AssignmentReturnWithdrawn,
)
from contracts.values import CreditRequest
from services.routing.models import Assignment, Installer, Return


def tell_requested(session: AsyncSession, asked: Return, assignment: Assignment) -> None:
    event = AssignmentReturnRequested(
        **_about(asked, assignment),
        reason_code=asked.code,
        requested_at=asked.requested_at,
        decide_by=asked.decide_by,
    )
    outbox.add(session, event, version=assignment.next_version())


def tell_accepted(session: AsyncSession, asked: Return, assignment: Assignment, by: Actor, now: datetime) -> None:
    assert assignment.sent_at is not None and asked.is_offered_on is not None  # noqa: PT018, S101  # as it was sent
    event = AssignmentReturned(
        **_about(asked, assignment),
        reason_code=asked.code,
        credits=_credits(asked, by),
        decided_by_name=by.name,
        is_offered_on=asked.is_offered_on,
        sent_at=assignment.sent_at,
        returned_at=now,
    )
    outbox.add(session, event, version=assignment.next_version())


def tell_denied(
    session: AsyncSession, asked: Return, assignment: Assignment, installer: Installer, now: datetime
) -> None:
    assert asked.denial_code is not None and asked.decision_note is not None  # noqa: PT018, S101  # it is denied
    event = AssignmentReturnDenied(
        **_about(asked, assignment),
        reason_code=asked.code,
        denial_code=asked.denial_code,
        message=asked.decision_note,
        installer_name=installer.name,
        recipient_email=installer.email,
        denied_at=now,
    )
    outbox.add(session, event, version=assignment.next_version())


def tell_withdrawn(session: AsyncSession, asked: Return, assignment: Assignment, now: datetime) -> None:
    event = AssignmentReturnWithdrawn(**_about(asked, assignment), withdrawn_at=now)
    outbox.add(session, event, version=assignment.next_version())


def _about(asked: Return, assignment: Assignment) -> dict[str, Any]:
    return {
        "assignment_id": assignment.id,
        "lead_id": assignment.lead_id,
        "installer_id": assignment.installer_id,
        "return_id": asked.id,
    }


def _credits(asked: Return, by: Actor) -> tuple[CreditRequest, ...]:
    """Under the return's own id: what billing answers is known by it."""
    if asked.credit_reason is None:
        return ()
    wanted = CreditRequest(
        request_id=asked.id,
        assignment_id=asked.assignment_id,
        installer_id=asked.installer_id,
        reason_code=asked.credit_reason,
        note=f"Returned by the installer: {asked.code.replace('_', ' ')}",
        asked_by_id=by.id,
        asked_by_name=by.name,
        is_proposal=True,
    )
    return (wanted,)
