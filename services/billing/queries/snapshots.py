"""Snapshots of the receivables: taken by one statement out of the journal, and read as they were kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.domain.ageing import Aged
from services.billing.domain.receivables import SnapshotKind, WeeklyTrend, week_before, week_began, weekly_trends
from services.billing.errors import SnapshotNotFound
from services.billing.models import Account, JournalPosting, ReceivablesSnapshot, SnapshotAccount
from services.billing.queries.standing_then import AGES, BY_INVOICE, DAY, DISPUTED_THEN, STOOD

# Net sales are what was invoiced and debited, less credits and voids, with GST: by account and month of the business.
# What of a credit is more than is owed becomes the customer's own, and is no less taken off.
_FIGURES = f"""
    sold AS (
        SELECT party_id AS account_id, date_trunc('month', posted_at AT TIME ZONE day.zone) AS month,
               sum(amount_cents)::bigint AS cents
        FROM posted, day
        WHERE kind IN ('invoice_issued', 'invoice_voided', 'debit_charged', 'credit_given')
        GROUP BY 1, 2
    ), dated AS (
        SELECT owed.account_id, cents, least(cents, coalesce(disputed_cents, 0)) AS disputed_cents,
               day.today - (due_at AT TIME ZONE day.zone)::date AS days,
               day.today - (issued_at AT TIME ZONE day.zone)::date AS age_days,
               date_trunc('month', issued_at AT TIME ZONE day.zone) AS month
        FROM day, owed LEFT JOIN disputed ON disputed.invoice_id = owed.invoice_id
    ), by_account AS (
        SELECT account_id, {AGES}, coalesce(sum(disputed_cents), 0)::bigint AS disputed FROM dated GROUP BY account_id
    ), open_months AS (
        SELECT account_id, month, sum(cents * age_days)::numeric AS weight FROM dated GROUP BY account_id, month
    ), true_by_account AS (
        SELECT o.account_id, sum(o.weight / sold.cents) AS days
        FROM open_months o JOIN sold ON sold.account_id = o.account_id AND sold.month = o.month AND sold.cents > 0
        GROUP BY o.account_id
    ), true_of_all AS (
        SELECT sum(o.weight / s.cents) AS days
        FROM (SELECT month, sum(weight) AS weight FROM open_months GROUP BY month) AS o
        JOIN (SELECT month, sum(cents) AS cents FROM sold GROUP BY month) AS s ON s.month = o.month AND s.cents > 0
    ), sold_now AS (
        SELECT account_id, sum(cents)::bigint AS cents FROM sold, day
        WHERE month = date_trunc('month', CAST(:at AS timestamptz) AT TIME ZONE day.zone) GROUP BY account_id
    ), paid AS (
        SELECT account_id, count(*) AS number,
               sum(greatest(0, (paid_at AT TIME ZONE day.zone)::date - (due_at AT TIME ZONE day.zone)::date)) AS late_days
        FROM invoices, day
        WHERE document_status = 'issued' AND paid_at >= :month_start AND paid_at < :before GROUP BY account_id
    ), whose AS (
        SELECT account_id FROM by_account UNION SELECT account_id FROM credit
        UNION SELECT account_id FROM sold_now UNION SELECT account_id FROM paid
    ), figures AS (
        SELECT whose.account_id, coalesce(not_due, 0) AS not_due, coalesce(to_30, 0) AS to_30,
               coalesce(to_60, 0) AS to_60, coalesce(to_90, 0) AS to_90, coalesce(over_90, 0) AS over_90,
               coalesce(credit.cents, 0) AS credit, coalesce(disputed, 0) AS disputed,
               coalesce(sold_now.cents, 0) AS sales, coalesce(paid.number, 0) AS paid_count,
               coalesce(paid.late_days, 0) AS late_days, true_by_account.days AS true_days
        FROM whose
        LEFT JOIN by_account ON by_account.account_id = whose.account_id
        LEFT JOIN credit ON credit.account_id = whose.account_id
        LEFT JOIN sold_now ON sold_now.account_id = whose.account_id
        LEFT JOIN paid ON paid.account_id = whose.account_id
        LEFT JOIN true_by_account ON true_by_account.account_id = whose.account_id
    )
"""  # noqa: E501, S608

_COLUMNS = (
    "not_due_cents, to_30_cents, to_60_cents, to_90_cents, over_90_cents, credit_cents, disputed_cents, sales_cents, "
    "paid_count, late_days, true_days"
)

_TAKE = text(
    f"""
    WITH {DAY}, {STOOD}, {BY_INVOICE}, {DISPUTED_THEN}, {_FIGURES}, whole AS (
        INSERT INTO receivables_snapshots
            (id, kind, period, as_of, month_start, {_COLUMNS}, account_count, ledger_cents, taken_by, taken_at)
        SELECT :id, :kind, :period, :before, :month_start,
               coalesce(sum(not_due), 0), coalesce(sum(to_30), 0), coalesce(sum(to_60), 0), coalesce(sum(to_90), 0),
               coalesce(sum(over_90), 0), coalesce(sum(credit), 0), coalesce(sum(disputed), 0),
               coalesce(sum(sales), 0), coalesce(sum(paid_count), 0), coalesce(sum(late_days), 0),
               (SELECT days FROM true_of_all), count(account_id), (SELECT cents FROM control), :taken_by, :taken_at
        FROM figures
        RETURNING id
    )
    INSERT INTO receivables_snapshot_accounts (snapshot_id, account_id, {_COLUMNS})
    SELECT whole.id, figures.* FROM whole, figures
    """  # noqa: S608  # of constants
)


async def keep(session: AsyncSession, given: dict[str, Any]) -> None:
    """Writes a snapshot and its accounts: `id`, `kind`, `period`, `before`, `at`, `zone`, `month_start`, by whom."""
    await session.execute(_TAKE, given)


async def find(session: AsyncSession, snapshot_id: UUID) -> ReceivablesSnapshot:
    return SnapshotNotFound.unless(
        await session.get(ReceivablesSnapshot, snapshot_id), "no such snapshot was taken", snapshot_id=snapshot_id
    )


async def known(
    session: AsyncSession, snapshot_id: UUID, kind: SnapshotKind, as_of: datetime
) -> ReceivablesSnapshot | None:
    """The one that is kept under the id, or of the same kind as of the same instant."""
    same = (ReceivablesSnapshot.kind == kind) & (ReceivablesSnapshot.as_of == as_of)
    query = select(ReceivablesSnapshot).where((ReceivablesSnapshot.id == snapshot_id) | same)
    found = (await session.scalars(query)).all()
    return next((each for each in found if each.id == snapshot_id), found[0] if found else None)


async def first_posting(session: AsyncSession) -> datetime | None:
    """By its id: ids are in the order of time, and one look finds it."""
    query = select(JournalPosting.posted_at).order_by(JournalPosting.id).limit(1)
    return await session.scalar(query)


async def instants_of(session: AsyncSession, kind: SnapshotKind) -> frozenset[datetime]:
    return frozenset(await session.scalars(select(ReceivablesSnapshot.as_of).where(ReceivablesSnapshot.kind == kind)))


async def latest_before(session: AsyncSession, as_of: datetime) -> ReceivablesSnapshot | None:
    """The one whose instant is at or next before it."""
    query = select(ReceivablesSnapshot).where(ReceivablesSnapshot.as_of <= as_of)
    query = query.order_by(ReceivablesSnapshot.as_of.desc(), ReceivablesSnapshot.id.desc()).limit(1)
    return (await session.scalars(query)).one_or_none()


@dataclass(frozen=True, slots=True)
class Mondays:
    """What was kept when a week began and when the one before it did; None where nothing was."""

    this: ReceivablesSnapshot | None
    before: ReceivablesSnapshot | None

    def trends(self, now: Aged) -> list[WeeklyTrend]:
        return weekly_trends(now, self.this.aged if self.this else None, self.before.aged if self.before else None)


async def mondays(session: AsyncSession, zone: ZoneInfo, now: datetime) -> Mondays:
    this = week_began(now, zone)
    before = week_before(this, zone)
    query = select(ReceivablesSnapshot).where(
        ReceivablesSnapshot.kind == SnapshotKind.WEEKLY, ReceivablesSnapshot.as_of.in_([this, before])
    )
    found = {each.as_of: each for each in await session.scalars(query)}
    return Mondays(found.get(this), found.get(before))


async def weeks(session: AsyncSession, number: int) -> Sequence[ReceivablesSnapshot]:
    """The latest weekly ones, the first one first."""
    query = select(ReceivablesSnapshot).where(ReceivablesSnapshot.kind == SnapshotKind.WEEKLY)
    found = await session.scalars(query.order_by(ReceivablesSnapshot.as_of.desc()).limit(number))
    return found.all()[::-1]


async def month_ends(session: AsyncSession, number: int, until: datetime) -> Sequence[ReceivablesSnapshot]:
    """The latest ones of a month's end until an instant, the first one first."""
    query = select(ReceivablesSnapshot).where(
        ReceivablesSnapshot.kind == SnapshotKind.MONTH_END, ReceivablesSnapshot.as_of <= until
    )
    found = await session.scalars(query.order_by(ReceivablesSnapshot.as_of.desc()).limit(number))
    return found.all()[::-1]


async def of_account(
    session: AsyncSession, account_id: UUID, snapshot_ids: Sequence[UUID]
) -> dict[UUID, SnapshotAccount]:
    """By snapshot; those in which nothing was said of it are left out."""
    query = select(SnapshotAccount).where(
        SnapshotAccount.account_id == account_id, SnapshotAccount.snapshot_id.in_(snapshot_ids)
    )
    return {each.snapshot_id: each for each in await session.scalars(query)}


async def accounts(
    session: AsyncSession, snapshot_id: UUID, most: int | None
) -> Sequence[Row[SnapshotAccount, str, str]]:
    """Those that owed most first, each with its account's kind and name."""
    part = SnapshotAccount
    owed = part.not_due_cents + part.to_30_cents + part.to_60_cents + part.to_90_cents + part.over_90_cents
    query = (
        select(part, Account.kind, Account.name)
        .join(Account, Account.id == part.account_id)
        .where(part.snapshot_id == snapshot_id)
        .order_by(owed.desc(), Account.name, part.account_id)
        .limit(most)
    )
    return (await session.execute(query)).all()


async def count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(ReceivablesSnapshot)) or 0
