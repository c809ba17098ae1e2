"""What routing tells the pages that span all services."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Backlog, Bar, Chart, Desk, Finder, Hit, Waiting
from chassis.console.wording import words
from contracts.identity import Capability
from services.routing.pages.exceptions import LIMIT, PATH, QUEUE, ROOM
from services.routing.queries import exceptions


async def _find_exceptions(session: AsyncSession, text: str) -> list[Hit]:
    """By the lead's id, or the item's own."""
    try:
        wanted = UUID(text)
    except ValueError:
        return []
    return [
        Hit(
            f"{words(lead.service)}, {lead.suburb} {lead.state} {lead.postcode}",
            f"{words(item.reason)}, {'waits for an operator' if item.resolved_at is None else 'resolved'}",
            f"{PATH}/{item.id}",
        )
        for item, lead in await exceptions.named(session, wanted)
    ]


async def _count_exceptions(session: AsyncSession, _now: datetime) -> Backlog:
    waiting = await exceptions.open_by_reason(session)
    oldest = min((each.oldest_raised_at for each in waiting), default=None)
    return Backlog(sum(each.count for each in waiting), oldest)


async def _read_reasons(session: AsyncSession, _now: datetime) -> list[Bar]:
    waiting = sorted(await exceptions.open_by_reason(session), key=lambda each: -each.count)
    return [
        Bar(words(each.reason), each.count, f"{each.count:,}", f"{PATH}?state=open&reason={each.reason.value}")
        for each in waiting
    ]


def _sentence(number: int) -> str:
    return f"{number:,} {'lead waits' if number == 1 else 'leads wait'} for an operator"


DESK = Desk(
    finders=(Finder("Exceptions", Capability.READ_OPS, _find_exceptions),),
    waiting=(Waiting(ROOM, Capability.READ_OPS, _sentence, QUEUE, _count_exceptions, LIMIT),),
    charts=(Chart("Why leads wait", Capability.READ_OPS, "Open exceptions by reason, now", _read_reasons),),
)
