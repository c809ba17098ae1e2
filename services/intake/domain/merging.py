"""Making two leads one, and two again: which goes on, what it takes from the other, what becomes of the money."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.intake.domain.corrections import Correctable
from services.intake.domain.leads import LeadStatus

CHOOSABLE = (Correctable.NAME, Correctable.EMAIL, Correctable.PHONE, Correctable.STREET, Correctable.PLACE)
"""What the survivor may take from the loser; path, service and source are its own."""


class MergeReason(StrEnum):
    """Why two leads are one."""

    ASKED_TWICE = "asked_twice"
    SENT_TWICE = "sent_twice"
    SAME_HOUSEHOLD = "same_household"
    OTHER = "other"


class UnmergeReason(StrEnum):
    """Why they were not."""

    TWO_PEOPLE = "two_people"
    TWO_REQUESTS = "two_requests"
    OPERATOR_ERROR = "operator_error"
    OTHER = "other"


class PairObstacle(StrEnum):
    """What is in the way of making these two one, as a sentence goes on after what they are."""

    SAME_LEAD = "a lead is not merged with itself"
    SURVIVOR_IS_OVER = "the one that would go on is closed, and the other is not: merge them the other way round"


def obstacle_to_pair(survivor: tuple[UUID, LeadStatus], loser: tuple[UUID, LeadStatus]) -> PairObstacle | None:
    """Of two leads that each could be merged."""
    if survivor[0] == loser[0]:
        return PairObstacle.SAME_LEAD
    if survivor[1].is_final and not loser[1].is_final:
        return PairObstacle.SURVIVOR_IS_OVER
    return None


class UnmergeObstacle(StrEnum):
    ERASED = "their person was erased"
    SURVIVOR_MERGED = "the lead it went into was merged into another since: take that apart first"
    LATER_MERGE = "another lead was merged into the same one since: take that apart first"


def taken_fields(
    survivor: Mapping[str, str], loser: Mapping[str, str], take: Collection[Correctable]
) -> dict[str, tuple[str, str]]:
    """Of what is taken from the loser that which is other, by the lead's field: what it was, and what it becomes."""
    parts = (part for field in CHOOSABLE if field in take for part in field.parts)
    return {part: (survivor[part], loser[part]) for part in parts if survivor[part] != loser[part]}


@dataclass(frozen=True, slots=True)
class Undone:
    """`restored` are the survivor's fields as they were before the merge; `kept` was corrected since."""

    restored: Mapping[str, str]
    kept: tuple[Correctable, ...]


def undone(changed: Mapping[str, tuple[str, str]], corrected_since: Iterable[str]) -> Undone:
    """`changed` is what the merge changed; what belongs together is put back together, or stays."""
    since = set(corrected_since)
    fields = [field for field in CHOOSABLE if any(part in changed for part in field.parts)]
    kept = tuple(field for field in fields if field in since)
    restored = {
        part: changed[part][0] for field in fields if field not in kept for part in field.parts if part in changed
    }
    return Undone(restored, kept)


class CreditObstacle(StrEnum):
    """Why the delivery to an installer is not credited now."""

    NOT_CHARGED = "nothing is charged for it"
    CREDITED = "it was credited"
    VOID = "it is off the books"
    HELD = "it has no price yet, and is not charged"
    ASKED = "a credit was asked for already"


_BY_FINANCE = {
    None: CreditObstacle.NOT_CHARGED,
    "credited": CreditObstacle.CREDITED,
    "void": CreditObstacle.VOID,
    "held": CreditObstacle.HELD,
}


def obstacle_to_credit(finance: str | None, *, is_asked: bool) -> CreditObstacle | None:
    """`finance` is billing's state of the delivery. What is charged can be asked for once."""
    if is_asked and finance == "billable":
        return CreditObstacle.ASKED
    return _BY_FINANCE.get(finance)


ASKED_AGAIN = frozenset({"refused", "not_charged", "declined"})
"""Answers after which a delivery's credit may be asked for once more."""
