"""What an answer to a webhook means, when one is sent again, and what it says."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from uuid import UUID

from contracts.values import LeadContact, Location, SelectedPath

DELAYS = (timedelta(), timedelta(seconds=10), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
"""Before each try; there are no more tries than these."""
LONGEST_DELAY = timedelta(minutes=10)
LONGEST_WAIT = timedelta(minutes=30)
"""A lead that waits behind an open breaker for longer goes to the operators: leads grow cold."""

EXHAUSTED, DOWN, ERASED = "webhook_exhausted", "webhook_down", "contact_erased"
UNKNOWN = "outcome_unknown"

_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class DeliveryState(StrEnum):
    """`waiting -> sending -> waiting | accepted | failed | cancelled`."""

    WAITING = "waiting"
    SENDING = "sending"
    ACCEPTED = "accepted"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """The assignment ended otherwise."""

    @property
    def is_settled(self) -> bool:
        return self not in (DeliveryState.WAITING, DeliveryState.SENDING)


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    """For good: asked again, the same would come."""
    AGAIN = "again"
    """Not now, or nobody knows."""
    GONE = "gone"
    """For good, and for all that are to come: the receiver says that it wants no more."""
    UNKNOWN = "unknown"
    """Our own process died while it sent: that is no fault of the receiver's."""

    @property
    def is_retried(self) -> bool:
        return self in (Verdict.AGAIN, Verdict.UNKNOWN)

    @property
    def counts_for_breaker(self) -> bool:
        return self is not Verdict.UNKNOWN


@dataclass(frozen=True, slots=True)
class Judgement:
    """`reason` is a word of ours; `not_before` is what the receiver asked for."""

    verdict: Verdict
    reason: str
    not_before: timedelta = timedelta()


def judge(status: int | None, fault: str | None, retry_after: str | None, machine_now: datetime) -> Judgement:
    """A complete 2xx is acceptance whatever its body says; a redirect is never followed, and so a refusal."""
    if status is None:
        return Judgement(Verdict.AGAIN, fault or UNKNOWN)
    if 200 <= status < 300:
        return Judgement(Verdict.ACCEPTED, "accepted")
    if status == HTTPStatus.GONE:
        return Judgement(Verdict.GONE, "gone")
    if status >= 500 or status in _AGAIN:
        return Judgement(Verdict.AGAIN, f"http_{status}", _asked_delay(retry_after, machine_now))
    return Judgement(Verdict.REFUSED, "redirected" if 300 <= status < 400 else f"http_{status}")


def _asked_delay(retry_after: str | None, machine_now: datetime) -> timedelta:
    """Seconds or a date, up to what we are willing to wait; what cannot be read asks for nothing."""
    written = (retry_after or "").strip()
    if written.isascii() and written.isdecimal():
        return min(LONGEST_DELAY, timedelta(seconds=int(written[:6])))
    try:
        asked = parsedate_to_datetime(written)
    except ValueError:
        return timedelta()
    asked = asked.replace(tzinfo=asked.tzinfo or UTC)
    return max(timedelta(), min(LONGEST_DELAY, asked - machine_now))


def next_try(tries: int, not_before: timedelta) -> timedelta | None:
    """How long after the last of so many tries the next one is; None where there is none."""
    return max(DELAYS[tries], not_before) if tries < len(DELAYS) else None


@dataclass(frozen=True, slots=True)
class Lead:
    """What an installer is told of a lead."""

    assignment_id: UUID
    lead_id: UUID
    selected_path: SelectedPath
    service: str
    location: Location
    contact: LeadContact
    created_at: datetime


def body_of(lead: Lead) -> bytes:
    """The same bytes at every try."""
    return _written(
        {
            "type": "lead.assigned",
            "assignment_id": str(lead.assignment_id),
            "lead_id": str(lead.lead_id),
            "product": lead.selected_path.product_type.value,
            "service": lead.service,
            "location": lead.location.model_dump(mode="json"),
            "contact": lead.contact.model_dump(mode="json"),
            "created_at": lead.created_at.astimezone(UTC).isoformat(),
        }
    )


def body_of_test(test_id: UUID, installer_id: UUID, asked_at: datetime) -> bytes:
    """Of no lead and no person."""
    return _written(
        {
            "type": "webhook.test",
            "test_id": str(test_id),
            "installer_id": str(installer_id),
            "created_at": asked_at.astimezone(UTC).isoformat(),
        }
    )


def _written(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
