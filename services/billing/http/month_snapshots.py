"""The receivables once a month's invoices went out, kept over HTTP."""

from datetime import datetime
from uuid import UUID

from litestar import post
from litestar.params import JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, requires
from contracts.identity import Capability
from services.billing.commands.house import House
from services.billing.commands.receivables import snapshot_after_issue
from services.billing.domain.periods import Period
from services.billing.errors import MonthNotIssued
from services.billing.http.month_close import MonthName
from services.billing.http.snapshots import SnapshotView, audit_snapshot
from services.billing.models import ReceivablesSnapshot
from services.billing.queries import months


class MonthSnapshot(Body):
    """With a `snapshot_id`, sent twice it is one."""

    snapshot_id: UUID | None = None


@post(
    "/admin/billing/months/{period:str}/snapshot",
    status_code=200,
    guards=[requires(Capability.MANAGE_BILLING_OPS)],
)
async def post_month_snapshot(
    period: MonthName,
    data: JSONBody[MonthSnapshot],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> SnapshotView:
    """Keeps what everybody owes after the month's issue, for good."""
    async with database.transaction() as session:
        snapshot = await snapshot_by_operator(session, period, data.snapshot_id, house, operator, clock.now())
        return SnapshotView.shown(snapshot)


async def snapshot_by_operator(
    session: AsyncSession, period: str, snapshot_id: UUID | None, house: House, operator: Operator, now: datetime
) -> ReceivablesSnapshot:
    [figures] = await months.figures(session, [Period.of_month(period, house.zone)], now)
    if not figures.issued_count:
        raise MonthNotIssued(f"no invoice of {period} is issued yet", period=period)
    taken = await snapshot_after_issue(session, period, operator.name, house.zone, now, snapshot_id)
    if taken.is_new:
        await audit_snapshot(session, taken.snapshot, operator)
    return taken.snapshot


ROUTES = (post_month_snapshot,)
