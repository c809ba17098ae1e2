"""What of a lead can be corrected, and what follows from it for those who have it, for dispatch and for finance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from contracts.values import CreditReason


class Correctable(StrEnum):
    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    STREET = "street"
    PLACE = "place"
    SERVICE = "service"

    @property
    def parts(self) -> tuple[str, ...]:
        """The lead's fields that are corrected together."""
        return ("suburb", "state", "postcode") if self is Correctable.PLACE else (self.value,)

    @property
    def is_contact(self) -> bool:
        return self not in (Correctable.PLACE, Correctable.SERVICE)


class CorrectionReason(StrEnum):
    TYPED_WRONG = "typed_wrong"
    PERSON_TOLD = "person_told"
    SOURCE_TOLD = "source_told"
    OTHER = "other"


CREDITED_FOR = {
    Correctable.PLACE: CreditReason.POSTCODE_MISMATCH,
    Correctable.PHONE: CreditReason.INVALID_CONTACT,
    Correctable.EMAIL: CreditReason.INVALID_CONTACT,
}
"""Of what was wrong, that for which a charged delivery may be credited; a wrong place before a wrong contact."""


def credited_for(fields: Sequence[Correctable]) -> CreditReason | None:
    return next((CREDITED_FOR[field] for field in CREDITED_FOR if field in fields), None)


def changes_between(before: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Of what is given, what is other than it was."""
    return {name: value for name, value in given.items() if before[name] != value}


def corrected_by(changes: Mapping[str, str]) -> tuple[Correctable, ...]:
    """In the order in which they are told."""
    return tuple(field for field in Correctable if any(part in changes for part in field.parts))


@dataclass(frozen=True, slots=True)
class Given:
    """An assignment as far as a correction concerns it. `has_it`: it was sent, or is about to be."""

    assignment_id: UUID
    installer: str
    has_it: bool
    is_charged: bool


@dataclass(frozen=True, slots=True)
class Effects:
    """`told` are installers by name; `creditable` the charged ones, with the reason for which each may be credited."""

    told: tuple[str, ...]
    changes_dispatch: bool
    creditable: tuple[tuple[Given, CreditReason], ...]


def effects_of(fields: Sequence[Correctable], assignments: Sequence[Given]) -> Effects:
    """Who has the lead is told; where nobody has it, dispatch looks for another place or service."""
    told = tuple(each.installer for each in assignments if each.has_it)
    reason = credited_for(fields)
    charged = [each for each in assignments if each.is_charged] if reason else []
    return Effects(
        told=told,
        changes_dispatch=not told and any(not field.is_contact for field in fields),
        creditable=tuple((each, reason) for each in charged if reason),
    )
