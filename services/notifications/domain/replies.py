"""What a mail server's answer means: for the message, for the sender account, for the person."""

import re
from dataclasses import dataclass
from enum import StrEnum

_ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")
_NO_SUCH_MAILBOX = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
_NEEDS_AUTHENTICATION = frozenset({530, 534, 535, 538})


class Phase(StrEnum):
    """How far the exchange had come when it ended. From `content` on, the server may have taken the mail over."""

    CONNECT = "connect"
    AUTHENTICATE = "authenticate"
    SENDER = "sender"
    RECIPIENT = "recipient"
    CONTENT = "content"


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    """For good, because of this recipient or this content."""
    DEFERRED = "deferred"
    """Not now, because of this recipient."""
    THROTTLED = "throttled"
    """Not now, because this account sends too much."""
    UNREACHABLE = "unreachable"
    """The server could not be talked to; nothing was handed over."""
    SENDER_REFUSED = "sender_refused"
    """The server does not want mail from this account's address."""
    NOT_AUTHENTICATED = "not_authenticated"
    OUTCOME_UNKNOWN = "outcome_unknown"
    """The connection broke when the mail may have been handed over already."""
    NOT_RENDERED = "not_rendered"
    """Our own fault: the message could not be made by this release of ours."""

    @property
    def spends_a_try(self) -> bool:
        """What is the account's alone costs the message nothing."""
        return self is not Verdict.NOT_AUTHENTICATED

    @property
    def counts_as_send(self) -> bool:
        """What the provider counts against the daily cap; an unknown outcome counts, to be on the safe side."""
        return self in (Verdict.ACCEPTED, Verdict.REFUSED, Verdict.OUTCOME_UNKNOWN)

    @property
    def is_delivery_fault(self) -> bool:
        return self in (Verdict.UNREACHABLE, Verdict.SENDER_REFUSED, Verdict.OUTCOME_UNKNOWN)


class SuppressionSource(StrEnum):
    """Who put an address on the suppression list: a server's answer, or an operator, whose word weighs more."""

    SMTP = "smtp"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Reply:
    """The end of an exchange. `code` is None where no answer came; `text` is the server's, and may hold an address."""

    phase: Phase
    code: int | None = None
    text: str = ""

    @property
    def enhanced_status(self) -> str | None:
        """RFC 3463's `class.subject.detail`, where the server gives it."""
        found = _ENHANCED.match(self.text)
        return found.group(1) if found else None

    @property
    def is_positive(self) -> bool:
        return self.code is not None and self.code < 300

    @property
    def is_permanent(self) -> bool:
        return self.code is not None and self.code >= 500


def judge(reply: Reply) -> Verdict:
    if reply.is_positive:
        return Verdict.ACCEPTED
    if reply.code is None:
        return Verdict.OUTCOME_UNKNOWN if reply.phase is Phase.CONTENT else Verdict.UNREACHABLE
    if reply.code in _NEEDS_AUTHENTICATION or (reply.phase is Phase.AUTHENTICATE and reply.is_permanent):
        return Verdict.NOT_AUTHENTICATED
    return _permanent(reply) if reply.is_permanent else _passing(reply)


def _permanent(reply: Reply) -> Verdict:
    match reply.phase:
        case Phase.CONNECT:
            return Verdict.UNREACHABLE
        case Phase.SENDER:
            return Verdict.SENDER_REFUSED
        case _:
            return Verdict.REFUSED


def _passing(reply: Reply) -> Verdict:
    if (reply.enhanced_status or "").startswith("4.7."):
        # At the recipient it is greylisting more often than a limit of ours.
        return Verdict.DEFERRED if reply.phase is Phase.RECIPIENT else Verdict.THROTTLED
    if reply.code == 421 or reply.phase in (Phase.CONNECT, Phase.AUTHENTICATE, Phase.SENDER):
        return Verdict.UNREACHABLE
    return Verdict.DEFERRED


GIVEN_UP = "given_up"
"""The recipient's server had taken the mail over, and tried in vain until its time was over."""
BOUNCES = frozenset(
    {"no_such_mailbox", "refused_by_policy", "mailbox_full", "content_refused", "recipient_refused", GIVEN_UP}
)
"""The words of `reason_code`: the recipient's server has refused the mail for good, at once or later."""


def suppresses(reply: Reply) -> bool:
    """Whether the answer says that there is no such mailbox."""
    return judge(reply) is Verdict.REFUSED and is_of_no_mailbox(reply.enhanced_status)


def is_of_no_mailbox(enhanced_status: str | None) -> bool:
    """5.7.x speaks of our reputation, not of the person."""
    return enhanced_status in _NO_SUCH_MAILBOX


def reason_code(reply: Reply) -> str:
    """A stable word for why a message was refused."""
    otherwise = "content_refused" if reply.phase is Phase.CONTENT else "recipient_refused"
    return reason_of_status(reply.enhanced_status or "", otherwise)


def reason_of_status(enhanced_status: str, otherwise: str) -> str:
    """`otherwise` is for what the status does not tell."""
    if is_of_no_mailbox(enhanced_status):
        return "no_such_mailbox"
    if enhanced_status.startswith("5.7."):
        return "refused_by_policy"
    return "mailbox_full" if enhanced_status == "5.2.2" else otherwise
