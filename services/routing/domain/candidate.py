"""An installer as a decision sees it: its profile at one version, what covers a place, what its windows hold."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self
from uuid import UUID

from contracts.values import AustralianState, InstallerStatus
from services.routing.domain.hours import Hours, Span
from services.routing.domain.states import AbsenceKind, AssignmentStatus, BreakerState, Channel
from services.routing.domain.versions import Away
from services.routing.domain.windows import Limits, Window


class TerritoryKind(StrEnum):
    """From the most to the least specific; the most specific match is the one that is told."""

    POSTCODE = "postcode"
    RANGE = "range"
    STATE = "state"


class Coverage(NamedTuple):
    """What of an installer's territory holds a place: `2204`, `2000-2234` or `NSW`."""

    kind: TerritoryKind
    matched: str


class Place(NamedTuple):
    """What of a location a territory can hold."""

    postcode: str
    state: AustralianState


@dataclass(frozen=True, slots=True)
class Candidate:
    """An installer as it stood when the decision was made. Without `hours` it is always open."""

    id: UUID
    name: str
    version: int
    email: str
    status: InstallerStatus
    services: frozenset[str]
    time_zone: str
    limits: Limits
    share_weight: int | None = None
    hours: Hours | None = None
    home_state: AustralianState | None = None
    keeps_public_holidays: bool = False
    absences: tuple[Away, ...] = ()
    channel: Channel = Channel.MAIL

    @classmethod
    def of_profile(cls, id_: UUID, version: int, profile: Mapping[str, Any]) -> Self:
        """From a row of installer_versions, which is written once."""
        limits = profile["limits"]
        hours = profile["hours"]
        return cls(
            id=id_,
            name=profile["name"],
            version=version,
            email=profile["email"],
            status=InstallerStatus(profile["status"]),
            services=frozenset(profile["services"]),
            time_zone=profile["time_zone"],
            limits=Limits(limits["day"], limits["week"], limits["month"]),
            share_weight=profile["share_weight"],
            hours=None if hours is None else tuple(Span(*span) for span in hours),
            home_state=AustralianState(state) if (state := profile["home_state"]) else None,
            keeps_public_holidays=profile["keeps_public_holidays"],
            absences=tuple(_away(absence) for absence in profile["absences"]),
            channel=Channel(profile["channel"]),
        )


def _away(absence: Mapping[str, Any]) -> Away:
    ends_at = absence["ends_at"]
    starts_at = datetime.fromisoformat(absence["starts_at"])
    return Away(starts_at, datetime.fromisoformat(ends_at) if ends_at else None, AbsenceKind(absence["kind"]))


@dataclass(slots=True)
class WindowCount:
    """What a window holds: `used` are delivered, `reserved` are on their way, `failed` could not be delivered."""

    window: Window
    used: int = 0
    reserved: int = 0
    failed: int = 0

    @property
    def taken(self) -> int:
        return self.used + self.reserved


class Turn(NamedTuple):
    """When an installer last got a lead; `place` orders those of one instant, as a batch has one."""

    at: datetime
    place: int


class DeliveryHealth(NamedTuple):
    """Of the channel by which the installer gets its leads. `pending` is told where the breaker is not closed."""

    breaker: BreakerState = BreakerState.CLOSED
    probe_at: datetime | None = None
    pending: int = 0


class History(NamedTuple):
    """What the installer has had of this very lead, and of the same person's other leads for the same service."""

    live: int = 0
    ended: int = 0
    returned: int = 0
    same_person: int = 0

    @classmethod
    def of(cls, assignments: Collection[AssignmentStatus], same_person: int = 0) -> Self:
        """From the states of its assignments of the lead."""
        live = sum(status.is_live for status in assignments)
        returned = sum(status is AssignmentStatus.RETURNED for status in assignments)
        return cls(live, len(assignments) - live - returned, returned, same_person)


NO_HISTORY = History()
