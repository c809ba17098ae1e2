"""Making a new lead source. A key is in one answer, and nowhere else."""

from typing import Any

from litestar import Request, Response
from litestar.params import JSONBody

from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.fields import FormField
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.intake.http.source_rows import IssuedKey
from services.intake.http.sources import LeadSourceName, create_lead_source
from services.intake.pages.new import show_form
from services.intake.pages.sources import PATH, REASON_IF_ANY, ROOM, WORKING, WRITE

UP = ("Lead sources", f"{PATH}?{WORKING}")


class NewSourceForm(LeadSourceName, Form):
    """As the JSON route takes it."""


@page_at(PATH + "/new", Capability.READ_OPS)
async def show_new_source(
    request: Request[Any, Any, Any], console: Given[Console], operator: Given[Operator]
) -> Response[str]:
    why: Any = refused(operator, WRITE)
    action = Action(
        "new",
        "Add lead source",
        PATH,
        effect="Makes its first key and shows it once.",
        fields=(
            FormField("name", "Name", is_required=True, longest=120, hint="No other source has it"),
            REASON_IF_ANY,
        ),
        **why,
    )
    return show_form(console, request, action, up=UP, room=ROOM)


@form_at(PATH, WRITE)
async def create_by_form(
    data: JSONBody[NewSourceForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Response[str]:
    answer = await create_lead_source.fn(data, database, clock, operator)
    return show_key(console, request, answer.content)


def show_key(console: Console, request: Request[Any, Any, Any], issued: IssuedKey) -> Response[str]:
    """In this answer alone, which no cache keeps: a redirect would have to carry it."""
    context = {"issued": issued, "path": f"{PATH}/{issued.id}", "up": UP}
    return console.page(request, "issued.html", context, room=ROOM)


ROUTES = (show_new_source, create_by_form)
