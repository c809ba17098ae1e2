"""Adding an installer: one page with all that the JSON route takes."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import JSONBody
from litestar.response import Redirect
from pydantic import Field

from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action
from chassis.database import Database
from chassis.http import Given, Line, Operator
from chassis.ids import new_id
from contracts.identity import Capability
from services.routing.http.fields import Abn, Address, Email, Phone, TimeZone
from services.routing.http.installer_views import Caps, TerritoryShape
from services.routing.http.installers import NewInstaller, add_installer
from services.routing.pages.installer_deeds import cap_fields
from services.routing.pages.installer_forms import (
    WrittenServices,
    WrittenTerritory,
    contact_fields,
    invoicing_fields,
    territory_field,
)
from services.routing.pages.installers import ROOM
from services.routing.pages.telling import INSTALLERS as PATH
from services.routing.settings import Settings


class NewInstallerForm(Caps, Form):
    """`id` comes with the page, so that what is sent twice is added once."""

    id: UUID
    name: Line
    email: Email
    phone: Phone | None = None
    services: WrittenServices
    time_zone: TimeZone
    abn: Abn | None = None
    gst_registered: bool = False
    billing_email: Email | None = None
    billing_address: Address | None = None
    territory: WrittenTerritory = Field(default_factory=TerritoryShape)

    def body(self) -> NewInstaller:
        return NewInstaller(
            id=self.id,
            name=self.name,
            email=self.email,
            phone=self.phone,
            services=self.services,
            time_zone=self.time_zone,
            abn=self.abn,
            gst_registered=self.gst_registered,
            billing_email=self.billing_email,
            billing_address=self.billing_address,
            caps=Caps(day=self.day, week=self.week, month=self.month),
            territory=self.territory,
        )


@page_at(f"{PATH}/new", Capability.MANAGE_BILLING_OPS)
async def show_new_installer(request: Request[Any, Any, Any], console: Given[Console]) -> Response[str]:
    field_sets = (
        ("Who it is", contact_fields(zone=console.settings.business_time_zone)),
        ("What it is invoiced by", invoicing_fields()),
        ("Caps", cap_fields()),
        ("Where it works", [territory_field()]),
    )
    action = Action("add", "Add installer", PATH, hidden={"id": str(new_id())})
    return console.page(request, "new_installer.html", {"action": action, "field_sets": field_sets}, room=ROOM)


@form_at(PATH, Capability.MANAGE_BILLING_OPS)
async def add_installer_by_form(
    data: JSONBody[NewInstallerForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> Redirect:
    await add_installer.fn(data.body(), database, clock, settings, operator)
    return console.redirect(f"{PATH}/{data.id}")


ROUTES = (show_new_installer, add_installer_by_form)
