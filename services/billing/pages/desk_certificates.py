"""What the last certificate tells the pages that span all services."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Backlog, Card, Figure, Waiting, once
from chassis.console.wording import counted
from contracts.identity import Capability
from services.billing.pages.certificates import PATH, ROOM, STATES, state_of
from services.billing.queries import certificates

READ = Capability.READ_OPS
FRESH = timedelta(hours=26)
"""A night's certificate, and two hours in which the next one may be late."""


async def _failed(session: AsyncSession, _now: datetime) -> Backlog:
    last = await once(session, certificates.last)
    return Backlog(last.failed_count, last.as_of) if last is not None and last.failed_count else Backlog(0)


FAILED = Waiting(
    ROOM,
    READ,
    lambda number: f"{counted(number, 'equality', 'equalities')} of the books did not hold",
    f"{PATH}?state=fails",
    _failed,
    is_alarming=True,
)


async def _last(session: AsyncSession, now: datetime) -> Figure:
    last = await once(session, certificates.last)
    if last is None:
        return Figure("–", "The books were never certified")  # noqa: RUF001  # a dash for what is not there
    held = last.equality_count - last.failed_count - last.not_compared_count
    late = ", more than a day ago" if now - last.as_of > FRESH else ""
    said = STATES[state_of(last)]
    return Figure(f"{held} of {last.equality_count}", f"{said}{late}{'' if last.signature else ', unsigned'}")


LAST = Card("Equalities that hold", READ, PATH, _last)
