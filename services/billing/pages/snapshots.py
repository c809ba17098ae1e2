"""Snapshots of the receivables as a list, and how one is taken by hand."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar.params import JSONBody
from litestar.response import Redirect
from sqlalchemy import BigInteger, Select, cast, func, select
from sqlalchemy.orm import aliased

from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.cells import Kind
from chassis.console.fields import Day
from chassis.console.listing import ZONE, Choice, Column, Days, Empty, Listing, Tab, among, routes_of
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.commands.house import House
from services.billing.domain.receivables import SnapshotKind
from services.billing.http.snapshots import NewSnapshot, snapshot_by_operator
from services.billing.models import ReceivablesSnapshot
from services.billing.pages.faults import told_beside
from services.billing.pages.receivables import ROOM
from services.billing.pages.snapshot_parts import PATH, TAKE

KINDS: Mapping[str, str] = {
    SnapshotKind.WEEKLY: "Weekly",
    SnapshotKind.MONTH_END: "End of a month",
    SnapshotKind.MONTH_ISSUED: "After a month's issue",
    SnapshotKind.BY_HAND: "By hand",
}
SNAPSHOT = ReceivablesSnapshot
EARLIER = aliased(SNAPSHOT)
A_WEEK_BEFORE = func.timezone(ZONE, func.timezone(ZONE, SNAPSHOT.as_of) - timedelta(weeks=1))
"""By the business's clock, as `domain.receivables.week_before` has it."""


def _over_30(of: Any) -> Any:
    return cast(of.to_60_cents + of.to_90_cents + of.over_90_cents, BigInteger)


def _overdue(of: Any) -> Any:
    return cast(of.to_30_cents + _over_30(of), BigInteger)


def _owed(of: Any) -> Any:
    return cast(of.not_due_cents + _overdue(of), BigInteger)


def _change(measured: Callable[[Any], Any]) -> Any:
    """Beside the one that was kept a week before or next before that; looked up for the rows that are shown."""
    before = select(measured(EARLIER)).where(EARLIER.as_of <= A_WEEK_BEFORE)
    before = before.order_by(EARLIER.as_of.desc(), EARLIER.id.desc()).limit(1).correlate(SNAPSHOT)
    return cast(measured(SNAPSHOT) - before.scalar_subquery(), BigInteger)


OWED = _owed(SNAPSHOT)
ROWS: Select[Any] = select().select_from(SNAPSHOT)

LISTING = Listing(
    name="receivables-snapshots",
    title="Snapshots of the receivables",
    noun=("snapshot", "snapshots"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=ROWS,
    key=SNAPSHOT.id,
    order="-as_of",
    room=ROOM,
    one_per=SNAPSHOT,
    note="Taken each Monday, at each month's end, after a month's issue and by hand; kept as they were.",
    links=(("Receivables", "/console/receivables", None),),
    columns=(
        Column("kind", "Snapshot", SNAPSHOT.kind, say=lambda row: KINDS[row.kind]),
        Column("as_of", "As of", SNAPSHOT.as_of, Kind.INSTANT, sorts=True),
        Column("period", "Month", SNAPSHOT.period),
        Column("owed", "Outstanding", OWED, Kind.MONEY, sorts=True),
        Column("overdue", "Overdue", _overdue(SNAPSHOT), Kind.MONEY, sorts=True),
        Column("over_30", "Overdue 31+", _over_30(SNAPSHOT), Kind.MONEY, sorts=True),
        Column("disputed", "Disputed", SNAPSHOT.disputed_cents, Kind.MONEY),
        Column("credit", "Unapplied credit", SNAPSHOT.credit_cents, Kind.MONEY),
        Column("accounts", "Accounts", SNAPSHOT.account_count, Kind.NUMBER),
        Column(
            "difference",
            "Differs from the journal",
            cast(OWED - SNAPSHOT.ledger_cents, BigInteger),
            Kind.MONEY,
            is_late=lambda row, _now: row.difference != 0,
        ),
        Column("owed_change", "Outstanding, in a week", _change(_owed), Kind.MONEY, is_extra=True),
        Column("overdue_change", "Overdue, in a week", _change(_overdue), Kind.MONEY, is_extra=True),
        Column("over_30_change", "Overdue 31+, in a week", _change(_over_30), Kind.MONEY, is_extra=True),
        Column("not_due", "Not due", SNAPSHOT.not_due_cents, Kind.MONEY, is_extra=True),
        Column("to_30", "1-30 days", SNAPSHOT.to_30_cents, Kind.MONEY, is_extra=True),
        Column("to_60", "31-60 days", SNAPSHOT.to_60_cents, Kind.MONEY, is_extra=True),
        Column("to_90", "61-90 days", SNAPSHOT.to_90_cents, Kind.MONEY, is_extra=True),
        Column("over_90", "91 days and more", SNAPSHOT.over_90_cents, Kind.MONEY, is_extra=True),
        Column("sales", "Net sales of the month", SNAPSHOT.sales_cents, Kind.MONEY, is_extra=True),
        Column("taken_by", "Taken by", SNAPSHOT.taken_by, is_extra=True),
        Column("taken", "Taken", SNAPSHOT.taken_at, Kind.AGO, is_extra=True),
    ),
    filters=(
        Choice("kind", "Snapshot", options=among(SNAPSHOT.kind, SnapshotKind, KINDS)),
        Days("as_of", "As of", column=SNAPSHOT.as_of),
    ),
    tabs=(Tab("All"), Tab("Weekly", "kind=weekly"), Tab("Ends of months", "kind=month_end")),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "No snapshots", "One is taken each Monday once something was issued, and by hand in Receivables.", "scale"
    ),
)


class TakeForm(Form):
    as_of: Day | None = None
    snapshot_id: UUID


@form_at(PATH, Capability.MANAGE_BILLING_OPS)
async def take_by_form(
    data: JSONBody[TakeForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Redirect:
    asked = NewSnapshot(as_of=data.as_of, snapshot_id=data.snapshot_id)
    with told_beside({}):
        async with database.transaction() as session:
            taken = await snapshot_by_operator(session, asked, house, operator, clock.now())
    return console.redirect(f"{PATH}/{taken.snapshot.id}?done={TAKE}")


ROUTES = (*routes_of(LISTING), take_by_form)
