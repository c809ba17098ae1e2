"""What a try to deliver says about its channel, and what its end says to operators."""

from collections.abc import Mapping
from enum import StrEnum

from services.routing.domain.states import BreakerState, Channel, DeliveryStep
from services.routing.domain.webhooks import DOWN, ERASED, UNKNOWN

_PERMANENT_FOR_MAIL = frozenset(
    {
        *("no_such_mailbox", "refused_by_policy", "mailbox_full", "content_refused", "recipient_refused"),
        *("suppressed", "recipient_invalid"),
    }
)
"""The recipient's server has refused it for good, or would."""
_OURS = frozenset({DOWN, ERASED, UNKNOWN})
"""Nothing was sent, or nobody knows what came of it: that is not the receiver's doing."""


def says_something(channel: Channel, step: DeliveryStep, reason: str | None) -> bool:
    """Whether it counts for the channel's breaker."""
    match step:
        case DeliveryStep.ACCEPTED:
            return True
        case DeliveryStep.ACCEPTED_LATE:
            return False
        case _ if channel is Channel.MAIL:
            return step in (DeliveryStep.FAILED, DeliveryStep.BOUNCED) and reason in _PERMANENT_FOR_MAIL
        case _:
            return reason not in _OURS


def told_failure(channel: Channel, reason: str, status: int | None) -> str:
    """One line that names nobody."""
    what, protocol = ("webhook", "HTTP") if channel is Channel.WEBHOOK else ("mail", "SMTP")
    answer = f", {protocol} {status}" if status is not None else ""
    return f"the lead's {what} to its installer failed: {reason}{answer}"


def told_late(channel: Channel, status: str) -> str:
    what = "webhook" if channel is Channel.WEBHOOK else "mail"
    return f"the {what} was accepted after the assignment had {status}: the installer has the lead uncharged"


class DeliveryAction(StrEnum):
    """What operators can do with how an installer gets its leads."""

    SET_CHANNEL = "set_channel"
    ROTATE_SECRET = "rotate_secret"  # noqa: S105  # the name of a deed
    TEST = "test"
    CLOSE_BREAKER = "close_breaker"


def obstacle_to(action: DeliveryAction, *, has_webhook: bool, breaker: BreakerState | None) -> str | None:
    """Why it cannot be done; None where it can. `breaker` is of the channel that is asked about."""
    match action:
        case DeliveryAction.ROTATE_SECRET | DeliveryAction.TEST:
            return None if has_webhook else "It has no webhook"
        case DeliveryAction.CLOSE_BREAKER:
            return _obstacle_to_closing(breaker)
        case DeliveryAction.SET_CHANNEL:
            return None


def _obstacle_to_closing(breaker: BreakerState | None) -> str | None:
    match breaker:
        case None:
            return "It has never had this channel"
        case BreakerState.CLOSED:
            return "Nothing is held back: the breaker is closed"
        case _:
            return None


def held_back(breakers: Mapping[Channel, BreakerState]) -> Channel | None:
    """A channel whose breaker is not closed, where there is one; of two the webhook."""
    return next((c for c in reversed(Channel) if breakers.get(c, BreakerState.CLOSED) is not BreakerState.CLOSED), None)
