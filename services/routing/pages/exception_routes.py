"""The forms of an item's page: each does its deed, unless somebody did another since the page was shown."""

from typing import Any
from uuid import UUID

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, form_at
from chassis.console.timeline import refuse_if_changed
from chassis.database import Database
from chassis.http import Given, Operator
from services.routing.pages.exception_deeds import DEEDS, Asked, Deed
from services.routing.pages.exception_forms import WRITE, SeenForm
from services.routing.pages.telling import EXCEPTIONS as PATH


def _route(deed: Deed[Any, Any]) -> HTTPRouteHandler:
    form = deed.form

    @form_at(f"{PATH}/{{exception_id:uuid}}/{deed.action}", WRITE)
    async def do_by_form(
        exception_id: FromPath[UUID],
        data: JSONBody[form],  # type: ignore[valid-type]
        console: Given[Console],
        database: Given[Database],
        clock: Given[Clock],
        operator: Given[Operator],
    ) -> Redirect:
        """Back to the page, where it stands."""
        asked: Asked[SeenForm] = Asked(exception_id, data, operator, console.wording.zone)
        async with database.transaction() as session:
            await refuse_if_changed(session, Subject("dispatch_exception", exception_id), asked.form.seen)
            await deed.do(session, asked, clock.now())
        return console.redirect(f"{PATH}/{exception_id}?done={deed.action}")

    return do_by_form


ROUTES = tuple(_route(deed) for deed in DEEDS)
