"""Leads as operators see them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.di import Provide
from litestar.params import FromPath, FromQuery, JSONBody
from pydantic import AfterValidator, BaseModel, ConfigDict

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, Text, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import AustralianState, SelectedPath
from services.intake import queries
from services.intake.commands.leads.closing import CloseLead, close_lead
from services.intake.domain import CloseReason, LeadAction, LeadOutcome, LeadStatus, OwnerDeed
from services.intake.domain.duplicates import RejectReason
from services.intake.domain.leads import by_an_operator
from services.intake.http.narrowing import filters_of, owned_by
from services.intake.models import Consent, Lead, LeadStatusChange
from services.intake.queries import LeadFilters, LeadOrder


class LeadRow(BaseModel):
    """A lead in a list. Age and time in stage follow from `received_at` and `status_since`."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    source_id: UUID
    status: LeadStatus
    status_since: datetime
    outcome: LeadOutcome | None
    exception_reason: str | None
    close_reason: CloseReason | None
    reject_reason: RejectReason | None
    merged_into: UUID | None
    selected_path: SelectedPath
    service: str
    name: str
    suburb: str
    state: AustralianState
    postcode: str
    received_at: datetime
    delivered_at: datetime | None
    owner_id: UUID | None
    owner_name: str | None
    owner_since: datetime | None
    available_actions: list[LeadAction | OwnerDeed]


class ConsentRecord(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    text: str
    url: str
    remote_address: str
    given_at: datetime


class StatusChange(BaseModel):
    """A step of a lead's way; `event_id` is routing's where routing moved it, `actor_name` an operator's."""

    model_config = ConfigDict(from_attributes=True)

    from_status: LeadStatus
    to_status: LeadStatus
    changed_at: datetime
    reason_code: str | None
    actor_name: str | None
    event_id: UUID | None


class LeadDetail(LeadRow):
    submission_key: str
    email: str
    phone: str
    street: str
    consent: ConsentRecord
    history: list[StatusChange]

    @classmethod
    def of(cls, lead: Lead, consent: Consent, history: list[LeadStatusChange]) -> "LeadDetail":
        row = LeadRow.model_validate(lead)
        return cls(
            **row.model_dump(),
            submission_key=lead.submission_key,
            email=lead.email,
            phone=lead.phone,
            street=lead.street,
            consent=ConsentRecord.model_validate(consent),
            history=[StatusChange.model_validate(change) for change in history],
        )


class LeadClosing(Body):
    """`reason` is the operator's own words."""

    reason_code: Annotated[CloseReason, AfterValidator(by_an_operator)]
    reason: Text | None = None


@get(
    "/admin/leads",
    guards=[requires(Capability.READ_OPS)],
    dependencies={
        "owned": Provide(owned_by, sync_to_thread=False),
        "filters": Provide(filters_of, sync_to_thread=False),
    },
)
async def list_leads(
    database: Given[Database],
    page: Given[PageRequest],
    filters: Given[LeadFilters],
    sort: FromQuery[LeadOrder] = LeadOrder.NEWEST,
) -> Page[LeadRow]:
    """Newest first, unless it is asked for otherwise. A cursor is of the order in which its page was."""
    async with database.reading() as session:
        leads = await queries.list_leads(session, page, filters, sort)
    return page.page(leads, sort.place, LeadRow.model_validate)


@get("/admin/leads/{lead_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_lead(lead_id: FromPath[UUID], database: Given[Database]) -> LeadDetail:
    """All of a lead, with its consent and its way so far."""
    async with database.reading() as session:
        lead = await queries.lead(session, lead_id)
        consent = await queries.consent_of(session, lead_id)
        return LeadDetail.of(lead, consent, list(await queries.history_of(session, lead_id)))


@post("/admin/leads/{lead_id:uuid}/close", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def close_lead_by_hand(
    lead_id: FromPath[UUID],
    data: JSONBody[LeadClosing],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> LeadRow:
    """End a lead's way: no installer gets it any more. Closed twice is closed once, for the first reason."""
    command = CloseLead(lead_id, data.reason_code, data.reason, operator, clock.now())
    async with database.transaction() as session:
        lead = await close_lead(session, command)
    return LeadRow.model_validate(lead)


ROUTES = (list_leads, get_lead, close_lead_by_hand)
