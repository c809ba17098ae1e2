"""What routing tells of installers to the pages that span all services: who is found, who is full."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import MOST_HITS, Backlog, Card, Figure, Finder, Hit, Waiting
from chassis.console.wording import DASH, counted, words
from contracts.identity import Capability
from services.routing.models import Installer
from services.routing.pages import installers
from services.routing.pages.telling import INSTALLERS
from services.routing.queries import figures

READ = Capability.READ_OPS
AT_CAP = f"{INSTALLERS}?status=active&at_cap=true"
BY_CAP_USE = f"{INSTALLERS}?status=active&sort=-month"


async def _find_installers(session: AsyncSession, text: str) -> list[Hit]:
    query = select(Installer).where(installers.matches(text)).order_by(Installer.name, Installer.id).limit(MOST_HITS)
    return [
        Hit(each.name, f"{words(each.status)}, {each.email}", f"{INSTALLERS}/{each.id}")
        for each in await session.scalars(query)
    ]


def _are_full(number: int) -> str:
    return f"{counted(number, 'active installer is', 'active installers are')} at a cap"


async def _count_full(session: AsyncSession, now: datetime) -> Backlog:
    return Backlog(await figures.installers_at_cap(session, now))


async def _read_cap_use(session: AsyncSession, now: datetime) -> Figure:
    use = await figures.cap_use(session, now)
    if not use.limit:
        return Figure(DASH, "No active installer has a cap for its cycle")
    return Figure(f"{use.taken / use.limit * 100:.0f} %", f"{use.taken:,} of {use.limit:,} leads of active installers")


FINDERS = (Finder("Installers", READ, _find_installers),)
WAITING = (Waiting(installers.ROOM, READ, _are_full, AT_CAP, _count_full),)
CARDS = (Card("Cap used this cycle", READ, BY_CAP_USE, _read_cap_use),)
