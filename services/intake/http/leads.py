"""Leads as operators see them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import get, post
from litestar.di import Provide
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import AfterValidator, BaseModel, ConfigDict

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, Text, requires
from chassis.paging import Page, PageRequest
from contracts.forms import LONGEST_SERVICE
from contracts.identity import Capability
from contracts.values import AustralianState, SelectedPath
from services.intake import queries
from services.intake.commands.leads.closing import CloseLead, close_lead
from services.intake.domain import CloseReason, LeadAction, LeadOutcome, LeadStatus, OwnerDeed
from services.intake.domain.duplicates import RejectReason
from services.intake.domain.leads import by_an_operator
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
    """`given_at` and `remote_address` are of the request that handed the lead in; `asserted_*` what its source says."""

    model_config = ConfigDict(from_attributes=True)

    text: str
    url: str
    remote_address: str
    given_at: datetime
    asserted_given_at: datetime | None = None
    asserted_remote_address: str | None = None


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


Finance = Annotated[
    Literal["held", "billable", "credited", "void", "none"] | None,
    QueryParameter(description="a delivery of it is that with billing; `none` where billing has none"),
]
Typed = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=200,
        description="words that each stand in its name, e-mail, phone, address or submission key, or in those of "
        "leads that were merged into it",
    ),
]


def filters_of(
    clock: Given[Clock],
    status: FromQuery[LeadStatus | None] = None,
    path: Annotated[SelectedPath | None, QueryParameter(description="the selected path")] = None,
    # Litestar keeps the name `state` for itself.
    in_state: Annotated[AustralianState | None, QueryParameter(name="state")] = None,
    postcode: Annotated[str | None, QueryParameter(pattern="^[0-9]{4}$", max_length=4)] = None,
    suburb: Annotated[str | None, QueryParameter(max_length=100, description="in any case")] = None,
    source_id: FromQuery[UUID | None] = None,
    received_from: FromQuery[AwareInstant | None] = None,
    received_to: Annotated[AwareInstant | None, QueryParameter(description="exclusive")] = None,
    service: Annotated[str | None, QueryParameter(max_length=LONGEST_SERVICE)] = None,
    finance: Finance = None,
    late: Annotated[bool, QueryParameter(description="what is longer what it is than it may be")] = False,
    q: Typed = None,
) -> LeadFilters:
    """What narrows the list, as a dependency of its route."""
    return LeadFilters(
        status=status,
        selected_path=path,
        state=in_state,
        postcode=postcode,
        suburb=suburb,
        source_id=source_id,
        received_from=received_from,
        received_to=received_to,
        service=service,
        finance=finance,
        late_at=clock.now() if late else None,
        typed=q,
    )


@get(
    "/admin/leads",
    guards=[requires(Capability.READ_OPS)],
    dependencies={"filters": Provide(filters_of, sync_to_thread=False)},
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
