"""Snapshots of the receivables: what everybody owed at an instant, kept for good and told once."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.audit import SYSTEM
from chassis.database import locked_by_name
from chassis.ids import new_id
from contracts.books import ReceivablesSnapshotTaken
from services.billing.domain.journal import CURRENCY
from services.billing.domain.receivables import SnapshotKind, begun_weeks, ended_months, month_of
from services.billing.errors import SnapshotIdTaken, SnapshotInTheFuture
from services.billing.models import ReceivablesSnapshot
from services.billing.queries import snapshots

_TAKING = "billing.receivables_snapshots"
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """All that had been posted before `as_of`; None for all that is posted by now. `period` is of a month's kinds."""

    kind: SnapshotKind
    taken_by: str
    as_of: datetime | None = None
    period: str | None = None
    snapshot_id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class TakenSnapshot:
    snapshot: ReceivablesSnapshot
    is_new: bool


async def take_snapshot(session: AsyncSession, command: TakeSnapshot, zone: ZoneInfo, now: datetime) -> TakenSnapshot:
    """By one statement, so that it is of one moment. Of one kind there is one for an instant."""
    as_of = now + INSTANT if command.as_of is None else command.as_of
    if as_of > now + INSTANT:
        raise SnapshotInTheFuture("nobody knows yet what will be owed then")
    await locked_by_name(session, _TAKING)
    known = await snapshots.known(session, command.snapshot_id, command.kind, as_of)
    if known is not None:
        _refuse_another(known, command)
        return TakenSnapshot(known, is_new=False)
    await session.flush()
    await snapshots.keep(session, _given(command, as_of, zone, now))
    snapshot = await snapshots.find(session, command.snapshot_id)
    outbox.add(session, _taken_event(snapshot), version=1)
    return TakenSnapshot(snapshot, is_new=True)


async def snapshot_after_issue(
    session: AsyncSession, period: str, taken_by: str, zone: ZoneInfo, now: datetime, snapshot_id: UUID | None = None
) -> TakenSnapshot:
    """What is owed once a month's invoices went out; `period` as 2026-03. With its id it is taken once."""
    command = TakeSnapshot(SnapshotKind.MONTH_ISSUED, taken_by, period=period, snapshot_id=snapshot_id or new_id())
    return await take_snapshot(session, command, zone, now)


async def next_due(session: AsyncSession, zone: ZoneInfo, now: datetime) -> TakeSnapshot | None:
    """The first that time asks for and that is missing: a month's end or a week's beginning, from the first posting on.

    What had been posted before an instant stays as it is, so that one that is taken late says what it would have said.
    """
    first = await snapshots.first_posting(session)
    if first is None:
        return None
    taken = await snapshots.instants_of(session, SnapshotKind.MONTH_END)
    for month in ended_months(first, now, zone):
        if month.end not in taken:
            return TakeSnapshot(SnapshotKind.MONTH_END, SYSTEM.name, month.end, month.name)
    taken = await snapshots.instants_of(session, SnapshotKind.WEEKLY)
    for week in begun_weeks(first, now, zone):
        if week not in taken:
            return TakeSnapshot(SnapshotKind.WEEKLY, SYSTEM.name, week)
    return None


def _given(command: TakeSnapshot, as_of: datetime, zone: ZoneInfo, now: datetime) -> dict[str, object]:
    return {
        "id": command.snapshot_id,
        "kind": command.kind.value,
        "period": command.period,
        "before": as_of,
        "at": as_of - INSTANT,
        "zone": zone.key,
        "month_start": month_of(as_of, zone).start,
        "taken_by": command.taken_by,
        "taken_at": now,
    }


def _refuse_another(known: ReceivablesSnapshot, command: TakeSnapshot) -> None:
    """The same request sent twice is one snapshot."""
    is_same = (known.kind, known.period) == (command.kind, command.period)
    if not is_same or (command.as_of is not None and command.as_of != known.as_of):
        raise SnapshotIdTaken("the id stands for another snapshot", snapshot_id=command.snapshot_id)


def _taken_event(snapshot: ReceivablesSnapshot) -> ReceivablesSnapshotTaken:
    columns = (
        *("kind", "period", "as_of", "account_count", "ledger_cents", "ties", "taken_at"),
        *("not_due_cents", "to_30_cents", "to_60_cents", "to_90_cents", "over_90_cents"),
        *("credit_cents", "disputed_cents"),
    )
    told = {name: getattr(snapshot, name) for name in columns}
    return ReceivablesSnapshotTaken(subject_id=snapshot.id, currency=CURRENCY, **told)
