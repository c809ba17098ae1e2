"""What the page of an installer is made of: what its sections, notes and actions share, and how each is given it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.console import Console
from chassis.console.actions import Action
from chassis.console.documents import Note, Section
from chassis.console.timeline import seen_of
from chassis.http import Operator
from services.routing.domain.candidate import WindowCount
from services.routing.domain.profile import Territory
from services.routing.models import Installer, InstallerAbsence
from services.routing.pages.telling import INSTALLERS
from services.routing.queries import absences, installers
from services.routing.queries.counters import usage_of


@dataclass(frozen=True, slots=True)
class InstallerPage:
    """A part that needs more than this reads it by the session. `seen` is what had been done to it until now."""

    session: AsyncSession
    console: Console
    operator: Operator
    now: datetime
    installer: Installer
    territory: Territory
    usage: Sequence[WindowCount]
    absences: Sequence[InstallerAbsence]
    """Those that are not over, the first to begin first."""
    seen: str

    @property
    def path(self) -> str:
        return f"{INSTALLERS}/{self.installer.id}"


MakeAction = Callable[[InstallerPage], Awaitable[Action]]
MakeNote = Callable[[InstallerPage], Awaitable[Note | None]]
MakeSection = Callable[[InstallerPage], Awaitable[Section]]


async def read_page(
    session: AsyncSession, installer_id: UUID, console: Console, operator: Operator, now: datetime
) -> InstallerPage:
    installer = await installers.get(session, installer_id)
    usage = await usage_of(session, [installer], now)
    return InstallerPage(
        session=session,
        console=console,
        operator=operator,
        now=now,
        installer=installer,
        territory=await installers.territory_of(session, installer_id),
        usage=usage[installer_id],
        absences=await absences.not_over(session, [installer_id], now),
        seen=await seen_of(session, Subject("installer", installer_id)),
    )
