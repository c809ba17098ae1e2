"""The first step of a month's close: when it begins and ends."""

from datetime import UTC, datetime

from chassis.console.documents import Fact
from chassis.console.wording import Wording
from services.billing.domain.periods import Period, month_name
from services.billing.pages.month_page import Close, MonthStep
from services.billing.pages.month_screens import Screen


async def _show(close: Close) -> Screen:
    text = (
        "It has ended, and can be closed."
        if close.has_ended
        else "It can be closed once it has ended, and looked at now."
    )
    return Screen(month_name(close.period.name), text, facts=_boundaries(close.period, close.console.wording))


def _boundaries(period: Period, wording: Wording) -> list[Fact]:
    """As the business's calendar has them, and as they are kept."""
    last = period.end.astimezone(wording.zone)
    return [
        Fact("Begins", wording.exact(period.start)),
        Fact("Ends, not included", wording.exact(period.end)),
        Fact("Begins, UTC", _utc(period.start)),
        Fact("Ends, UTC", _utc(period.end)),
        Fact("Zone", str(last.tzinfo)),
    ]


def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _state(close: Close) -> str:
    return "Has ended" if close.has_ended else f"Ends {close.console.wording.exact(close.period.end)}"


STEP = MonthStep("", "Month", _state, _show)
