"""What the steps of a month's close share: the month as each of them shows it, and what one is declared by."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar.params import PathParameter
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Console
from chassis.console.wording import money
from chassis.http import Operator
from services.billing.commands.house import House
from services.billing.domain.month_close import CloseStep, DraftState
from services.billing.domain.periods import MONTH_PATTERN, Period
from services.billing.domain.statuses import InvoiceStatus
from services.billing.domain.unrecorded import Lost, Span
from services.billing.models import MonthMark, MonthScope
from services.billing.pages.doors import INVOICES
from services.billing.pages.month_screens import Screen
from services.billing.queries import month_marks, month_steps, months, unrecorded
from services.billing.queries.month_steps import StepCounts
from services.billing.queries.months import InstallerMonth, MonthFigures

ROOM = "month-close"
PATH = "/console/month-close"

Month = Annotated[str, PathParameter(pattern=MONTH_PATTERN, max_length=7)]


_NOT_OUT = (InvoiceStatus.DRAFT, InvoiceStatus.VOID)


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
    scope: MonthScope | None
    figures: MonthFigures
    installers: Sequence[InstallerMonth]
    unrecorded: Sequence[Lost]
    unrecorded_count: int
    counts: StepCounts
    marks: Mapping[CloseStep, MonthMark]

    @property
    def period(self) -> Period:
        return self.figures.period

    @property
    def installer_ids(self) -> Sequence[UUID] | None:
        """Whom it is about; None is everybody."""
        return self.scope.installer_ids if self.scope else None

    @property
    def invoices(self) -> str:
        """The list of the month's invoices, of those alone whom the close is about: to be narrowed by `&status=…`."""
        return f"{INVOICES}?month={self.period.name}" + ("&chosen=true" if self.installer_ids else "")

    @property
    def drafts_path(self) -> str:
        return f"{self.invoices}&status={InvoiceStatus.DRAFT}"

    @property
    def issued_path(self) -> str:
        """Whatever became of them, but for those that are void."""
        return self.invoices + "".join(f"&status={each}" for each in InvoiceStatus if each not in _NOT_OUT)

    @property
    def unpaid_path(self) -> str:
        return self.invoices + "".join(f"&status={each}" for each in InvoiceStatus if each.is_owed)

    @property
    def has_ended(self) -> bool:
        return self.period.has_ended(self.now)

    def count(self, *states: DraftState) -> int:
        return sum(each.state in states for each in self.installers)

    @property
    def total(self) -> str:
        whole = self.figures.draft_cents + self.figures.issued_cents
        about = f"{len(self.installer_ids):,} chosen: " if self.installer_ids else ""
        return f"{about}{money(whole)} invoiced, inc. GST" if whole else ""

    def is_ticked(self, step: CloseStep) -> bool:
        mark = self.marks.get(step)
        return mark is not None and mark.is_done


@dataclass(frozen=True, slots=True)
class MonthStep:
    """`name` is the last part of its address, and empty for the first; `state` is told by what is in the books."""

    name: str
    title: str
    state: Callable[[Close], str]
    show: Callable[[Close], Awaitable[Screen]]

    @property
    def key(self) -> CloseStep:
        return CloseStep(self.name or CloseStep.MONTH)

    def path(self, month: str) -> str:
        return f"{PATH}/{month}/{self.name}".rstrip("/")


async def read_close(session: AsyncSession, month: str, console: Console, operator: Operator, house: House) -> Close:
    period, now = Period.of_month(month, console.wording.zone), console.clock.now()
    scope = await month_marks.scope(session, period.name)
    ids = scope.installer_ids if scope else None
    [figures] = await months.figures(session, [period], now, ids)
    lost, span = await unrecorded.unrecorded(session), Span(period.start, period.end)
    return Close(
        session=session,
        console=console,
        operator=operator,
        house=house,
        now=now,
        scope=scope,
        figures=figures,
        installers=await months.installers(session, period, ids),
        unrecorded=lost.of(span, ids),
        unrecorded_count=lost.count_of(span, ids),
        counts=await month_steps.counts(session, period, ids),
        marks=await month_marks.latest(session, period.name),
    )
