"""Snapshots of the receivables over HTTP: taken by hand, listed, and read again with their accounts."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, requires
from chassis.ids import new_id
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.commands.house import House
from services.billing.commands.receivables import TakenSnapshot, TakeSnapshot, take_snapshot
from services.billing.domain.receivables import SnapshotKind
from services.billing.http.receivables import AgedView, day_asked, instants_of
from services.billing.models import ReceivablesSnapshot
from services.billing.queries import listings, snapshots


class NewSnapshot(Body):
    """As of now, or as of the end of a day that is over. With a `snapshot_id`, sent twice it is one."""

    as_of: date | None = None
    snapshot_id: UUID | None = None


class SnapshotView(AgedView):
    """What had been posted before `as_of`; `sales_cents` are the month's net sales until then, with GST."""

    id: UUID
    kind: SnapshotKind
    period: str | None
    as_of: datetime
    sales_cents: int
    account_count: int
    ledger_cents: int
    ties: bool
    currency: str
    taken_by: str
    taken_at: datetime

    @classmethod
    def shown(cls, snapshot: ReceivablesSnapshot) -> Self:
        names = (
            *("id", "kind", "period", "as_of", "sales_cents", "account_count"),
            *("ledger_cents", "ties", "taken_by", "taken_at"),
        )
        own = {name: getattr(snapshot, name) for name in names}
        return cls(**own, **cls.figures_of(snapshot.aged), currency="AUD")


class SnapshotAccountView(AgedView):
    account_id: UUID
    kind: InvoiceKind
    name: str
    sales_cents: int


class SnapshotDetail(BaseModel):
    snapshot: SnapshotView
    accounts: list[SnapshotAccountView]


@post("/admin/billing/receivables/snapshots", status_code=200, guards=[requires(Capability.MANAGE_BILLING_OPS)])
async def post_snapshot(
    data: JSONBody[NewSnapshot],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> SnapshotView:
    """Keeps what everybody owes, for good; it is one of a kind for its instant."""
    async with database.transaction() as session:
        taken = await snapshot_by_operator(session, data, house, operator, clock.now())
    return SnapshotView.shown(taken.snapshot)


async def snapshot_by_operator(
    session: AsyncSession, data: NewSnapshot, house: House, operator: Operator, now: datetime
) -> TakenSnapshot:
    day = day_asked(data.as_of, now, house.zone)
    as_of = None if day is None else instants_of(day, now, house.zone)[0]
    command = TakeSnapshot(SnapshotKind.BY_HAND, operator.name, as_of, snapshot_id=data.snapshot_id or new_id())
    taken = await take_snapshot(session, command, house.zone, now)
    if taken.is_new:
        await audit_snapshot(session, taken.snapshot, operator)
    return taken


async def audit_snapshot(session: AsyncSession, snapshot: ReceivablesSnapshot, operator: Operator) -> None:
    await audit.record(
        session,
        actor=operator,
        action="take_receivables_snapshot",
        subject=Subject("receivables_snapshot", snapshot.id),
        after={
            "kind": snapshot.kind,
            "as_of": snapshot.as_of,
            "owed_cents": snapshot.aged.total_cents,
            "overdue_cents": snapshot.aged.overdue_cents,
            "ties": snapshot.ties,
        },
    )


@get("/admin/billing/receivables/snapshots", guards=[requires(Capability.READ_OPS)])
async def list_snapshots(database: Given[Database], page: Given[PageRequest]) -> Page[SnapshotView]:
    """The latest first."""
    async with database.reading() as session:
        found = await listings.receivables_snapshots(session, page)
    return page.page(found, lambda row: (row.as_of, row.id), SnapshotView.shown)


@get("/admin/billing/receivables/snapshots/{snapshot_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_snapshot(snapshot_id: FromPath[UUID], database: Given[Database]) -> SnapshotDetail:
    """With every account of which there was something to say, those that owed most first."""
    async with database.reading() as session:
        snapshot = await snapshots.find(session, snapshot_id)
        found = await snapshots.accounts(session, snapshot_id, None)
    return SnapshotDetail(
        snapshot=SnapshotView.shown(snapshot),
        accounts=[
            SnapshotAccountView(
                account_id=part.account_id,
                kind=kind,
                name=name,
                sales_cents=part.sales_cents,
                **AgedView.figures_of(part.aged),
            )
            for part, kind, name in found
        ],
    )


ROUTES = (post_snapshot, list_snapshots, get_snapshot)
