"""What identity tells the pages that span all services."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import MOST_HITS, Backlog, Desk, Finder, Hit, Waiting
from chassis.console.wording import words
from services.identity import queries
from services.identity.pages.operators import ACCESS, LAPSING, PATH, ROOM
from services.identity.pages.subjects import DOORS


async def _find_operators(session: AsyncSession, text: str) -> list[Hit]:
    """By a part of the name or e-mail, or by the id."""
    return [
        Hit(row.name, f"{words(row.role)}, {row.email}, {row.status.value}", f"{PATH}/{row.id}")
        for row in await queries.operators_named(session, text, MOST_HITS)
    ]


async def _count_lapsing(session: AsyncSession, _now: datetime) -> Backlog:
    """By the machine's clock, as everything of identity's: business time may stand elsewhere."""
    return Backlog(await queries.count_lapsing(session))


def _sentence(number: int) -> str:
    return (
        "1 invitation has run out or does within a day"
        if number == 1
        else (f"{number:,} invitations have run out or do within a day")
    )


DESK = Desk(
    finders=(Finder("Operators", ACCESS, _find_operators),),
    waiting=(Waiting(ROOM, ACCESS, _sentence, LAPSING, _count_lapsing),),
    doors=DOORS,
)
