"""What the system itself knows of a delivery that is given back: ids, instants, codes and figures, nobody's name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.routing.domain.states import Channel, DeliveryStep, LinkKind


@dataclass(frozen=True, slots=True)
class Window:
    """Within how many business days of its delivery a lead is given back, and until when."""

    business_days: int
    ends_at: datetime
    is_past: bool


@dataclass(frozen=True, slots=True)
class Quota:
    """What of the installer's cycle was delivered and taken back, and how much of it may be."""

    cycle_starts_at: datetime
    delivered: int
    accepted: int
    allowed: int
    percent: int

    @property
    def is_used(self) -> bool:
        return self.accepted >= self.allowed

    @property
    def told(self) -> str:
        """As "3 of 7 are taken back already"."""
        return f"{self.accepted} of {self.allowed} are taken back already"


@dataclass(frozen=True, slots=True)
class Logged:
    """One try to deliver, as the delivery log has it. `enhanced_status` is of a mail that came back."""

    at: datetime
    channel: Channel
    what: DeliveryStep
    reason_code: str | None
    status: int | None
    enhanced_status: str | None = None

    @property
    def is_bounce(self) -> bool:
        """For good: the installer's server sent it back, and would again."""
        return self.what is DeliveryStep.BOUNCED and (self.enhanced_status or "").startswith("5")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A lead of the same person for the same service that the installer has had before."""

    lead_id: UUID
    assignment_id: UUID
    sent_at: datetime
    link: LinkKind


@dataclass(frozen=True, slots=True)
class Before:
    """An earlier return: of this lead by anybody, or of anything by this installer in its cycle.

    `rule_reason` is what its rule saw of it.
    """

    return_id: UUID
    code: str
    state: str
    requested_at: datetime
    rule_reason: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """`territory` and `service` are what its decision found when the lead was given; None where that was not kept.

    What failed and was given all the same was given by hand.
    """

    sent_at: datetime
    given_by_hand: bool
    territory: bool | None
    service: bool | None
    window: Window
    quota: Quota
    delivery: tuple[Logged, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    of_the_lead: tuple[Before, ...] = ()
    of_the_installer: tuple[Before, ...] = ()

    @property
    def has_bounced(self) -> bool:
        return any(each.is_bounce for each in self.delivery)


def told_verdict(
    candidates: list[dict[str, Any]], installer_id: UUID, rule: str, compared: str, stands: str
) -> bool | None:
    """What a kept decision says of one rule for one installer; None where it says nothing.

    Nor does it where the lead was corrected since: the rule `compared` something else than what `stands` now.
    """
    for candidate in candidates:
        if candidate["installer_id"] == str(installer_id):
            told = [v for v in candidate["verdicts"] if v["rule"] == rule and v["compared"].get(compared) == stands]
            return bool(told[0]["passed"]) if told else None
    return None
