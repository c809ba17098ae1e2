"""Candidates for the rules, without a database."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from chassis.ids import new_id
from contracts.values import AustralianState, InstallerStatus, Location
from services.routing.domain.decision import Decision, Request, decide
from services.routing.domain.eligibility import Candidate, Coverage, Standing, TerritoryKind, Turn, WindowCount
from services.routing.domain.windows import Limits, days_in_month, windows_at

NOW = datetime(2026, 3, 3, 2, 15, 4, tzinfo=UTC)
SERVICE = "solar-battery"
HERE = Location(suburb="Marrickville", state=AustralianState.NSW, postcode="2204")
INSTANTS = st.integers(1_100_000_000, 2_100_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
"""From 2004 to 2036, over every turn of the clocks in between."""
COVERED = Coverage(TerritoryKind.STATE, "NSW")


def candidate(limits: Limits | None = None, **changes: Any) -> Candidate:
    given: dict[str, Any] = {
        "id": new_id(),
        "name": "Southern Sun Solar",
        "version": 1,
        "email": "leads@southernsun.example",
        "status": InstallerStatus.ACTIVE,
        "services": frozenset({SERVICE}),
        "time_zone": "Australia/Sydney",
        "limits": limits or Limits(),
        **changes,
    }
    return Candidate(**given)


def standing(
    limits: Limits | None = None, *, taken: int = 0, last_turn: Turn | None = None, **changes: Any
) -> Standing:
    """A candidate that has `taken` leads in each of its windows of now."""
    who = candidate(limits, **changes)
    zone = ZoneInfo(who.time_zone)
    counts = {kind: WindowCount(window, used=taken) for kind, window in windows_at(NOW, zone).items()}
    return Standing(who, counts, who.limits.cycle_capacity(days_in_month(NOW, zone)), last_turn)


def request(wanted_count: int = 1, lead_id: UUID | None = None, **changes: Any) -> Request:
    return Request(lead_id or new_id(), SERVICE, HERE, wanted_count, **changes)


def decided(wanted: Request, *candidates: Standing) -> Decision:
    return decide(wanted, [(each, COVERED) for each in sorted(candidates, key=lambda s: s.candidate.id)])
