"""A mail that came back, put in by hand."""

from typing import Annotated, Any

from litestar import Request, Response
from litestar.params import JSONBody
from litestar.response import Redirect
from pydantic import StringConstraints

from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.fields import FieldKind, FormField
from chassis.database import Database
from chassis.http import Given, Operator
from services.notifications.http.bounces import LARGEST_NOTIFICATION_BYTES, take_in_bounce
from services.notifications.pages.messages import BOUNCE, PATH, QUEUE, ROOM, WRITE
from services.notifications.settings import Settings


class BounceForm(Form):
    notification: Annotated[str, StringConstraints(min_length=1, max_length=LARGEST_NOTIFICATION_BYTES)]


@page_at(BOUNCE, WRITE)
async def show_new_bounce(
    request: Request[Any, Any, Any], console: Given[Console], operator: Given[Operator]
) -> Response[str]:
    action = Action(
        "bounce",
        "Put in",
        BOUNCE,
        effect=(
            "Marks its message as bounced and tells who waited for it. An address that does not exist gets no more "
            "mail; a lead that came back can be returned at once."
        ),
        fields=(
            FormField(
                "notification",
                "Returned mail",
                FieldKind.PROSE,
                is_required=True,
                hint="The source of the whole mail, headers and all. Nothing of it is kept but the server's status.",
                longest=LARGEST_NOTIFICATION_BYTES,
            ),
        ),
        **refused(operator, WRITE),
    )
    context = {"title": "Put in a returned mail", "up": ("Messages", QUEUE), "action": action}
    return console.page(request, "new.html", context, room=ROOM)


@form_at(BOUNCE, WRITE, request_max_body_size=3 * LARGEST_NOTIFICATION_BYTES)
async def take_bounce_by_form(
    data: JSONBody[BounceForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> Redirect:
    row = await take_in_bounce.fn(data.notification.encode(), database, clock, settings, operator)
    return console.redirect(f"{PATH}/{row.id}")


ROUTES = (show_new_bounce, take_bounce_by_form)
