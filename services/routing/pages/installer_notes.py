"""Why an installer gets no leads now: each reason is a function of its page, and all that hold are told at once."""

from collections.abc import Awaitable, Callable, Sequence

from chassis.console.documents import Note
from services.routing.domain.places import lines_of
from services.routing.domain.windows import WallClock
from services.routing.pages import availability
from services.routing.pages.installer_page import InstallerPage

Reason = Callable[[InstallerPage], Awaitable[Sequence[str]]]
"""Sentences, none where it does not hold."""


async def takes_none(page: InstallerPage) -> list[str]:
    return [] if page.installer.status.takes_leads else [f"It is {page.installer.status}."]


async def has_no_territory(page: InstallerPage) -> list[str]:
    return [] if lines_of(page.territory) else ["It has no territory."]


async def has_no_clock(page: InstallerPage) -> list[str]:
    if WallClock.of(page.installer.time_zone).is_known:
        return []
    return ["Its time zone is known no longer: nobody can say when its days begin."]


async def is_full(page: InstallerPage) -> list[str]:
    limits = page.installer.limits
    return [
        f"Its cap of the {count.window.kind} is full: {count.taken:,} of {limit:,}."
        for count in page.usage
        if (limit := limits.of(count.window.kind)) is not None and count.taken >= limit
    ]


REASONS: tuple[Reason, ...] = (
    takes_none,
    availability.is_away,
    availability.is_closed,
    has_no_territory,
    has_no_clock,
    is_full,
)


async def gets_no_leads(page: InstallerPage) -> Note | None:
    reasons = [sentence for reason in REASONS for sentence in await reason(page)]
    if not reasons:
        return None
    return Note("Gets no leads now", tone="warning", items=[(reason, "") for reason in reasons])
