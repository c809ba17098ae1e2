"""Months as they ended, out of the snapshots that were kept of them: no look at the journal, however long it is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.domain.collection import CollectionFigures, MonthEnd, figures_of
from services.billing.models import ReceivablesSnapshot, SnapshotAccount
from services.billing.models.receivables import ReceivableFigures
from services.billing.queries import snapshots

MOST_MONTHS = 15
"""A year, and what its first months are reckoned with."""


async def month_ends(
    session: AsyncSession, zone: ZoneInfo, now: datetime, account_id: UUID | None = None
) -> list[MonthEnd]:
    """The first one first, until `now`; of the month that runs, as the latest snapshot has it, where there is one."""
    kept = list(await snapshots.month_ends(session, MOST_MONTHS, now))
    latest = await snapshots.latest_before(session, now + timedelta(microseconds=1))
    if latest is not None and kept and latest.as_of > kept[-1].as_of:
        kept.append(latest)
    if account_id is None:
        return [_month(each, each, zone) for each in kept]
    parts = await snapshots.of_account(session, account_id, [each.id for each in kept])
    return _from_its_first(kept, parts, zone)


async def latest(session: AsyncSession, zone: ZoneInfo, until: datetime) -> CollectionFigures | None:
    """Of all accounts, of the last month that was kept until then; None before the first has ended."""
    months = await month_ends(session, zone, until)
    return figures_of(months) if months else None


def _from_its_first(
    kept: Sequence[ReceivablesSnapshot], parts: dict[UUID, SnapshotAccount], zone: ZoneInfo
) -> list[MonthEnd]:
    """An account's months begin with the first in which there was something to say of it."""
    known = [number for number, each in enumerate(kept) if each.id in parts]
    return [_month(each, parts.get(each.id), zone) for each in kept[known[0] :]] if known else []


def _month(whole: ReceivablesSnapshot, part: ReceivableFigures | None, zone: ZoneInfo) -> MonthEnd:
    first = whole.month_start.astimezone(zone).date()
    last = (whole.as_of - timedelta(microseconds=1)).astimezone(zone).date()
    return MonthEnd(
        name=f"{first:%Y-%m}",
        days=(last - first).days + 1,
        sales_cents=part.sales_cents if part else 0,
        owed_cents=part.aged.total_cents if part else 0,
        not_due_cents=part.not_due_cents if part else 0,
        true_days=None if part is None or part.true_days is None else float(part.true_days),
        paid_count=part.paid_count if part else 0,
        late_days=part.late_days if part else 0,
        until=last,
        snapshot_id=whole.id,
    )
