"""An installer's profile: all of it that a decision reads, so that a decision can be made again as it was."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from contracts.values import AustralianState, InstallerStatus
from services.routing.domain.profile import Territory, told_territory
from services.routing.domain.states import AbsenceKind, Channel
from services.routing.domain.windows import Limits


@dataclass(frozen=True, slots=True, order=True)
class Away:
    """From `starts_at` until just before `ends_at`, None is without end; what was cut short ends there."""

    starts_at: datetime
    ends_at: datetime | None
    kind: AbsenceKind


@dataclass(frozen=True, slots=True)
class Profile:
    """`hours`, `share_weight` and what is None of them as models/installers.py has it."""

    name: str
    email: str
    status: InstallerStatus
    services: tuple[str, ...]
    time_zone: str
    limits: Limits
    share_weight: int | None
    hours: list[list[int]] | None
    home_state: AustralianState | None
    keeps_public_holidays: bool
    absences: tuple[Away, ...]
    channel: Channel
    territory: Territory

    def told(self) -> dict[str, Any]:
        """As JSON that reads the same in ten years."""
        return {
            "name": self.name,
            "email": self.email,
            "status": self.status,
            "services": list(self.services),
            "time_zone": self.time_zone,
            "limits": asdict(self.limits),
            "share_weight": self.share_weight,
            "hours": self.hours,
            "home_state": self.home_state,
            "keeps_public_holidays": self.keeps_public_holidays,
            "absences": [_told(absence) for absence in self.absences],
            "channel": self.channel,
            "territory": told_territory(self.territory),
        }


def _told(absence: Away) -> dict[str, Any]:
    return {
        "kind": absence.kind,
        "starts_at": absence.starts_at.isoformat(),
        "ends_at": None if absence.ends_at is None else absence.ends_at.isoformat(),
    }
