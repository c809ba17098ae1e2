"""The rules of intake: what a lead may say, what it may become, and who may hand it in."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from contracts.forms import Fault
from contracts.values import AustralianState, SelectedPath

# --- what a lead becomes ---------------------------------------------------------------------------------------------


class LeadStatus(StrEnum):
    RECEIVED = "received"
    DUPLICATE_REVIEW = "duplicate_review"
    REJECTED = "rejected"
    ROUTABLE = "routable"
    DISPATCHING = "dispatching"
    DELIVERED = "delivered"
    EXCEPTION = "exception"
    CLOSED = "closed"

    @property
    def is_final(self) -> bool:
        return self in (LeadStatus.REJECTED, LeadStatus.CLOSED)

    def can_become(self, other: "LeadStatus") -> bool:
        return other in TRANSITIONS[self]


TRANSITIONS: dict[LeadStatus, frozenset[LeadStatus]] = {
    LeadStatus.RECEIVED: frozenset({LeadStatus.ROUTABLE, LeadStatus.DUPLICATE_REVIEW, LeadStatus.REJECTED}),
    LeadStatus.DUPLICATE_REVIEW: frozenset({LeadStatus.ROUTABLE, LeadStatus.REJECTED, LeadStatus.CLOSED}),
    # With dispatch by hand the exception comes without a decision; and where an operator discarded the event of a
    # decision, the delivery that followed from it is true all the same.
    LeadStatus.ROUTABLE: frozenset(
        {LeadStatus.DISPATCHING, LeadStatus.DELIVERED, LeadStatus.EXCEPTION, LeadStatus.CLOSED}
    ),
    LeadStatus.DISPATCHING: frozenset({LeadStatus.DELIVERED, LeadStatus.EXCEPTION, LeadStatus.CLOSED}),
    LeadStatus.EXCEPTION: frozenset({LeadStatus.DISPATCHING, LeadStatus.DELIVERED, LeadStatus.CLOSED}),
    # A shared lead whose second installer could not be reached is delivered: the exception queue has the rest.
    LeadStatus.DELIVERED: frozenset({LeadStatus.CLOSED}),
    LeadStatus.REJECTED: frozenset(),
    LeadStatus.CLOSED: frozenset(),
}


def followed(status: LeadStatus, target: LeadStatus | None) -> LeadStatus:
    """What a lead is after routing said `target`: where it cannot become that, or nothing was said, what it was."""
    return target if target is not None and status.can_become(target) else status


RESOLUTIONS_THAT_GO_ON = frozenset({"assigned", "retried"})


def resolved_to(resolution: str) -> LeadStatus | None:
    """What a lead becomes when its exception is resolved, by routing's word for how.

    An item that was only taken off the queue leaves the lead where it is: it goes on, or is closed, by a step of its
    own.
    """
    return LeadStatus.DISPATCHING if resolution in RESOLUTIONS_THAT_GO_ON else None


class LeadOutcome(StrEnum):
    """What a lead came to, as its source is told."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    CLOSED = "closed"


def outcome_of(status: LeadStatus, delivered_at: datetime | None) -> LeadOutcome | None:
    """None while nothing is decided. What was delivered stays so, though it be closed afterwards."""
    if delivered_at is not None:
        return LeadOutcome.DELIVERED
    return LeadOutcome(status) if status.is_final else None


STAGE_LIMITS: dict[LeadStatus, timedelta] = {
    LeadStatus.RECEIVED: timedelta(minutes=15),
    LeadStatus.ROUTABLE: timedelta(minutes=15),
    LeadStatus.DISPATCHING: timedelta(hours=1),
    LeadStatus.DUPLICATE_REVIEW: timedelta(hours=4),
    LeadStatus.EXCEPTION: timedelta(hours=1),
}
"""How long a lead may be what it is; where no limit stands, it waits for nothing."""


def is_late(status: LeadStatus, since: datetime, now: datetime) -> bool:
    limit = STAGE_LIMITS.get(status)
    return limit is not None and now - since > limit


class CloseReason(StrEnum):
    """Why an operator ends a lead's way."""

    INVALID_LEAD = "invalid_lead"
    DUPLICATE = "duplicate"
    WITHDRAWN = "withdrawn"
    UNPLACEABLE = "unplaceable"
    TEST_LEAD = "test_lead"
    OPERATOR_ERROR = "operator_error"
    OTHER = "other"


class BoardStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


# --- what an operator may do: one rule for the command, the JSON and the page ----------------------------------------


class LeadAction(StrEnum):
    CLOSE = "close"


class BoardAction(StrEnum):
    CLOSE = "close"


class SourceAction(StrEnum):
    ROTATE_KEY = "rotate-key"
    REVOKE = "revoke"


class Obstacle(StrEnum):
    """What is in the way, as a sentence goes on after the action's name."""

    TAKEN_IN = "it is only being taken in"
    REJECTED = "it was rejected when it came in"
    CLOSED = "it is closed"
    REVOKED = "it was revoked"


_NOT_CLOSABLE = {
    LeadStatus.RECEIVED: Obstacle.TAKEN_IN,
    LeadStatus.REJECTED: Obstacle.REJECTED,
    LeadStatus.CLOSED: Obstacle.CLOSED,
}


def obstacle_to_lead(_action: LeadAction, status: LeadStatus) -> Obstacle | None:
    return None if status.can_become(LeadStatus.CLOSED) else _NOT_CLOSABLE[status]


def obstacle_to_board(_action: BoardAction, status: BoardStatus) -> Obstacle | None:
    return Obstacle.CLOSED if status is BoardStatus.CLOSED else None


def obstacle_to_source(_action: SourceAction, *, is_revoked: bool) -> Obstacle | None:
    """A revoked source gets no new key, and is revoked once."""
    return Obstacle.REVOKED if is_revoked else None


# --- what a lead says ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LeadContent:
    """A submission in its normal form. `phone` is E.164, `email` has a lower-case domain, white space is single."""

    selected_path: SelectedPath
    service: str
    name: str
    email: str
    phone: str
    street: str
    suburb: str
    state: AustralianState
    postcode: str
    consent_text: str
    consent_url: str


def fingerprint(content: LeadContent) -> bytes:
    """SHA-256 of the normal form: the same for two submissions that say the same.

    Kept for ever: whoever changes the normal form computes those of the kept leads anew, from their columns.
    """
    said = [getattr(content, name) for name in LeadContent.__slots__]
    return sha256(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()).digest()


CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def one_line(given: str) -> str:
    """Trimmed, with single spaces; everything else, mark-up too, is text and stays as it is."""
    line = " ".join(given.split())
    if CONTROL.search(line):
        raise Fault("string_control_character", "must not hold control characters")
    if not line:
        raise Fault("blank", "must not be blank")
    return line


def email_match(address: str) -> str:
    """The form under which two addresses are the same mailbox: lower case, without a plus-tag."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


WEB_ADDRESS = re.compile(r"https?://[^\s/?#@]+(?:[/?#]\S*)?", re.IGNORECASE)


def web_address(given: str) -> str:
    address = given.strip()
    if not WEB_ADDRESS.fullmatch(address):
        raise Fault("url_invalid", "must be an http or https address")
    return address


_BETWEEN_DIGITS = re.compile(r"[ ().\-/]")
_PART_OF_PHONE = re.compile(r"(?:\+61|0)?([0-9]{5,})|(\+[0-9]{5,})")


def part_of_phone(typed: str) -> str:
    """What somebody typed of a telephone number, as it stands in one that is kept: "0412 345" is `412345`.

    Empty for what is none, or too little of one to tell it from a postcode.
    """
    found = _PART_OF_PHONE.fullmatch(_BETWEEN_DIGITS.sub("", typed))
    return (found[1] or found[2]) if found else ""


SUBMISSION_KEY = r"^[\x21-\x7e]{1,200}$"
"""Visible ASCII: what fits a header as it fits a body."""


# --- postcodes -------------------------------------------------------------------------------------------------------

_S = AustralianState
# Australia Post's allocation. Both ends belong to the range; boxes and large volume receivers have ranges of their own.
POSTCODE_RANGES: tuple[tuple[int, int, AustralianState], ...] = (
    (200, 299, _S.ACT),  # boxes and large volume receivers
    (800, 899, _S.NT),
    (900, 999, _S.NT),  # boxes and large volume receivers
    (1000, 1999, _S.NSW),  # boxes and large volume receivers
    (2000, 2599, _S.NSW),
    (2600, 2618, _S.ACT),
    (2619, 2899, _S.NSW),
    (2900, 2920, _S.ACT),
    (2921, 2999, _S.NSW),
    (3000, 3999, _S.VIC),
    (4000, 4999, _S.QLD),
    (5000, 5799, _S.SA),
    (5800, 5999, _S.SA),  # boxes and large volume receivers
    (6000, 6797, _S.WA),
    (6798, 6799, _S.WA),  # Christmas Island and the Cocos Islands, addressed as Western Australia
    (6800, 6999, _S.WA),  # boxes and large volume receivers
    (7000, 7799, _S.TAS),
    (7800, 7999, _S.TAS),  # boxes and large volume receivers
    (8000, 8999, _S.VIC),  # boxes and large volume receivers
    (9000, 9999, _S.QLD),  # boxes and large volume receivers
)

# Towns served from over the border: the states that a postcode also reaches into.
POSTCODES_OVER_THE_BORDER: dict[str, frozenset[AustralianState]] = {
    "0872": frozenset({_S.SA, _S.WA}),
    "2406": frozenset({_S.QLD}),
    "2540": frozenset({_S.ACT}),
    "2611": frozenset({_S.NSW}),
    "2618": frozenset({_S.NSW}),
    "2620": frozenset({_S.ACT}),
    "3500": frozenset({_S.NSW}),
    "3585": frozenset({_S.NSW}),
    "3586": frozenset({_S.NSW}),
    "3644": frozenset({_S.NSW}),
    "3691": frozenset({_S.NSW}),
    "3707": frozenset({_S.NSW}),
    "4377": frozenset({_S.NSW}),
    "4380": frozenset({_S.NSW}),
    "4383": frozenset({_S.NSW}),
    "4385": frozenset({_S.NSW}),
    "4825": frozenset({_S.NT}),
}


def states_of(postcode: str) -> frozenset[AustralianState]:
    """The states that a postcode of four digits reaches into; none for one that is not allocated."""
    number = int(postcode)
    home = frozenset(state for first, last, state in POSTCODE_RANGES if first <= number <= last)
    return home | POSTCODES_OVER_THE_BORDER.get(postcode, frozenset())


def check_postcode(postcode: str, state: AustralianState) -> None:
    states = states_of(postcode)
    if not states:
        raise Fault("postcode_unknown", "is no Australian postcode")
    if state not in states:
        raise Fault("postcode_state_mismatch", f"is a postcode of {_either(states)}, not of {state}")


def _either(states: Iterable[AustralianState]) -> str:
    return " or ".join(sorted(states))


# --- the keys of lead sources ----------------------------------------------------------------------------------------

API_KEY = re.compile(r"wbk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")


class PresentedKey(NamedTuple):
    """What a bearer shows: the public half finds the row, the hash of the whole proves it."""

    prefix: str
    digest: bytes


def presented_key(bearer: str) -> PresentedKey | None:
    found = API_KEY.fullmatch(bearer)
    return PresentedKey(found[1], sha256(bearer.encode()).digest()) if found else None
