"""Installers over HTTP."""

from collections.abc import Collection
from typing import Annotated, cast
from uuid import UUID

from litestar import Response, get, patch, post, put
from litestar.datastructures import ResponseHeader
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Line, Operator, requires
from chassis.http.auth import CapabilityMissing
from chassis.ids import new_id
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import AustralianState, InstallerStatus
from services.routing.commands import installers as commands
from services.routing.commands.installers import AddInstaller, ChangeStatus, ParticularsChanges
from services.routing.domain.profile import Particulars
from services.routing.http.fields import Abn, Address, Email, Note, Phone, ServiceSlug, TimeZone
from services.routing.http.installer_answers import detail_of
from services.routing.http.installer_views import (
    Caps,
    CapsChange,
    InstallerDetail,
    InstallerRow,
    TerritoryChange,
    TerritoryShape,
)
from services.routing.queries import installers as queries
from services.routing.queries.counters import usage_of
from services.routing.queries.preflight import missing_of
from services.routing.settings import Settings

Services = Annotated[list[ServiceSlug], Field(min_length=1, max_length=50)]


class NewInstaller(Body):
    """`billing_email` is `email` and `time_zone` the business's, unless given. With an `id`, sent twice it is one."""

    id: UUID | None = None
    name: Line
    abn: Abn | None = None
    gst_registered: bool
    email: Annotated[Email, Field(description="gets the leads")]
    billing_email: Email | None = None
    billing_address: Address | None = None
    phone: Phone | None = None
    time_zone: TimeZone | None = None
    services: Services
    status: InstallerStatus = InstallerStatus.ACTIVE
    caps: Caps = Field(default_factory=Caps)
    territory: TerritoryShape = Field(default_factory=TerritoryShape)

    def particulars(self, default_time_zone: str) -> Particulars:
        return Particulars(
            name=self.name,
            abn=self.abn,
            gst_registered=self.gst_registered,
            email=self.email,
            billing_email=self.billing_email or self.email,
            billing_address=self.billing_address,
            phone=self.phone,
            time_zone=self.time_zone or default_time_zone,
            services=tuple(sorted(set(self.services))),
        )


class InstallerChanges(Body):
    """What is left out stays. `abn`, `billing_address` and `phone` can be set to null, the others cannot."""

    # The defaults are never read: `given` asks for what was sent. A factory's default is not documented as one.
    name: Line = Field(default_factory=str)
    abn: Abn | None = None
    gst_registered: bool = Field(default_factory=bool)
    email: Email = Field(default_factory=str)
    billing_email: Email = Field(default_factory=str)
    billing_address: Address | None = None
    phone: Phone | None = None
    time_zone: TimeZone = Field(default_factory=str)
    services: Services = Field(default_factory=list)
    reason: Note | None = None

    def given(self) -> ParticularsChanges:
        sent = {name: getattr(self, name) for name in self.model_fields_set if name != "reason"}
        if "services" in sent:
            sent["services"] = tuple(sorted(set(self.services)))
        return cast(ParticularsChanges, sent)


class StatusChange(Body):
    status: InstallerStatus
    reason: Note


BILLING_FIELDS = frozenset({"abn", "gst_registered", "billing_email", "billing_address"})
"""What an installer is invoiced by: who sets one of them manages billing."""


@post(
    "/admin/installers",
    guards=[requires(Capability.MANAGE_BILLING_OPS)],
    response_headers=[ResponseHeader("Location", documentation_only=True, description="the installer")],
)
async def add_installer(
    data: JSONBody[NewInstaller],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> Response[InstallerDetail]:
    command = AddInstaller(
        installer_id=data.id or new_id(),
        particulars=data.particulars(settings.business_time_zone),
        by=operator,
        status=data.status,
        limits=data.caps.limits(),
        territory=data.territory.territory(),
    )
    async with database.transaction() as session:
        installer = await commands.add_installer(session, command, clock.now())
        detail = await detail_of(session, installer, clock.now())
    return Response(detail, headers={"Location": f"/admin/installers/{installer.id}"})


@get("/admin/installers", guards=[requires(Capability.READ_OPS)])
async def list_installers(
    database: Given[Database],
    clock: Given[Clock],
    page: Given[PageRequest],
    status: FromQuery[InstallerStatus | None] = None,
    service: Annotated[str | None, QueryParameter(max_length=80)] = None,
    name: Annotated[str | None, QueryParameter(max_length=100, description="a part of the name")] = None,
    covers_postcode: Annotated[str | None, QueryParameter(pattern="^[0-9]{4}$", max_length=4)] = None,
    covers_state: FromQuery[AustralianState | None] = None,
    is_ready: FromQuery[bool | None] = None,
) -> Page[InstallerRow]:
    """Newest first, with what is taken of each cap now. `covers_postcode` and `covers_state` are one place.

    Who `is_ready` can receive leads, be billed for them and pay.
    """
    wanted = queries.InstallerFilter(status, service, name, covers_postcode, covers_state, is_ready)
    now = clock.now()
    async with database.reading() as session:
        installers = await queries.list_installers(session, wanted, page, now)
        usage = await usage_of(session, installers, now)
        missing = await missing_of(session, [each.id for each in installers], now)
    return page.page(installers, queries.place_of, lambda row: InstallerRow.of(row, usage[row.id], missing[row.id]))


@get("/admin/installers/{installer_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_installer(
    installer_id: FromPath[UUID], database: Given[Database], clock: Given[Clock]
) -> InstallerDetail:
    async with database.reading() as session:
        return await detail_of(session, await queries.get(session, installer_id), clock.now())


@patch("/admin/installers/{installer_id:uuid}", guards=[requires(Capability.WRITE_ROUTING)])
async def change_installer(
    installer_id: FromPath[UUID],
    data: JSONBody[InstallerChanges],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> InstallerDetail:
    """Change what is given; the rest stays.

    ABN, GST registration and where invoices go need the capability manage_billing_ops besides.
    """
    refuse_billing_fields(data.model_fields_set, operator)
    async with database.transaction() as session:
        installer = await commands.change_particulars(
            session, installer_id, data.given(), operator, clock.now(), data.reason
        )
        return await detail_of(session, installer, clock.now())


@put("/admin/installers/{installer_id:uuid}/territory", guards=[requires(Capability.WRITE_ROUTING)])
async def set_territory(
    installer_id: FromPath[UUID],
    data: JSONBody[TerritoryChange],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> InstallerDetail:
    """Replace the territory as a whole: a place in any of its parts is covered."""
    async with database.transaction() as session:
        installer = await commands.set_territory(
            session, installer_id, data.territory(), operator, clock.now(), data.reason
        )
        return await detail_of(session, installer, clock.now())


@put("/admin/installers/{installer_id:uuid}/caps", guards=[requires(Capability.WRITE_ROUTING)])
async def set_caps(
    installer_id: FromPath[UUID],
    data: JSONBody[CapsChange],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> InstallerDetail:
    """Replace all limits: a window that is left out has none. What was taken stays taken."""
    async with database.transaction() as session:
        installer = await commands.set_caps(session, installer_id, data.limits(), operator, clock.now(), data.reason)
        return await detail_of(session, installer, clock.now())


@post("/admin/installers/{installer_id:uuid}/status", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def change_installer_status(
    installer_id: FromPath[UUID],
    data: JSONBody[StatusChange],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> InstallerDetail:
    """Only an active installer gets leads; what is on its way to a paused one still arrives."""
    command = ChangeStatus(installer_id, data.status, data.reason, operator)
    async with database.transaction() as session:
        installer = await commands.change_status(session, command, clock.now())
        return await detail_of(session, installer, clock.now())


def refuse_billing_fields(given: Collection[str], operator: Operator) -> None:
    needing = sorted(BILLING_FIELDS.intersection(given))
    if needing and not operator.can(Capability.MANAGE_BILLING_OPS):
        capability = Capability.MANAGE_BILLING_OPS
        raise CapabilityMissing(
            f"to change {', '.join(needing)} needs the capability {capability}", capability=capability
        )


ROUTES = (
    add_installer,
    list_installers,
    get_installer,
    change_installer,
    set_territory,
    set_caps,
    change_installer_status,
)
