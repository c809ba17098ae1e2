"""Runs over a month: what is planned of one, its next portion, and what came of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.billing.domain.close_runs import RunKind, RunOutcome
from services.billing.domain.statuses import DocumentStatus
from services.billing.errors import CloseRunNotFound
from services.billing.models import Account, CloseResult, CloseRun, Invoice

_NEXT = text(
    """
    SELECT installer_id FROM (
        SELECT installer_id, sum(expected_count) OVER (ORDER BY installer_id) - expected_count AS lines_before
        FROM (SELECT installer_id, expected_count FROM close_results
              WHERE run_id = :run_id AND outcome IS NULL ORDER BY installer_id LIMIT :most_installers) AS pending
    ) AS summed
    WHERE lines_before < :most_lines ORDER BY installer_id
    """
)
_DRAFTS = text(
    """
    SELECT i.id, i.account_id, i.number, i.document_status, i.stripe_invoice_id, i.total_cents
    FROM invoices i
    WHERE i.account_id = ANY(:installer_ids) AND i.period_start = :period_start AND i.document_status <> 'void'
    ORDER BY i.id
    """
).bindparams(bindparam("installer_ids", type_=ARRAY(Uuid)))


@dataclass(frozen=True, slots=True)
class RunFilter:
    period: str | None = None
    kind: RunKind | None = None
    is_dry: bool | None = None


async def find(session: AsyncSession, run_id: UUID) -> CloseRun:
    return CloseRunNotFound.unless(
        await session.get(CloseRun, run_id, populate_existing=True), "billing has no such run", run_id=run_id
    )


async def lock(session: AsyncSession, run_id: UUID) -> CloseRun:
    return await session.get_one(CloseRun, run_id, with_for_update=True, populate_existing=True)


async def next_portion(session: AsyncSession, run_id: UUID, most_installers: int, most_lines: int) -> list[UUID]:
    """Installers whose turn it is: one at least, and no more lines than that unless one alone has them."""
    given = {"run_id": run_id, "most_installers": most_installers, "most_lines": most_lines}
    return list(await session.scalars(_NEXT, given))


async def pending(session: AsyncSession, run_id: UUID, installer_ids: Collection[UUID]) -> list[UUID]:
    """Those of them that nobody has done meanwhile."""
    query = select(CloseResult.installer_id).where(
        CloseResult.run_id == run_id, CloseResult.installer_id.in_(installer_ids), CloseResult.outcome.is_(None)
    )
    return list(await session.scalars(query.order_by(CloseResult.installer_id)))


async def invoices_of(session: AsyncSession, run: CloseRun, installer_ids: Collection[UUID]) -> Sequence[Row[Any]]:
    """The month's invoice of each, with the reference that it keeps; read without a lock."""
    given = {"installer_ids": list(installer_ids), "period_start": run.period_start}
    return (await session.execute(_DRAFTS, given)).all()


async def listed(session: AsyncSession, page: PageRequest, wanted: RunFilter) -> Sequence[CloseRun]:
    query = select(CloseRun)
    for column, value in (
        (CloseRun.period, wanted.period),
        (CloseRun.kind, wanted.kind),
        (CloseRun.is_dry, wanted.is_dry),
    ):
        query = query if value is None else query.where(column == value)
    return (await session.scalars(page.apply(query, CloseRun.started_at, CloseRun.id))).all()


async def results(
    session: AsyncSession, run_id: UUID, page: PageRequest, outcome: RunOutcome | None
) -> Sequence[Row[CloseResult, str | None]]:
    """With the installers' names, in the order of their ids."""
    query = _with_names(run_id).join(CloseRun, CloseRun.id == CloseResult.run_id)
    if outcome is not None:
        query = query.where(CloseResult.outcome == outcome)
    query = page.apply(query, CloseRun.started_at, CloseResult.installer_id, newest_first=False)
    return (await session.execute(query)).all()


async def first_results(session: AsyncSession, run_id: UUID, most: int) -> Sequence[Row[CloseResult, str | None]]:
    """Those that somebody has to look at first."""
    order = (CloseResult.outcome.not_in([RunOutcome.FAILED, RunOutcome.BLOCKED]), CloseResult.installer_id)
    return (await session.execute(_with_names(run_id).order_by(*order).limit(most))).all()


def _with_names(run_id: UUID) -> Select[CloseResult, str | None]:
    return (
        select(CloseResult, Account.name.label("installer_name"))
        .outerjoin(Account, Account.id == CloseResult.installer_id)
        .where(CloseResult.run_id == run_id)
    )


async def all_results(session: AsyncSession, run_id: UUID) -> Sequence[Row[CloseResult, str | None]]:
    return (await session.execute(_with_names(run_id).order_by(CloseResult.installer_id))).all()


async def lock_drafts(session: AsyncSession, invoice_ids: Collection[UUID]) -> Sequence[tuple[Invoice, Account]]:
    """Those of them that are drafts once they are locked, in the order of their ids."""
    query = (
        select(Invoice, Account)
        .join(Account, Account.id == Invoice.account_id)
        .where(Invoice.id.in_(invoice_ids), Invoice.document_status == DocumentStatus.DRAFT)
        .order_by(Invoice.id)
        .with_for_update(of=Invoice)
    )
    rows = await session.execute(query.execution_options(populate_existing=True))
    return [(row[0], row[1]) for row in rows]
