"""Leads that are screened together, and what their screening says of each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from contracts.values import SealedContact
from services.intake.domain import LeadStatus
from services.intake.domain.duplicates import RejectReason
from services.intake.queries import Arrival


@dataclass(frozen=True, slots=True)
class Batch:
    """Leads that came in, in the order of their ids, with their rows locked."""

    arrivals: Sequence[Arrival]
    now: datetime
    _held: set[UUID] = field(default_factory=set)
    _rejected: dict[UUID, RejectReason] = field(default_factory=dict)
    sealed: dict[UUID, SealedContact] = field(default_factory=dict)
    """By lead, of those that are let in."""
    _same_person: dict[UUID, tuple[UUID, ...]] = field(default_factory=dict)

    def hold(self, lead_id: UUID) -> None:
        """It may double another: an operator looks at it first, and nobody hears of it."""
        self._held.add(lead_id)

    def reject(self, lead_id: UUID, reason: RejectReason) -> None:
        """It goes nowhere."""
        self._rejected[lead_id] = reason

    def note_same_person(self, lead_id: UUID, others: Sequence[UUID]) -> None:
        """Earlier leads with its phone or its e-mail, the newest first."""
        self._same_person[lead_id] = tuple(others)

    def verdict(self, arrival: Arrival) -> LeadStatus:
        if arrival.id in self._rejected:
            return LeadStatus.REJECTED
        return LeadStatus.DUPLICATE_REVIEW if arrival.id in self._held else LeadStatus.ROUTABLE

    @property
    def let_in(self) -> Sequence[Arrival]:
        return [arrival for arrival in self.arrivals if self.verdict(arrival) is LeadStatus.ROUTABLE]

    def why_rejected(self, arrival: Arrival) -> RejectReason | None:
        return self._rejected.get(arrival.id)

    def same_person(self, arrival: Arrival) -> tuple[UUID, ...]:
        return self._same_person.get(arrival.id, ())
