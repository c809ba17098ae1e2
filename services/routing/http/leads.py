"""A lead's way over HTTP: where it stands, and why."""

from datetime import datetime
from uuid import UUID

from litestar import get
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Given, requires
from contracts.identity import Capability
from services.routing.http.assignments import views_of
from services.routing.http.lead_views import DecisionView, DispatchView, ExceptionView
from services.routing.models import Dispatch
from services.routing.queries import assignments, dispatches, exceptions


@get("/admin/leads/{lead_id:uuid}/dispatch", guards=[requires(Capability.READ_OPS)])
async def get_lead_dispatch(lead_id: FromPath[UUID], database: Given[Database], clock: Given[Clock]) -> DispatchView:
    async with database.reading() as session:
        return await show_dispatch(session, await dispatches.get(session, lead_id), clock.now())


@get("/admin/leads/{lead_id:uuid}/decisions", guards=[requires(Capability.READ_OPS)])
async def list_lead_decisions(lead_id: FromPath[UUID], database: Given[Database]) -> list[DecisionView]:
    """Every attempt in its order: who was considered, what was compared, who was chosen and why."""
    async with database.reading() as session:
        await dispatches.get(session, lead_id)
        return [DecisionView.of(decision) for decision in await dispatches.decisions_of(session, lead_id)]


async def show_dispatch(session: AsyncSession, dispatch: Dispatch, now: datetime) -> DispatchView:
    made = await assignments.of_lead(session, dispatch.lead_id)
    views = await views_of(session, made)
    items = await exceptions.of_lead(session, dispatch.lead_id)
    free_shares = dispatch.shares_wanted - sum(assignment.status.is_live for assignment in made)
    return DispatchView.of(
        dispatch,
        [views[each.id] for each in made],
        [ExceptionView.of(item, dispatch, free_shares, now) for item in items],
    )


ROUTES = (get_lead_dispatch, list_lead_decisions)
