"""What lead sources may do: hand a lead in, and ask what became of it. Their API key is the bearer token."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.datastructures import ResponseHeader
from litestar.handlers.base import BaseRouteHandler
from litestar.params import FromPath, HeaderParameter, JSONBody
from litestar.types import Guard
from pydantic import BaseModel

from chassis.clock import Clock
from chassis.console import Console
from chassis.database import Database
from chassis.http import Given, public
from chassis.http.auth import Connection, token_of
from chassis.http.openapi import API_KEY
from services.intake import queries
from services.intake.commands.leads.taking import TakeLead, TakenLead
from services.intake.commands.leads.testing import hand_in
from services.intake.domain import SUBMISSION_KEY, LeadOutcome, LeadStatus
from services.intake.domain.vocabulary import KEY_HEADER
from services.intake.http.lead_body import LeadSubmission, header_key
from services.intake.http.refusals import Refusals
from services.intake.http.specs import LeadSpec, address_of, spec_of
from services.intake.keyring import KeyRing
from services.intake.models import Lead, TestSubmission
from services.intake.queries import LiveKey
from services.intake.rates import RateLimiter
from services.intake.settings import Settings

REPLAYED = "Idempotent-Replayed"
BY_KEY = public("authenticated by the lead source's API key")


def source_guard(keys: KeyRing, rates: RateLimiter) -> Guard:
    """Lets in who holds a working key and has not sent too much, before anything of the request is looked at.

    To ask what became of a lead is no lead, and takes nothing of the rate.
    """

    async def authenticate_source(connection: Connection, _handler: BaseRouteHandler) -> None:
        live = await keys.holder(token_of(connection))
        connection.scope["user"] = live
        header_key.set(connection.headers.get(KEY_HEADER))
        if connection.scope.get("method") == "POST":
            await rates.admit(live.source_id, live.rate_per_minute)

    return authenticate_source


class LeadReceipt(BaseModel):
    """The answer to a submission: the same however often it is repeated."""

    id: UUID
    status: LeadStatus
    test: bool = False


class LeadProgress(BaseModel):
    """What became of a lead. `outcome` is null while nothing is decided, and for ever of a test."""

    id: UUID
    test: bool = False
    status: LeadStatus
    outcome: LeadOutcome | None
    received_at: datetime
    status_since: datetime
    delivered_at: datetime | None

    @classmethod
    def of(cls, lead: Lead | TestSubmission) -> "LeadProgress":
        if isinstance(lead, TestSubmission):
            return cls(
                id=lead.id,
                test=True,
                status=LeadStatus.RECEIVED,
                outcome=None,
                received_at=lead.received_at,
                status_since=lead.received_at,
                delivered_at=None,
            )
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
    guards=[BY_KEY],
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
            name=KEY_HEADER,
            pattern=SUBMISSION_KEY,
            max_length=200,
            description="in place of `client_submission_key`, or equal to it",
        ),
    ] = None,
) -> Response[LeadReceipt]:
    """Take a lead in, exactly once for ever per source and key.

    The same key with the same content gives the first answer again; with other content it is refused. The answer says
    `received`: the lead is looked at right after it, and `Location` tells what became of it. A test is answered in the
    same way, and nothing comes of it.
    """
    command = TakeLead(
        source=request.user,
        submission_key=str(data.client_submission_key),
        content=data.content(),
        remote_address=_peer(request),
        now=clock.now(),
    )
    return _receipt(await hand_in(database, command, asks_for_test=data.test))


def _peer(request: Request[LiveKey, Any, Any]) -> str:
    """The other end of the connection, or what a proxy that is named in FORWARDED_ALLOW_IPS says of it."""
    return request.client.host if request.client else "unknown"


def _receipt(taken: TakenLead) -> Response[LeadReceipt]:
    headers = {"Location": f"/leads/{taken.lead_id}"}
    if taken.is_replay:
        headers[REPLAYED] = "true"
    return Response(LeadReceipt(id=taken.lead_id, status=taken.status, test=taken.is_test), headers=headers)


@get("/leads/{lead_id:uuid}", guards=[BY_KEY], security=[{API_KEY: []}])
async def get_own_lead(
    request: Request[LiveKey, Any, Any], lead_id: FromPath[UUID], database: Given[Database]
) -> LeadProgress:
    """What became of a lead of one's own."""
    async with database.reading() as session:
        return LeadProgress.of(await queries.own_submission(session, lead_id, request.user.source_id))


@get("/leads/spec", guards=[BY_KEY], security=[{API_KEY: []}])
async def get_own_spec(
    request: Request[LiveKey, Any, Any], database: Given[Database], settings: Given[Settings], console: Given[Console]
) -> LeadSpec:
    """How to hand leads in, as it is at this moment: fields, answers, faults, limits, and an example."""
    async with database.reading() as session:
        source = await queries.source(session, request.user.source_id)
    return spec_of(source, settings, address_of(console, request))


def source_routes(keys: KeyRing, rates: RateLimiter, refusals: Refusals) -> Router:
    # A function: Litestar copies a method together with what it is of.
    def answer(request: Request[Any, Any, Any], fault: Exception) -> Response[Any]:
        return refusals.answer(request, fault)

    return Router(
        "/",
        guards=[source_guard(keys, rates)],
        exception_handlers={Exception: answer},
        route_handlers=[submit_lead, get_own_lead, get_own_spec],
    )
