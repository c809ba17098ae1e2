"""Closing a month, step by step, as the runbook has it: whatever is left undone stands there again, for anybody."""

from typing import Annotated, Any

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from chassis.console import Console, page_at
from chassis.console.documents import Done, Table
from chassis.console.tasks import Step, Task
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.commands.house import House
from services.billing.domain.periods import MONTH_PATTERN, Period, month_name
from services.billing.pages import (
    month_boundaries,
    month_drafts,
    month_export,
    month_held,
    month_issue,
    month_issued,
    month_marks,
    month_preview,
    month_reconcile,
    month_references,
    month_returns,
    month_review,
    month_runs,
    month_snapshot,
    month_unrecorded,
)
from services.billing.pages.month_choice import months_table
from services.billing.pages.month_page import PATH, ROOM, Close, Month, MonthStep, read_close
from services.billing.pages.month_screens import Screen
from services.billing.queries import months

READ = Capability.READ_OPS
SHOWN_MONTHS = 7

STEPS: tuple[MonthStep, ...] = (
    month_boundaries.STEP,
    month_held.STEP,
    month_unrecorded.STEP,
    month_returns.STEP,
    month_preview.STEP,
    month_drafts.STEP,
    month_review.STEP,
    month_export.STEP,
    month_references.STEP,
    month_issue.STEP,
    month_issued.STEP,
    month_snapshot.STEP,
    month_reconcile.STEP,
)


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
    screen = Screen("Choose a month", text, tables=[months_table(found, now)], asks_month=True)
    chosen, *others = STEPS
    steps = [Step(chosen.title, "To choose", PATH, is_current=True)]
    steps += [Step(each.title, "After the choice") for each in others]
    context = {
        "task": Task("Month close", steps),
        "screen": screen,
        "finished": "",
        "following": None,
        "path": PATH,
        "month": "",
        "ticks": None,
    }
    return console.page(request, "month_close.html", context, room=ROOM)


def _showing(step: MonthStep) -> HTTPRouteHandler:
    @page_at(step.path("{month:str}"), READ)
    async def show_step(
        month: Month,
        request: Request[Any, Any, Any],
        console: Given[Console],
        database: Given[Database],
        house: Given[House],
        operator: Given[Operator],
        done: Done = None,
    ) -> Response[str]:
        async with database.reading() as session:
            close = await read_close(session, month, console, operator, house)
            screen = await step.show(close)
            ticks = await month_marks.ticks(close, step.key)
        return _show(request, close, step, screen, ticks, done)

    return show_step


def _show(
    request: Request[Any, Any, Any], close: Close, here: MonthStep, screen: Screen, ticks: Table, done: str | None
) -> Response[str]:
    month = close.period.name
    steps = [Step(each.title, month_marks.ticked_state(close, each), each.path(month), each is here) for each in STEPS]
    following = next(iter(STEPS[STEPS.index(here) + 1 :]), None)
    context = {
        "task": Task(f"Month close: {month_name(month)}", steps, close.total, (("All months", PATH),)),
        "screen": screen,
        "finished": next((each.done for each in screen.actions if each.name == done and each.done), ""),
        "following": (following.title.lower(), following.path(month)) if following else None,
        "path": PATH,
        "month": month,
        "ticks": ticks,
        "ticking": month_marks.ticking(close, here),
    }
    return close.console.page(request, "month_close.html", context, room=ROOM)


ROUTES = (
    choose_month,
    *(_showing(step) for step in STEPS),
    *month_boundaries.ROUTES,
    *month_drafts.ROUTES,
    *month_export.ROUTES,
    *month_issue.ROUTES,
    *month_marks.ROUTES,
    *month_references.ROUTES,
    *month_runs.ROUTES,
    *month_snapshot.ROUTES,
)
