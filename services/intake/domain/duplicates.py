"""Which leads may be one: by what two are compared, what that weighs, and what follows from it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

MOST = 100
KEPT_FROM = 30
"""A pair that scores less is forgotten: a name alone, or an address alone, is nobody's."""
FARTHEST_DAYS = 365
NEWEST_OF_A_KEY = 50


class MatchKind(StrEnum):
    """By what leads are brought together that may be one."""

    PHONE = "phone"
    EMAIL = "email"
    ADDRESS = "address"
    NAME = "name"

    @property
    def number(self) -> int:
        """As it is kept: there are four rows for each lead."""
        return list(MatchKind).index(self) + 1


class PairReason(StrEnum):
    """Why two leads may be one, and what speaks against it."""

    SAME_PHONE = "same_phone"
    SAME_EMAIL = "same_email"
    SAME_ADDRESS = "same_address"
    NEAR_ADDRESS = "near_address"
    SAME_NAME = "same_name"
    NEAR_NAME = "near_name"
    OTHER_NAME = "other_name"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What two leads have in common. Similarities are of 100, None where either has nothing to compare."""

    same_phone: bool = False
    same_email: bool = False
    same_address: bool = False
    name: float | None = None
    street: float | None = None
    """Within one postcode; None elsewhere."""


def all_told(looks: Iterable[Evidence]) -> Evidence:
    """Of two leads of which either says more than one thing: what any of it has in common with any of the other's."""
    found = list(looks)
    return Evidence(
        same_phone=any(each.same_phone for each in found),
        same_email=any(each.same_email for each in found),
        same_address=any(each.same_address for each in found),
        name=max((each.name for each in found if each.name is not None), default=None),
        street=max((each.street for each in found if each.street is not None), default=None),
    )


@dataclass(frozen=True, slots=True)
class Score:
    number: int
    reasons: tuple[PairReason, ...]


WEIGHTS = {
    PairReason.SAME_PHONE: 60,
    PairReason.SAME_EMAIL: 50,
    PairReason.SAME_ADDRESS: 25,
    PairReason.NEAR_ADDRESS: 20,
    PairReason.SAME_NAME: 25,
    PairReason.NEAR_NAME: 10,
    PairReason.OTHER_NAME: -15,
}
"""Tuned once, on the made set of benchmarks/programs/duplicate_search.py."""

SAME_NAME_FROM, NEAR_NAME_FROM, OTHER_NAME_BELOW = 90.0, 75.0, 50.0
NEAR_STREET_FROM = 80.0


def score(evidence: Evidence) -> Score:
    """Symmetric: it is of two, whichever came first. What is empty on either side matches nothing."""
    reasons = tuple(_reasons(evidence))
    return Score(max(0, min(MOST, sum(WEIGHTS[reason] for reason in reasons))), reasons)


def _reasons(evidence: Evidence) -> Iterable[PairReason]:
    if evidence.same_phone:
        yield PairReason.SAME_PHONE
    if evidence.same_email:
        yield PairReason.SAME_EMAIL
    if evidence.same_address:
        yield PairReason.SAME_ADDRESS
    elif evidence.street is not None and evidence.street >= NEAR_STREET_FROM:
        yield PairReason.NEAR_ADDRESS
    if evidence.name is not None:
        yield from _of_name(evidence.name)


def _of_name(likeness: float) -> Iterable[PairReason]:
    if likeness >= SAME_NAME_FROM:
        yield PairReason.SAME_NAME
    elif likeness >= NEAR_NAME_FROM:
        yield PairReason.NEAR_NAME
    elif likeness < OTHER_NAME_BELOW:
        yield PairReason.OTHER_NAME


class Scope(StrEnum):
    """Whether one person's leads for two services can be one."""

    ANY = "any"
    SAME_SERVICE = "same_service"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which score on a lead is held, or shown for review while it goes on, or rejected by itself."""

    is_on: bool
    hold_from: int
    review_from: int
    reject_from: int | None
    look_back_days: int
    scope: Scope

    def counts(self, pair: "Compared") -> bool:
        """Whether the pair is looked at at all. Queries say the same in SQL: `queries/duplicates.py`."""
        is_in_scope = self.scope is Scope.ANY or pair.is_same_service
        return self.is_on and is_in_scope and pair.days_apart < self.look_back_days


@dataclass(frozen=True, slots=True)
class Compared:
    """Two leads that were compared, as far as the thresholds ask."""

    score: int
    days_apart: int
    is_same_service: bool


class Verdict(StrEnum):
    LET_IN = "let_in"
    HOLD = "hold"
    REJECT = "reject"


def verdict(pairs: Iterable[Compared], thresholds: Thresholds) -> Verdict:
    """Of one lead, by its pairs with those that were there before it."""
    highest = max((pair.score for pair in pairs if thresholds.counts(pair)), default=0)
    if thresholds.reject_from is not None and highest >= thresholds.reject_from:
        return Verdict.REJECT
    return Verdict.HOLD if highest >= thresholds.hold_from else Verdict.LET_IN


def faults_of(given: Thresholds) -> list[tuple[str, str]]:
    """What is in the way of these thresholds, by field."""
    faults = []
    if not KEPT_FROM <= given.review_from <= MOST:
        faults.append(("review_from", f"A score from {KEPT_FROM} to {MOST}: what scores less is not kept"))
    if not given.review_from <= given.hold_from <= MOST:
        faults.append(("hold_from", f"Not below where review begins, and {MOST} at most"))
    if given.reject_from is not None and not given.hold_from <= given.reject_from <= MOST:
        faults.append(("reject_from", f"Not below where holding begins, and {MOST} at most"))
    if not 1 <= given.look_back_days <= FARTHEST_DAYS:
        faults.append(("look_back_days", f"From 1 to {FARTHEST_DAYS} days"))
    return faults


class PairState(StrEnum):
    OPEN = "open"
    MERGED = "merged"
    DISMISSED = "dismissed"


class RejectReason(StrEnum):
    """Why a lead that was held goes nowhere."""

    DUPLICATE = "duplicate"
    INVALID_LEAD = "invalid_lead"
    TEST_LEAD = "test_lead"
    OTHER = "other"


class DismissReason(StrEnum):
    """Why two leads are not one."""

    TWO_PEOPLE = "two_people"
    TWO_REQUESTS = "two_requests"
    OTHER = "other"


# --- the keys by which candidates are found --------------------------------------------------------------------------

_VOWELS = re.compile("[aeiou]")


def match_keys(
    *, phone: str, email_match: str, plain_name: str, plain_street: str, postcode: str
) -> dict[MatchKind, bytes]:
    """A hash each, so that the index names nobody; what is empty has none."""
    said = {
        MatchKind.PHONE: phone,
        MatchKind.EMAIL: email_match,
        MatchKind.ADDRESS: f"{plain_street}|{postcode}" if plain_street and postcode else "",
        MatchKind.NAME: _name_key(plain_name, postcode),
    }
    return {kind: _hashed(value) for kind, value in said.items() if value}


def _name_key(plain_name: str, postcode: str) -> str:
    """The initial, the surname without its vowels and doubled letters, the postcode: what typing seldom changes."""
    words = plain_name.split()
    surname = words[-1] if words else ""
    consonants = re.sub(r"(.)\1+", r"\1", _VOWELS.sub("", surname))
    return f"{words[0][0]}|{consonants}|{postcode}" if consonants and postcode and not consonants.isdigit() else ""


def _hashed(value: str) -> bytes:
    return sha256(value.encode()).digest()[:16]
