"""What lead sources may do: hand a lead in, and ask what became of it. Their API key is the bearer token."""

from contextvars import ContextVar
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.datastructures import ResponseHeader
from litestar.handlers.base import BaseRouteHandler
from litestar.params import FromPath, HeaderParameter, JSONBody
from litestar.types import Guard
from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Text, public
from chassis.http.auth import Connection, token_of
from chassis.http.openapi import API_KEY
from contracts.values import AustralianState, SelectedPath
from services.intake import queries
from services.intake.commands.leads.taking import TakeLead, TakenLead, take_lead
from services.intake.domain import SUBMISSION_KEY, LeadContent, LeadOutcome, LeadStatus
from services.intake.http.fields import Email, PersonName, Phone, Postcode, ServiceSlug, Street, Suburb, WebAddress
from services.intake.keyring import KeyRing
from services.intake.models import Lead
from services.intake.queries import LiveKey

IDEMPOTENCY_KEY = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"

_header_key: ContextVar[str | None] = ContextVar("idempotency_key", default=None)
"""The header's key, for the body's validation: what is wrong between the two is told with all other faults."""


def source_guard(keys: KeyRing) -> Guard:
    """Lets in who holds a working key, before anything of the request is looked at."""

    async def authenticate_source(connection: Connection, _handler: BaseRouteHandler) -> None:
        connection.scope["user"] = await keys.holder(token_of(connection))
        _header_key.set(connection.headers.get(IDEMPOTENCY_KEY))

    return authenticate_source


def _agreed(in_body: str | None) -> str:
    in_header = _header_key.get()
    if in_body is not None and in_header is not None and in_body != in_header:
        raise PydanticCustomError("submission_keys_differ", "must be the same as the header Idempotency-Key")
    key = in_body or in_header
    if key is None:
        raise PydanticCustomError("missing", "Field required, or the header Idempotency-Key")
    return key


class AddressOfLead(Body):
    street: Street
    suburb: Suburb
    state: AustralianState
    postcode: Postcode


class ConsentOfLead(Body):
    """What the person was shown and agreed to, and on which page; instant and remote address are taken by us."""

    text: Text
    url: WebAddress


class LeadSubmission(Body):
    """A lead as its source hands it in. The key makes it one lead for ever, however often it is sent."""

    client_submission_key: Annotated[
        str | None, Field(pattern=SUBMISSION_KEY, max_length=200), AfterValidator(_agreed)
    ] = Field(None, validate_default=True)
    selected_path: SelectedPath
    service: ServiceSlug
    name: PersonName
    email: Email
    phone: Phone
    address: AddressOfLead
    consent: ConsentOfLead

    def content(self) -> LeadContent:
        return LeadContent(
            selected_path=self.selected_path,
            service=self.service,
            name=self.name,
            email=self.email,
            phone=self.phone,
            street=self.address.street,
            suburb=self.address.suburb,
            state=self.address.state,
            postcode=self.address.postcode,
            consent_text=self.consent.text,
            consent_url=self.consent.url,
        )


class LeadReceipt(BaseModel):
    """The answer to a submission: the same however often it is repeated."""

    id: UUID
    status: LeadStatus


class LeadProgress(BaseModel):
    """What became of a lead. `outcome` is null while nothing is decided."""

    id: UUID
    status: LeadStatus
    outcome: LeadOutcome | None
    received_at: datetime
    status_since: datetime
    delivered_at: datetime | None

    @classmethod
    def of(cls, lead: Lead) -> "LeadProgress":
        return cls(
            id=lead.id,
            status=lead.status,
            outcome=lead.outcome,
            received_at=lead.received_at,
            status_since=lead.status_since,
            delivered_at=lead.delivered_at,
        )


@post(
    "/leads",
    status_code=202,
    guards=[public("authenticated by the lead source's API key")],
    security=[{API_KEY: []}],
    response_headers=[
        ResponseHeader(name="Location", description="where to ask what became of it", documentation_only=True),
        ResponseHeader(name=REPLAYED, description="`true` where it was handed in before", documentation_only=True),
    ],
)
async def submit_lead(
    request: Request[LiveKey, Any, Any],
    data: JSONBody[LeadSubmission],
    database: Given[Database],
    clock: Given[Clock],
    _idempotency_key: Annotated[
        str | None,
        HeaderParameter(
            name=IDEMPOTENCY_KEY,
            pattern=SUBMISSION_KEY,
            max_length=200,
            description="in place of `client_submission_key`, or equal to it",
        ),
    ] = None,
) -> Response[LeadReceipt]:
    """Take a lead in, exactly once for ever per source and key.

    The same key with the same content gives the first answer again; with other content it is refused. The answer says
    `received`: the lead is looked at right after it, and `Location` tells what became of it.
    """
    command = TakeLead(
        source=request.user,
        submission_key=str(data.client_submission_key),
        content=data.content(),
        remote_address=_peer(request),
        now=clock.now(),
    )
    return _receipt(await take_lead(database, command))


def _peer(request: Request[LiveKey, Any, Any]) -> str:
    """The other end of the connection, or what a proxy that is named in FORWARDED_ALLOW_IPS says of it."""
    return request.client.host if request.client else "unknown"


def _receipt(taken: TakenLead) -> Response[LeadReceipt]:
    headers = {"Location": f"/leads/{taken.lead_id}"}
    if taken.is_replay:
        headers[REPLAYED] = "true"
    return Response(LeadReceipt(id=taken.lead_id, status=taken.status), headers=headers)


@get(
    "/leads/{lead_id:uuid}",
    guards=[public("authenticated by the lead source's API key")],
    security=[{API_KEY: []}],
)
async def get_own_lead(
    request: Request[LiveKey, Any, Any], lead_id: FromPath[UUID], database: Given[Database]
) -> LeadProgress:
    """What became of a lead of one's own."""
    async with database.reading() as session:
        return LeadProgress.of(await queries.own_lead(session, lead_id, request.user.source_id))


def source_routes(keys: KeyRing) -> Router:
    return Router("/", guards=[source_guard(keys)], route_handlers=[submit_lead, get_own_lead])
