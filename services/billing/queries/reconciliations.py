"""Runs that hold our books against Stripe's: the next to work off, the last, and what all of a kind cover."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.billing.domain.reconciliation import COVERED, About, Cadence, Report, RunMode, Stage
from services.billing.errors import ReconciliationNotFound
from services.billing.models import Reconciliation, ReconciliationReview, StripeRoles


async def lock_due(session: AsyncSession, now: datetime) -> Reconciliation | None:
    """The run that waits longest; one that another process holds is passed over."""
    query = (
        select(Reconciliation)
        .where(Reconciliation.stage != Stage.FINISHED, Reconciliation.next_attempt_at <= now)
        .order_by(Reconciliation.started_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(query)).one_or_none()


async def lock(session: AsyncSession, run_id: UUID) -> Reconciliation:
    return ReconciliationNotFound.unless(
        await session.get(Reconciliation, run_id, with_for_update=True, populate_existing=True),
        "there is no such run",
        reconciliation_id=run_id,
    )


async def find(session: AsyncSession, run_id: UUID) -> Reconciliation:
    return ReconciliationNotFound.unless(
        await session.get(Reconciliation, run_id), "there is no such run", reconciliation_id=run_id
    )


async def asking(session: AsyncSession) -> Reconciliation | None:
    """The run that asks Stripe just now: there is one at a time."""
    query = select(Reconciliation).where(Reconciliation.mode == RunMode.ASKED, Reconciliation.stage != Stage.FINISHED)
    return (await session.scalars(query)).one_or_none()


async def listed(session: AsyncSession, page: PageRequest) -> Sequence[Reconciliation]:
    query = page.apply(select(Reconciliation), Reconciliation.started_at, Reconciliation.id)
    return (await session.scalars(query)).all()


async def last_finished(session: AsyncSession, mode: RunMode | None = None) -> Reconciliation | None:
    query = select(Reconciliation).where(Reconciliation.stage == Stage.FINISHED)
    if mode is not None:
        query = query.where(Reconciliation.mode == mode)
    return (await session.scalars(query.order_by(Reconciliation.finished_at.desc()).limit(1))).one_or_none()


async def covered(session: AsyncSession, run: Reconciliation) -> tuple[datetime | None, datetime]:
    """From when to when Stripe's side is known: of uploads all of the same report together."""
    if run.mode is RunMode.ASKED:
        # The first one listed all there was.
        return None, run.started_at
    query = select(func.min(Reconciliation.first_at), func.max(Reconciliation.last_at))
    row = (await session.execute(query.where(Reconciliation.report == run.report))).one()
    return row[0], row[1]


async def last_uploads(session: AsyncSession) -> dict[Report, datetime]:
    """Until when each report is known."""
    query = select(Reconciliation.report, func.max(Reconciliation.last_at)).where(
        Reconciliation.mode == RunMode.UPLOADED
    )
    rows = await session.execute(query.group_by(Reconciliation.report))
    return {Report(report): last_at for report, last_at in rows if report is not None}


async def last_review(session: AsyncSession) -> ReconciliationReview | None:
    query = select(ReconciliationReview).order_by(ReconciliationReview.reviewed_at.desc()).limit(1)
    return (await session.scalars(query)).one_or_none()


async def cadence(session: AsyncSession) -> Cadence:
    review = await last_review(session)
    return Cadence(review.reviewed_at, review.reviewed_by_name) if review else Cadence(None, None)


async def reviews_of(session: AsyncSession, run_id: UUID) -> Sequence[ReconciliationReview]:
    query = select(ReconciliationReview).where(ReconciliationReview.reconciliation_id == run_id)
    return (await session.scalars(query.order_by(ReconciliationReview.reviewed_at))).all()


async def roles(session: AsyncSession) -> StripeRoles | None:
    return await session.get(StripeRoles, 1)


async def bounds(session: AsyncSession, about: About, now: datetime) -> tuple[datetime | None, datetime]:
    """From when to when what Stripe has of such things is known."""
    asked = await last_finished(session, RunMode.ASKED)
    if asked is not None:
        return None, asked.started_at
    reports = [report for report, abouts in COVERED.items() if about in abouts]
    query = select(func.min(Reconciliation.first_at), func.max(Reconciliation.last_at))
    row = (await session.execute(query.where(Reconciliation.report.in_(reports)))).one_or_none()
    known: tuple[datetime | None, datetime | None] = (row[0], row[1]) if row else (None, None)
    return known[0], known[1] or now
