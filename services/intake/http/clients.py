"""Corporate clients: all that is kept of one says whom to invoice, and on what terms."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Line, Operator, Text, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.clients import ClientTerms, change_client, create_client
from services.intake.http.fields import Abn, Email
from services.intake.settings import Settings

BillingAddress = Annotated[Text, StringConstraints(max_length=500)]
TermsDays = Annotated[int, Field(ge=0, le=365, description="days from an invoice's issue to its due date")]


class ClientRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    version: int
    name: str
    abn: str | None
    billing_name: str
    billing_email: str
    billing_address: str | None
    terms_days: int
    created_at: datetime


class NewClient(Body):
    """`billing_name` is the client's name and `terms_days` the setting, unless given."""

    name: Line
    abn: Abn | None = None
    billing_name: Line | None = None
    billing_email: Email
    billing_address: BillingAddress | None = None
    terms_days: TermsDays | None = None

    def terms(self, default_terms_days: int) -> ClientTerms:
        return ClientTerms(
            name=self.name,
            abn=self.abn,
            billing_name=self.billing_name or self.name,
            billing_email=self.billing_email,
            billing_address=self.billing_address,
            terms_days=default_terms_days if self.terms_days is None else self.terms_days,
        )


class ClientChanges(Body):
    """What is left out stays. `abn` and `billing_address` can be set to null, the others cannot."""

    # The defaults are never read: `given` asks for what was sent. A factory's default is not documented as one.
    name: Line = Field(default_factory=str)
    abn: Abn | None = None
    billing_name: Line = Field(default_factory=str)
    billing_email: Email = Field(default_factory=str)
    billing_address: BillingAddress | None = None
    terms_days: TermsDays = Field(default_factory=int)

    def given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}


@post("/admin/clients", guards=[requires(Capability.MANAGE_BILLING_OPS)])
async def add_client(
    data: JSONBody[NewClient],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> ClientRow:
    async with database.transaction() as session:
        client = await create_client(session, data.terms(settings.client_terms_days), operator, clock.now())
    return ClientRow.model_validate(client)


@get("/admin/clients", guards=[requires(Capability.READ_OPS)])
async def list_clients(
    database: Given[Database],
    page: Given[PageRequest],
    abn: Annotated[str | None, QueryParameter(pattern="^[0-9]{11}$", max_length=11)] = None,
) -> Page[ClientRow]:
    """Newest first."""
    async with database.reading() as session:
        clients = await queries.list_clients(session, page, abn=abn)
    return page.page(clients, lambda client: (client.created_at, client.id), ClientRow.model_validate)


@get("/admin/clients/{client_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_client(client_id: FromPath[UUID], database: Given[Database]) -> ClientRow:
    async with database.reading() as session:
        return ClientRow.model_validate(await queries.client(session, client_id))


@patch("/admin/clients/{client_id:uuid}", guards=[requires(Capability.MANAGE_BILLING_OPS)])
async def edit_client(
    client_id: FromPath[UUID], data: JSONBody[ClientChanges], database: Given[Database], operator: Given[Operator]
) -> ClientRow:
    """Change what is given; the rest stays."""
    async with database.transaction() as session:
        client = await change_client(session, client_id, data.given(), operator)
    return ClientRow.model_validate(client)


ROUTES = (add_client, list_clients, get_client, edit_client)
