"""Closing a month, step by step: what is in its way, what it comes to, its drafts, their issue. All of it resumable."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

from litestar import Request, Response
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.documents import Done
from chassis.console.tasks import Step, Task
from chassis.console.wording import counted, money
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.commands.issuing import House, IssueInvoice, blockers_of
from services.billing.domain.month_close import FORMER_MONTHS, DraftState, obstacle_to_drafting
from services.billing.domain.periods import MONTH_PATTERN, Period, month_name
from services.billing.http.periods import PeriodBody, generate_invoice_drafts
from services.billing.pages.credit_notes import month_notes
from services.billing.pages.month_drafts import drafts_screen
from services.billing.pages.month_preview import preview_screen
from services.billing.pages.month_review import issued_screen, review_screen
from services.billing.pages.month_screens import Screen, boundaries, held_screen, months_table
from services.billing.queries import months, periods
from services.billing.queries.months import InstallerMonth, MonthFigures
from services.billing.settings import Settings

ROOM = "month-close"
PATH = "/console/month-close"
READ, MONEY = Capability.READ_OPS, Capability.MANAGE_BILLING_OPS
SHOWN_MONTHS = 7
SHOWN_DRAFTS = 100
SHOWN_ISSUED = 100

Month = Annotated[str, PathParameter(pattern=MONTH_PATTERN, max_length=7)]


class At(StrEnum):
    """The steps after the choice of the month, by the last part of their address."""

    MONTH = "month"
    HELD = "held"
    PREVIEW = "preview"
    DRAFTS = "drafts"
    REVIEW = "review"
    ISSUED = "issued"


TITLES = {
    At.MONTH: "Month",
    At.HELD: "Held deliveries",
    At.PREVIEW: "Preview",
    At.DRAFTS: "Drafts",
    At.REVIEW: "Review and issue",
    At.ISSUED: "Issued",
}


class DraftsForm(Form):
    """Nothing but the session's mark: the address names the month."""


class Close:
    """A month as one step shows it: the figures by which every step's state is told."""

    def __init__(self, console: Console, figures: MonthFigures, installers: Sequence[InstallerMonth]) -> None:
        self.console = console
        self.period = figures.period
        self.figures = figures
        self.installers = installers
        self.now = console.clock.now()

    @property
    def has_ended(self) -> bool:
        return self.period.has_ended(self.now)

    def count(self, *states: DraftState) -> int:
        return sum(each.state in states for each in self.installers)

    def path(self, at: At) -> str:
        own = f"{PATH}/{self.period.name}"
        return own if at is At.MONTH else f"{own}/{at}"

    def steps(self, here: At) -> list[Step]:
        return [Step(TITLES[at], self.state(at), self.path(at), at is here) for at in At]

    def state(self, at: At) -> str:
        """Where the step stands, by what is in the books."""
        figures, undone = self.figures, self.count(DraftState.TO_DRAFT, DraftState.STALE)
        match at:
            case At.MONTH:
                return "Has ended" if self.has_ended else f"Ends {self.console.wording.exact(self.period.end)}"
            case At.HELD:
                held = figures.held_count
                return f"{counted(held, 'waits', 'wait')} for a price" if held else "None"
            case At.PREVIEW:
                return counted(figures.delivery_count, "delivery", "deliveries")
            case At.DRAFTS:
                late = self.count(DraftState.LATE)
                told = f"{undone:,} to draft" if undone else "All drafted" if self.installers else "Nothing to draft"
                return f"{told}, {late:,} late" if late else told
            case At.REVIEW:
                return (
                    counted(figures.draft_count, "draft waits", "drafts wait") if figures.draft_count else "None waits"
                )
            case At.ISSUED:
                unpaid = f", {figures.unpaid_count:,} unpaid" if figures.unpaid_count else ""
                return f"{figures.issued_count:,} issued{unpaid}"

    @property
    def total(self) -> str:
        whole = self.figures.draft_cents + self.figures.issued_cents
        return f"{money(whole)} invoiced, inc. GST" if whole else ""


async def _close(session: AsyncSession, console: Console, month: str) -> Close:
    period = Period.of_month(month, console.wording.zone)
    [figures] = await months.figures(session, [period], console.clock.now())
    return Close(console, figures, await months.installers(session, period))


def _show(
    request: Request[Any, Any, Any], close: Close, at: At, screen: Screen, done: str | None = None
) -> Response[str]:
    following = next((each for index, each in enumerate(At) if index and list(At)[index - 1] is at), None)
    context = {
        "task": Task(
            f"Month close: {month_name(close.period.name)}", close.steps(at), close.total, (("All months", PATH),)
        ),
        "screen": screen,
        "finished": next((each.done for each in screen.actions if each.name == done and each.done), ""),
        "following": (TITLES[following].lower(), close.path(following)) if following else None,
        "path": PATH,
        "month": close.period.name,
    }
    return close.console.page(request, "month_close.html", context, room=ROOM)


@page_at(PATH, READ)
async def choose_month(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    month: Annotated[str | None, QueryParameter(pattern=MONTH_PATTERN, max_length=7)] = None,
) -> Response[Any]:
    if month is not None:
        return console.redirect(f"{PATH}/{month}")
    now = console.clock.now()
    async with database.reading() as session:
        found = await months.figures(session, Period.months_until(now, SHOWN_MONTHS, console.wording.zone), now)
    text = "A month is closed once it has ended. What it comes to can be looked at on any day."
    screen = Screen("Choose a month", text, tables=[months_table(found, PATH, now)], asks_month=True)
    steps = [Step("Month", "To choose", PATH, is_current=True)]
    steps += [Step(TITLES[at], "After the choice") for at in At if at is not At.MONTH]
    context = {
        "task": Task("Month close", steps),
        "screen": screen,
        "finished": "",
        "following": None,
        "path": PATH,
        "month": "",
    }
    return console.page(request, "month_close.html", context, room=ROOM)


@page_at(PATH + "/{month:str}", READ)
async def show_month(
    month: Month, request: Request[Any, Any, Any], console: Given[Console], database: Given[Database]
) -> Response[str]:
    async with database.reading() as session:
        close = await _close(session, console, month)
    text = (
        "It has ended, and can be closed."
        if close.has_ended
        else "It can be closed once it has ended, and looked at now."
    )
    screen = Screen(f"{month_name(close.period.name)}", text, facts=boundaries(close.period, console.wording))
    return _show(request, close, At.MONTH, screen)


@page_at(PATH + "/{month:str}/held", READ)
async def show_held(
    month: Month, request: Request[Any, Any, Any], console: Given[Console], database: Given[Database]
) -> Response[str]:
    async with database.reading() as session:
        close = await _close(session, console, month)
        held = await periods.held(session, close.period, None)
        names = await periods.names_of(session, {each.installer_id for each in held})
    return _show(request, close, At.HELD, held_screen(close.period, held, names))


@page_at(PATH + "/{month:str}/preview", READ)
async def show_preview(
    month: Month, request: Request[Any, Any, Any], console: Given[Console], database: Given[Database]
) -> Response[str]:
    async with database.reading() as session:
        close = await _close(session, console, month)
        found = await periods.preview(session, close.period, None)
        former = await months.former(
            session, close.period, close.period.months_before(FORMER_MONTHS, console.wording.zone)
        )
        names = await periods.names_of(session, former.keys())
    return _show(request, close, At.PREVIEW, preview_screen(close.period, found, former, names))


@page_at(PATH + "/{month:str}/drafts", READ)
async def show_drafts(
    month: Month,
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        close = await _close(session, console, month)
        runs = await months.runs(session, close.period)
    screen = drafts_screen(close.period, close.installers, runs, _generating(close, operator))
    return _show(request, close, At.DRAFTS, screen, done)


def _generating(close: Close, operator: Operator) -> Action:
    to_draft, stale, late = (close.count(each) for each in (DraftState.TO_DRAFT, DraftState.STALE, DraftState.LATE))
    left_out = f" {counted(late, 'installer is', 'installers are')} left out: deliveries came late." if late else ""
    way = obstacle_to_drafting(has_ended=close.has_ended, held_count=close.figures.held_count)
    return Action(
        "generate",
        "Generate drafts",
        close.path(At.DRAFTS),
        effect=(
            f"Drafts {counted(to_draft, 'invoice', 'invoices')} and drafts {stale:,} again; what is drafted or issued "
            f"stays as it is.{left_out} Nothing is mailed. It can be run again at any time."
        ),
        done="Drafts were generated: where each installer stands is below",
        is_primary=True,
        **refused(operator, MONEY, way),
    )


@form_at(PATH + "/{month:str}/drafts", MONEY)
async def generate_by_form(
    month: Month,
    data: JSONBody[DraftsForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> Redirect:
    await generate_invoice_drafts.fn(PeriodBody(period=month), database, clock, settings, operator)
    return console.redirect(f"{PATH}/{month}/{At.DRAFTS}?done=generate")


@page_at(PATH + "/{month:str}/review", READ)
async def show_review(
    month: Month,
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    house: Given[House],
) -> Response[str]:
    async with database.reading() as session:
        close = await _close(session, console, month)
        drafts = await months.drafts(session, close.period, SHOWN_DRAFTS)
        asked = [(invoice, account, IssueInvoice(invoice.id, invoice.kind)) for invoice, account in drafts]
        blockers = await blockers_of(session, asked, house.seller, close.now)
        notes = await month_notes(session, close.period)
    screen = review_screen(close.period, drafts, close.figures.draft_count, blockers, notes)
    return _show(request, close, At.REVIEW, screen)


@page_at(PATH + "/{month:str}/issued", READ)
async def show_issued(
    month: Month, request: Request[Any, Any, Any], console: Given[Console], database: Given[Database]
) -> Response[str]:
    async with database.reading() as session:
        close = await _close(session, console, month)
        issued = await months.issued(session, close.period, SHOWN_ISSUED)
    return _show(request, close, At.ISSUED, issued_screen(close.period, issued, close.figures, close.now))


ROUTES = (
    choose_month,
    show_month,
    show_held,
    show_preview,
    show_drafts,
    generate_by_form,
    show_review,
    show_issued,
)
