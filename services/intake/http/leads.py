"""Leads as operators see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from litestar import get, post
from litestar.di import Provide
from litestar.params import FromPath, FromQuery, JSONBody
from pydantic import AfterValidator, BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

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
from services.intake.domain.escalation import SubjectKind
from services.intake.domain.leads import by_an_operator
from services.intake.http.narrowing import filters_of, owned_by
from services.intake.models import Lead
from services.intake.queries import LeadFilters, LeadOrder


class LeadRow(BaseModel):
    """A lead in a list. Age and time in stage follow from `received_at` and `status_since`.

    `late_from` is the instant after which it is late, by its state or by its age; null where it waits for nothing.
    `critical_since` is kept once it is critical no more; `escalates_at` is when something happens next by itself.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    source_id: UUID
    status: LeadStatus
    status_since: datetime
    late_from: datetime | None
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
    is_critical: bool
    critical_since: datetime | None
    snoozed_until: datetime | None
    escalates_at: datetime | None = None
    available_actions: list[LeadAction | OwnerDeed]

    @classmethod
    async def of(cls, session: AsyncSession, lead: Lead) -> Self:
        (row,) = await cls.of_all(session, [lead])
        return row

    @classmethod
    async def of_all(cls, session: AsyncSession, leads: Sequence[Lead]) -> list[Self]:
        ahead = await queries.next_of(session, SubjectKind.LEAD, [lead.id for lead in leads])
        rows = [cls.model_validate(lead) for lead in leads]
        return [row.model_copy(update={"escalates_at": ahead.get(row.id)}) for row in rows]


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
        rows = {row.id: row for row in await LeadRow.of_all(session, leads)}
    return page.page(leads, sort.place, lambda lead: rows[lead.id])


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
        return await LeadRow.of(session, await close_lead(session, command))


ROUTES = (list_leads, close_lead_by_hand)
