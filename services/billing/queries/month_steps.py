"""What the steps of a month's close count, beside its deliveries and invoices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, any_, func, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import InvoiceKind
from services.billing.domain.periods import Period
from services.billing.domain.receivables import SnapshotKind
from services.billing.domain.reconciliation import DifferenceState
from services.billing.domain.statuses import DocumentStatus
from services.billing.models import Account, DeliveryEvent, Difference, Invoice, OpenReturn, ReceivablesSnapshot
from services.billing.queries.months import Scope, within


@dataclass(frozen=True, slots=True)
class StepCounts:
    returns: int
    without_reference: int
    snapshots: int
    differences: int
    """From Stripe, and open: of whatever month, as an amount there may be of several."""


async def counts(session: AsyncSession, period: Period, scope: Scope) -> StepCounts:
    returns = select(func.count()).select_from(_returns(period, scope).subquery()).scalar_subquery()
    lacking = select(func.count()).select_from(Invoice).where(_drafts(period, scope)).scalar_subquery()
    taken = select(func.count()).select_from(ReceivablesSnapshot).where(*_taken(period.name)).scalar_subquery()
    differing = select(func.count()).select_from(Difference).where(Difference.state == DifferenceState.OPEN)
    every = select(returns, lacking, taken, differing.scalar_subquery())
    return StepCounts(*(await session.execute(every)).one())


@dataclass(frozen=True, slots=True)
class MonthReturn:
    """A delivery of the month that its installer wants to give back; `return_id` is what routing decides."""

    delivery: DeliveryEvent
    return_id: UUID
    installer_name: str
    decide_by: datetime


async def returns(session: AsyncSession, period: Period, scope: Scope, limit: int) -> list[MonthReturn]:
    """Those that are to be decided first, first."""
    query = (
        _returns(period, scope)
        .join(Account, Account.id == DeliveryEvent.installer_id)
        .with_only_columns(DeliveryEvent, OpenReturn.return_id, Account.name, OpenReturn.decide_by)
        .order_by(OpenReturn.decide_by, OpenReturn.assignment_id)
        .limit(limit)
    )
    return [MonthReturn(*row) for row in await session.execute(query)]


def _returns(period: Period, scope: Scope) -> Any:
    of_scope = true() if scope is None else DeliveryEvent.installer_id == any_(literal(list(scope), ARRAY(Uuid)))
    return (
        select(OpenReturn.assignment_id)
        .join(DeliveryEvent, DeliveryEvent.assignment_id == OpenReturn.assignment_id)
        .where(OpenReturn.closed_at.is_(None), of_scope)
        .where(DeliveryEvent.delivered_at >= period.start, DeliveryEvent.delivered_at < period.end)
    )


async def snapshots(session: AsyncSession, period: str) -> Sequence[ReceivablesSnapshot]:
    """Those that were taken after the issue of the month, the latest first."""
    query = select(ReceivablesSnapshot).where(*_taken(period)).order_by(ReceivablesSnapshot.as_of.desc())
    return (await session.scalars(query.limit(20))).all()


def _taken(period: str) -> tuple[Any, Any]:
    return ReceivablesSnapshot.period == period, ReceivablesSnapshot.kind == SnapshotKind.MONTH_ISSUED


def _drafts(period: Period, scope: Scope) -> Any:
    return (
        (Invoice.period == period.name)
        & (Invoice.kind == InvoiceKind.INSTALLER)
        & (Invoice.document_status == DocumentStatus.DRAFT)
        & Invoice.stripe_invoice_id.is_(None)
        & within(scope)
    )
