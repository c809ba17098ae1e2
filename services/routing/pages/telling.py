"""What routing's rooms call things, alike in all of them: leads, spans, uses of a cap, and where each page is."""

from uuid import UUID

from markupsafe import Markup

from chassis.console.cells import chip
from chassis.console.wording import words
from services.routing.domain.states import Channel
from services.routing.http.lead_views import DispatchView
from services.routing.models import Dispatch

EXCEPTIONS = "/console/exceptions"
INSTALLERS = "/console/installers"
ASSIGNMENTS = "/console/assignments"
DISPATCHES = "/console/dispatches"
AUTO_DISPATCH = "/console/auto-dispatch"
RETURNS = "/console/returns"
POLICIES = "/console/routing-policies"
DELIVERY_CHANNELS = "/console/delivery-channels"

INSTALLER_TONES = {"active": "positive", "paused": "warning", "suspended": "danger"}
ASSIGNMENT_TONES = {"sent": "positive", "pending": "info", "failed": "danger", "returned": "warning"}
BREAKER_TONES = {"closed": "positive", "open": "danger", "half_open": "warning"}
STEP_TONES = {
    "accepted": "positive",
    "tried": "warning",
    "failed": "danger",
    "accepted_late": "warning",
    "bounced": "danger",
}
CAP_TONES = {"counted": "positive", "released": "warning", "reserved": "info"}
DISPATCH_TONES = {"delivered": "positive", "dispatching": "info", "exception": "warning"}

EVENNESS = (
    "1 is even: every installer got the same part of what was due to it. It is Jain’s index: what each got is divided "  # noqa: RUF001  # as print has it
    "by what was due to it; the sum of these parts, squared, is divided by their number times the sum of their "
    "squares. Who was due nothing is left out."
)
"""What evenness is, and how it is reckoned: `domain/ordering.py` in words."""


def lead_title(lead: Dispatch | DispatchView) -> str:
    """What a lead is called where nothing may name its person."""
    return f"{words(lead.service)}, {lead.suburb} {lead.state} {lead.postcode}"


def told_use(taken: int, limit: int | None) -> Markup | str:
    """As "3 of 5"; a full window is a chip, so that it is not seen by its colour alone."""
    if limit is None:
        return Markup(f'{taken:,} <span class="muted">no cap</span>')  # noqa: S704  # a number
    told = f"{taken:,} of {limit:,}"
    return chip(told, "warning") if taken >= limit else told


def told_limit(limit: int | None) -> str:
    """A cap of nothing is no dash: it takes no lead at all."""
    return "No cap" if limit is None else f"{limit:,}"


def answered(reason: str | None) -> bool:
    """The reason is the number that its server answered with."""
    return (reason or "").startswith("http_")


def told_answer(channel: Channel, status: int | None, enhanced_status: str | None = None) -> str | None:
    """As "HTTP 503" or "SMTP 550"; of a mail that came back, as "5.1.1"."""
    if status is None:
        return enhanced_status
    return f"{'HTTP' if channel is Channel.WEBHOOK else 'SMTP'} {status}"


def latency(milliseconds: int) -> str:
    """As "84 ms", "1.2 s" or "3 min 5 s"."""
    if milliseconds < 1_000:
        return f"{milliseconds} ms"
    seconds = milliseconds / 1_000
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 7_200:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    return f"{seconds / 3_600:,.0f} h"


def ordinal(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")


def uuid_of(text: str) -> UUID | None:
    """None where the text is no id."""
    try:
        return UUID(text)
    except ValueError:
        return None
