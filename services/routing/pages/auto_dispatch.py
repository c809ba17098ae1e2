"""The switch of auto-dispatch, with who turned it and why."""

from typing import Any

from litestar import Request, Response
from litestar.params import JSONBody
from litestar.response import Redirect

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, show_document
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import moments_of
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.routing.http.auto_dispatch import AutoDispatchState, SwitchBody, set_auto_dispatch
from services.routing.pages.exception_forms import WRITE
from services.routing.pages.exceptions import QUEUE, ROOM
from services.routing.pages.telling import AUTO_DISPATCH as PATH
from services.routing.queries.dispatches import auto_dispatch

SUBJECT = Subject("auto_dispatch", "auto_dispatch")
VERBS = {"switch_auto_dispatch": "turned the switch"}


class SwitchForm(SwitchBody, Form):
    """As the JSON route takes it."""


@page_at(PATH, Capability.READ_OPS)
async def show_auto_dispatch(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        state = AutoDispatchState.of(await auto_dispatch(session))
        timeline = await moments_of(session, [SUBJECT], VERBS, console.wording)
    document = Document(
        title="Auto-dispatch",
        room=ROOM,
        up=("Exceptions", QUEUE),
        states=(chip("On", "positive") if state.enabled else chip("Off", "warning"),),
        sentence=(
            "Each lead is dispatched as it arrives, by the rules and caps of that moment."
            if state.enabled
            else "Each lead that arrives waits in the exception queue for an operator."
        ),
        facts=(
            Fact("Changed", Shown(state.changed_at, Kind.INSTANT)),
            Fact("Changed by", Shown(state.changed_by)),
            Fact("Reason", Shown(state.reason)),
        ),
        actions=(_action(state, operator),),
        timeline=timeline,
    )
    return show_document(console, request, document, done)


def _action(state: AutoDispatchState, operator: Operator) -> Action:
    why: Any = refused(operator, WRITE)
    return Action(
        "switch",
        "Turn off" if state.enabled else "Turn on",
        PATH,
        effect=(
            "From now on each lead that arrives waits in the exception queue. What is on its way arrives."
            if state.enabled
            else "Leads that arrive from now on are dispatched at once. Those that wait stay in the queue: retry them."
        ),
        fields=(FormField("reason", "Reason", FieldKind.PROSE, is_required=True, longest=1000),),
        hidden={"enabled": "false" if state.enabled else "true", "version": str(state.version)},
        done="The switch is turned",
        destroys=state.enabled,
        **why,
    )


@form_at(PATH, WRITE)
async def switch_by_form(
    data: JSONBody[SwitchForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await set_auto_dispatch.fn(data, database, clock, operator)
    return console.redirect(f"{PATH}?done=switch")


ROUTES = (show_auto_dispatch, switch_by_form)
