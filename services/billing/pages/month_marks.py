"""Ticking a step of a month's close from its page, and who ticked it before."""

from collections.abc import Sequence

from litestar.params import JSONBody
from litestar.response import Redirect

from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Table
from chassis.console.fields import FieldKind, FormField
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.domain.month_close import CloseStep
from services.billing.http.fields import Note
from services.billing.http.month_close import MarkBody, mark_by_operator
from services.billing.models import MonthMark
from services.billing.pages.month_page import PATH, Close, Month, MonthStep
from services.billing.pages.month_screens import said
from services.billing.queries import month_marks

MONEY = Capability.MANAGE_BILLING_OPS
TICK, UNTICK = "tick", "untick"


class MarkForm(Form):
    """Without `is_done` the tick is taken back."""

    step: CloseStep
    is_done: bool = False
    note: Note | None = None


async def ticks(close: Close, step: CloseStep) -> Table:
    """The latest first."""
    found: Sequence[MonthMark] = await month_marks.history(close.session, close.period.name, step)
    return Table(
        "Who ticked it",
        (("By", Kind.TEXT), ("At", Kind.INSTANT), ("What", Kind.TEXT), ("Note", Kind.TEXT)),
        [
            (
                each.made_by_name,
                Shown(each.made_at, Kind.INSTANT),
                "Ticked it" if each.is_done else "Took the tick back",
                said(each.note or ""),
            )
            for each in found
        ],
        empty="Nobody yet. A tick says that somebody has looked; what is in the books stands above.",
    )


def ticking(close: Close, step: MonthStep) -> Action:
    is_done = close.is_ticked(step.key)
    return Action(
        UNTICK if is_done else TICK,
        "Take the tick back" if is_done else "Tick this step",
        f"{PATH}/{close.period.name}/marks",
        effect="It stands beside the step, with your name. Nothing in the books changes by it.",
        fields=(FormField("note", "Note", FieldKind.PROSE, hint="Stands with the tick", longest=1000),),
        hidden={"step": step.key, "is_done": "" if is_done else "true"},
        **refused(close.operator, MONEY),
    )


def ticked_state(close: Close, step: MonthStep) -> str:
    """The step's own word, and who ticked it."""
    mark = close.marks.get(step.key)
    told = step.state(close)
    return f"{told}. Ticked by {mark.made_by_name}" if mark is not None and mark.is_done else told


@form_at(PATH + "/{month:str}/marks", MONEY)
async def mark_by_form(
    month: Month,
    data: JSONBody[MarkForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    body = MarkBody(step=data.step, is_done=data.is_done, note=data.note)
    async with database.transaction() as session:
        await mark_by_operator(session, month, body, operator, clock.now())
    step = "" if data.step is CloseStep.MONTH else f"/{data.step}"
    return console.redirect(f"{PATH}/{month}{step}")


ROUTES = (mark_by_form,)
