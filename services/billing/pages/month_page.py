"""What the steps of a month's close share: the month as each of them shows it, and what one is declared by."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from litestar.params import PathParameter
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Console
from chassis.console.wording import money
from chassis.http import Operator
from services.billing.commands.house import House
from services.billing.domain.month_close import DraftState
from services.billing.domain.periods import MONTH_PATTERN, Period
from services.billing.domain.unrecorded import Lost, Span
from services.billing.pages.month_screens import Screen
from services.billing.queries import months, unrecorded
from services.billing.queries.months import InstallerMonth, MonthFigures

ROOM = "month-close"
PATH = "/console/month-close"

Month = Annotated[str, PathParameter(pattern=MONTH_PATTERN, max_length=7)]


@dataclass(frozen=True, slots=True)
class Close:
    """A month as one step shows it: the figures by which every step's state is told.

    A step that needs more for its screen reads it by the session.
    """

    session: AsyncSession
    console: Console
    operator: Operator
    house: House
    now: datetime
    figures: MonthFigures
    installers: Sequence[InstallerMonth]
    unrecorded: Sequence[Lost]
    unrecorded_count: int

    @property
    def period(self) -> Period:
        return self.figures.period

    @property
    def has_ended(self) -> bool:
        return self.period.has_ended(self.now)

    def count(self, *states: DraftState) -> int:
        return sum(each.state in states for each in self.installers)

    @property
    def total(self) -> str:
        whole = self.figures.draft_cents + self.figures.issued_cents
        return f"{money(whole)} invoiced, inc. GST" if whole else ""


@dataclass(frozen=True, slots=True)
class MonthStep:
    """`name` is the last part of its address, and empty for the first; `state` is told by what is in the books."""

    name: str
    title: str
    state: Callable[[Close], str]
    show: Callable[[Close], Awaitable[Screen]]

    def path(self, month: str) -> str:
        return f"{PATH}/{month}/{self.name}".rstrip("/")


async def read_close(session: AsyncSession, month: str, console: Console, operator: Operator, house: House) -> Close:
    period, now = Period.of_month(month, console.wording.zone), console.clock.now()
    [figures] = await months.figures(session, [period], now)
    lost, span = await unrecorded.unrecorded(session), Span(period.start, period.end)
    return Close(
        session=session,
        console=console,
        operator=operator,
        house=house,
        now=now,
        figures=figures,
        installers=await months.installers(session, period),
        unrecorded=lost.of(span, None),
        unrecorded_count=lost.count_of(span, None),
    )
