"""A deed over many rows, in each of its states."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from litestar.response import Redirect
from pydantic import Field

from chassis.console import Console, Form, page_for
from chassis.console.actions import Action
from chassis.console.bulk.routes import Progress
from chassis.console.bulk.states import ROW_STATES, JobState, RowState
from chassis.console.design.listing import DESIGN, ROOM, SAMPLES
from chassis.console.fields import Day, FieldKind, FormField
from chassis.console.routes import form_at
from chassis.http.given import Given

PATH = f"{DESIGN}/bulk"
TOTAL = 40


@dataclass(frozen=True, slots=True)
class SampleRow:
    name: str
    state: RowState
    detail: str = ""


BLOCKED = SampleRow("INV-2026-009", RowState.BLOCKED, "it has no address to mail to")
_ROWS = {
    JobState.PROPOSED: [BLOCKED, *(SampleRow(f"INV-2026-01{number}", RowState.READY) for number in range(3))],
    JobState.PREVIEWED: [
        BLOCKED,
        SampleRow("INV-2026-010", RowState.READY, "due 3 March → 17 March"),
        SampleRow("INV-2026-011", RowState.READY, "due 9 March → 17 March"),
    ],
    JobState.RUNNING: [
        BLOCKED,
        SampleRow("INV-2026-010", RowState.READY),
        SampleRow("INV-2026-011", RowState.DONE),
    ],
    JobState.FINISHED: [
        SampleRow("INV-2026-012", RowState.FAILED, "it failed for a fault of ours, and nothing was changed"),
        SampleRow("INV-2026-013", RowState.REFUSED, "it was paid meanwhile"),
        BLOCKED,
        SampleRow("INV-2026-010", RowState.DONE),
        SampleRow("INV-2026-011", RowState.DONE),
    ],
}


class RemindForm(Form):
    reason: Annotated[str, Field(max_length=200)] = ""


class PostponeForm(Form):
    until: Day


def _progress(state: JobState, second: int) -> Progress:
    """A running one moves with the clock."""
    match state:
        case JobState.PROPOSED | JobState.PREVIEWED:
            return Progress(done=0, refused=0, failed=0, blocked=1, ready=TOTAL)
        case JobState.RUNNING:
            done = second * TOTAL // 60
            return Progress(done=done, refused=0, failed=0, blocked=1, ready=TOTAL - done)
        case JobState.FINISHED:
            return Progress(done=TOTAL - 2, refused=1, failed=1, blocked=1, ready=0)


def _remind(path: str) -> Action:
    return Action(
        "remind",
        "Remind",
        f"{path}/remind",
        effect=f"Mails {TOTAL} clients what they owe, today.",
        fields=(FormField("reason", "Reason", FieldKind.PROSE, is_required=True),),
    )


def _postpone(path: str) -> tuple[Action, Action]:
    """To be confirmed, and to be filled in again."""
    until = FormField("until", "Due", FieldKind.DAY, "2026-03-17", is_required=True)
    action = Action("postpone", "Postpone", f"{path}/postpone", effect=f"Gives {TOTAL} clients another day to pay by.")
    return action, replace(action, label="Preview", path=f"{path}/postpone/preview", fields=(until,))


def _route(state: JobState) -> HTTPRouteHandler:
    path = f"{PATH}/{state}"

    async def show(request: Request[Any, Any, Any], console: Given[Console]) -> Response[str]:
        action, preview = _postpone(path) if state is JobState.PREVIEWED else (_remind(path), None)
        context = {
            "listing": SAMPLES,
            "action": action,
            "preview": preview,
            "path": path,
            "job_id": "",
            "may_begin_again": False,
            "rows_path": f"{DESIGN}/list?",
            "jobs_path": f"{DESIGN}/list",
            "row_states": ROW_STATES,
            "progress": _progress(state, console.clock.now().second),
            "rows": _ROWS[state],
            "state": state,
        }
        return console.page(request, "bulk.html", context, room=ROOM)

    return get(path, guards=[page_for(None)], include_in_schema=False)(show)


@form_at(f"{PATH}/proposed/remind", None)
async def remind(data: JSONBody[RemindForm], console: Given[Console]) -> Redirect:
    return console.redirect(f"{PATH}/finished")


@form_at(f"{PATH}/previewed/postpone/preview", None)
async def preview_postponing(data: JSONBody[PostponeForm], console: Given[Console]) -> Redirect:
    return console.redirect(f"{PATH}/previewed")


@form_at(f"{PATH}/previewed/postpone", None)
async def postpone(data: JSONBody[Form], console: Given[Console]) -> Redirect:
    return console.redirect(f"{PATH}/finished")


ROUTES = (*(_route(state) for state in JobState), remind, preview_postponing, postpone)
