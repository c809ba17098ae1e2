"""Pure rules of who may come in: passwords, second factors, sessions, attempts, and which key signs when."""

import ipaddress
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MIN_PASSWORD_LENGTH = 12
MAX_PASSWORD_LENGTH = 128
MIN_DISTINCT_CHARACTERS = 5

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]+\.[^@\s\x00-\x1f\x7f.]+")


class OperatorStatus(StrEnum):
    """`invited` until password and second factor are set; derived, never stored."""

    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"

    @property
    def may_sign_in(self) -> bool:
        return self is OperatorStatus.ACTIVE


class SessionEnd(StrEnum):
    """Why a session was revoked before its time."""

    SIGNED_OUT = "signed_out"
    REVOKED_BY_ADMIN = "revoked_by_admin"
    OPERATOR_DISABLED = "operator_disabled"
    ROLE_CHANGED = "role_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # a reason, not a password
    SECOND_FACTOR_CHANGED = "second_factor_changed"
    TOKEN_REUSED = "token_reused"  # noqa: S105


class AttemptKind(StrEnum):
    """What is counted: guesses at one account, or from one address."""

    ACCOUNT = "account"
    ADDRESS = "address"


def normalised_email(text: str) -> str:
    """The form under which an operator is known: NFKC, no surrounding space, no capitals."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def is_email(text: str) -> bool:
    return len(text) <= 254 and text.isascii() and _EMAIL.fullmatch(text) is not None


def normalised_password(text: str) -> str:
    """NFKC, so that one keyboard's é is another's."""
    return unicodedata.normalize("NFKC", text)


def password_faults(password: str, *, email: str, name: str) -> list[str]:
    """Codes of what is wrong with a new password; length counts, composition does not (NIST SP 800-63B)."""
    folded = password.casefold()
    faults = []
    if len(password) < MIN_PASSWORD_LENGTH:
        faults.append("too_short")
    if len(password) > MAX_PASSWORD_LENGTH:
        faults.append("too_long")
    if len(set(folded)) < MIN_DISTINCT_CHARACTERS:
        faults.append("too_uniform")
    if any(word and word.casefold() in folded for word in (email, name)):
        faults.append("contains_name")
    return faults


def is_fresh_step(step: int | None, last_step: int | None) -> bool:
    """Whether a matched one-time code was never accepted before: steps are only ever accepted in ascending order."""
    return step is not None and (last_step is None or step > last_step)


def address_bucket(address: str) -> str:
    """What counts as one address: IPv4 as it is, IPv6 by its /64, which one subscriber has whole."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """So many failures within one window; the next is refused until the window ends."""

    attempts: int
    window_seconds: int

    def retry_after(self, started_at: datetime, at: datetime) -> int:
        """Whole seconds until the window ends, at least one."""
        return max(1, -int((at - self.ends_at(started_at)).total_seconds() // 1))

    def ends_at(self, started_at: datetime) -> datetime:
        return started_at + timedelta(seconds=self.window_seconds)


@dataclass(frozen=True, slots=True)
class KeyTerm:
    """A signing key's place in time. It signs from `signs_from` until the next key does."""

    kid: str
    signs_from: datetime
    withdrawn_at: datetime | None = None


def signing_kid(terms: Sequence[KeyTerm], at: datetime) -> str | None:
    """The key that signs at an instant: of those whose time has come, the one that came last."""
    able = [term for term in terms if term.withdrawn_at is None and term.signs_from <= at]
    return max(able, key=lambda term: (term.signs_from, term.kid)).kid if able else None


def upcoming_kid(terms: Sequence[KeyTerm], at: datetime) -> str | None:
    """The key that is published and does not sign yet."""
    return next((term.kid for term in terms if term.withdrawn_at is None and term.signs_from > at), None)


def published_kids(terms: Sequence[KeyTerm], at: datetime, token_life: timedelta) -> list[str]:
    """The keys that a verifier needs: the next, the signing one, and retired ones whose last token may still live."""
    able = sorted((term for term in terms if term.withdrawn_at is None), key=lambda term: (term.signs_from, term.kid))
    ends: list[datetime | None] = [*(term.signs_from for term in able[1:]), None]
    return [term.kid for term, end in zip(able, ends, strict=False) if end is None or at < end + token_life]


class AccessDeed(StrEnum):
    """What one operator can do to another's access."""

    CHANGE_ROLE = "change_role"
    DISABLE = "disable"
    ENABLE = "enable"
    RESET_SECOND_FACTOR = "reset_second_factor"
    REVOKE_SESSIONS = "revoke_sessions"


class AccessObstacle(StrEnum):
    """What is in the way, as a sentence goes on after the deed's name."""

    OWN_ACCOUNT = "nobody does this to their own account"
    LAST_SUPER_ADMIN = "make another super admin first"
    DISABLED = "enable the operator first"
    DISABLED_ALREADY = "the operator is disabled"
    ENABLED_ALREADY = "the operator is not disabled"


_NOT_TO_ONESELF = {AccessDeed.DISABLE, AccessDeed.RESET_SECOND_FACTOR}
_TAKES_ACCESS = {AccessDeed.DISABLE, AccessDeed.RESET_SECOND_FACTOR, AccessDeed.CHANGE_ROLE}


def obstacle_to_access(
    deed: AccessDeed, status: OperatorStatus, *, is_own: bool, is_last_super_admin: bool
) -> AccessObstacle | None:
    """The first thing in the way; of a change of role, only to a lesser one. None where it can be done."""
    if is_own and deed in _NOT_TO_ONESELF:
        return AccessObstacle.OWN_ACCOUNT
    if deed is AccessDeed.ENABLE:
        return None if status is OperatorStatus.DISABLED else AccessObstacle.ENABLED_ALREADY
    if status is OperatorStatus.DISABLED and deed is AccessDeed.DISABLE:
        return AccessObstacle.DISABLED_ALREADY
    if status is OperatorStatus.DISABLED and deed is AccessDeed.RESET_SECOND_FACTOR:
        return AccessObstacle.DISABLED
    return AccessObstacle.LAST_SUPER_ADMIN if is_last_super_admin and deed in _TAKES_ACCESS else None
