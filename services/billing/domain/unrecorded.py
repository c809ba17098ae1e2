"""Deliveries that were told of and could not be written down, and which months they stand in the way of."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Lost:
    """One parked event that is a delivery, or may hide one. What it does not say in readable words is None."""

    parked_event_id: UUID
    assignment_id: UUID | None
    installer_id: UUID | None
    delivered_at: datetime | None
    reason_code: str
    parked_at: datetime

    def may_be_of(self, span: Span, installer_ids: Collection[UUID] | None) -> bool:
        """Of what nobody can read it is not known when it was delivered, nor to whom: it may be any."""
        if self.delivered_at is not None and not span.start <= self.delivered_at < span.end:
            return False
        return installer_ids is None or self.installer_id is None or self.installer_id in installer_ids


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """`read` are the first of them, the oldest first; `count` is how many there are."""

    read: Sequence[Lost]
    count: int

    def of(self, span: Span, installer_ids: Collection[UUID] | None) -> list[Lost]:
        return [each for each in self.read if each.may_be_of(span, installer_ids)]

    def count_of(self, span: Span, installer_ids: Collection[UUID] | None) -> int:
        """Those that were not read may be of any month."""
        return len(self.of(span, installer_ids)) + self.count - len(self.read)
