"""Credits that are proposed, or were asked for elsewhere, over HTTP."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import CreditReason
from services.billing.commands.adjusting import Decider
from services.billing.commands.credit_proposals import agree_to_credit, decline_credit
from services.billing.commands.credit_requests import wait_for_who_records
from services.billing.commands.house import House
from services.billing.domain.adjustments import days_to_decide
from services.billing.domain.credit_requests import CreditResult, ProposalAction, obstacle_to
from services.billing.http.fields import Note
from services.billing.models import CreditRequest
from services.billing.queries import credit_requests
from services.billing.settings import Settings

MONEY = Capability.MANAGE_BILLING_OPS
PATH = "/admin/credit-proposals"


class CreditProposalView(BaseModel):
    """A request for a credit. `result` is null before billing knows of its delivery; `amount_cents` is ex GST.

    Who agrees to a proposal is the maker of its credit. `days_left` counts business days (Monday to Friday,
    public holidays counted), below zero once it is late.
    """

    request_id: UUID
    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    installer_name: str | None
    reason_code: CreditReason
    note: str | None
    deed: str
    deed_id: UUID
    asked_by_name: str
    is_proposal: bool
    asked_at: datetime
    days_left: int | None
    result: CreditResult | None
    detail: str | None
    adjustment_id: UUID | None
    invoice_id: UUID | None
    amount_cents: int | None
    answered_at: datetime | None
    decided_by_name: str | None
    decided_at: datetime | None
    decline_note: str | None

    @classmethod
    def of(cls, request: CreditRequest, installer_name: str | None, now: datetime, settings: Settings) -> Self:
        own = {name: getattr(request, name) for name in cls.model_fields if hasattr(request, name)}
        waits = request.result is CreditResult.PROPOSED
        left = days_to_decide(request.asked_at, now, settings.zone) if waits else None
        return cls(**own, installer_name=installer_name, days_left=left)


class CreditProposalDetail(CreditProposalView):
    available_actions: list[ProposalAction]


class DeclineBody(Body):
    """The note goes to whoever proposed it."""

    note: Note


@get(PATH, guards=[requires(Capability.READ_OPS)])
async def list_credit_proposals(
    database: Given[Database],
    page: Given[PageRequest],
    clock: Given[Clock],
    settings: Given[Settings],
    in_state: Annotated[CreditResult | None, QueryParameter(name="state")] = None,
    assignment_id: FromQuery[UUID | None] = None,
    proposals_only: Annotated[bool, QueryParameter(description="without those that were asked for by who may")] = True,
) -> Page[CreditProposalView]:
    """The latest first; `state=proposed` is what waits for finance."""
    async with database.reading() as session:
        found = await credit_requests.listed(session, page, in_state, assignment_id, proposals_only=proposals_only)
    now = clock.now()
    return page.page(
        found,
        lambda row: (row[0].asked_at, row[0].request_id),
        lambda row: CreditProposalView.of(row[0], row[1], now, settings),
    )


@get(PATH + "/{request_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_credit_proposal(
    request_id: FromPath[UUID], database: Given[Database], clock: Given[Clock], settings: Given[Settings]
) -> CreditProposalDetail:
    async with database.reading() as session:
        return await _detail(session, request_id, clock.now(), settings)


@post(PATH + "/{request_id:uuid}/agree", status_code=200, guards=[requires(MONEY, step_up=True)])
async def agree(
    request_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    house: Given[House],
    operator: Given[Operator],
) -> CreditProposalDetail:
    """The request goes on: the delivery is voided or credited, or waits for its invoice or a second operator."""
    async with database.transaction() as session:
        is_news = await _is_undecided(session, request_id)
        by = Decider(operator.id, operator.name)
        request = await agree_to_credit(session, request_id, by, house.approval, clock.now())
        if is_news:
            await _audited(session, operator, "agree_to_credit", request, None)
        return await _detail(session, request_id, clock.now(), settings)


@post(PATH + "/{request_id:uuid}/decline", status_code=200, guards=[requires(MONEY)])
async def decline(
    request_id: FromPath[UUID],
    data: JSONBody[DeclineBody],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> CreditProposalDetail:
    """Nothing changes for the installer, and whoever proposed it is told why."""
    async with database.transaction() as session:
        is_news = await _is_undecided(session, request_id)
        by = Decider(operator.id, operator.name)
        request = await decline_credit(session, request_id, by, data.note, clock.now())
        if is_news:
            await _audited(session, operator, "decline_credit", request, data.note)
        return await _detail(session, request_id, clock.now(), settings)


async def _is_undecided(session: AsyncSession, request_id: UUID) -> bool:
    """With whoever decides at the same time waited for."""
    await wait_for_who_records(session)
    return (await credit_requests.find(session, request_id)).is_undecided


async def _detail(session: AsyncSession, request_id: UUID, now: datetime, settings: Settings) -> CreditProposalDetail:
    request, name = await credit_requests.with_installer(session, request_id)
    proposal = await credit_requests.proposal_of(session, request)
    view = CreditProposalView.of(request, name, now, settings)
    can = [action for action in ProposalAction if obstacle_to(action, proposal) is None]
    return CreditProposalDetail(**view.model_dump(), available_actions=can)


async def _audited(
    session: AsyncSession, operator: Operator, action: str, request: CreditRequest, note: str | None
) -> None:
    await audit.record(
        session,
        actor=operator,
        action=action,
        subject=Subject("credit_request", request.request_id),
        before={"result": CreditResult.PROPOSED},
        after={"result": request.result, "assignment_id": request.assignment_id},
        reason_code=request.reason_code,
        reason_text=note,
    )


ROUTES = (list_credit_proposals, get_credit_proposal, agree, decline)
