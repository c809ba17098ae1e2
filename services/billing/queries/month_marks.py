"""Who ticked which step of a month's close, and whom its close is about: of each the latest word counts."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import all_, exists, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.billing.domain.month_close import CloseStep
from services.billing.models import Account, Invoice, MonthMark, MonthScope

_SCOPE = aliased(MonthScope)
_LATEST = (
    select(_SCOPE.id).where(_SCOPE.period == Invoice.period).order_by(_SCOPE.id.desc()).limit(1).correlate(Invoice)
)
IS_CHOSEN = ~(
    exists()
    .where(MonthScope.id == _LATEST.scalar_subquery(), Invoice.account_id != all_(MonthScope.installer_ids))
    .correlate(Invoice)
)
"""Of an invoice: whom its month's close is about, everybody where nobody was chosen."""


async def latest(session: AsyncSession, period: str) -> dict[CloseStep, MonthMark]:
    """By step; a tick that was taken back is there as that."""
    query = select(MonthMark).where(MonthMark.period == period).ext(distinct_on(MonthMark.step))
    found = await session.scalars(query.order_by(MonthMark.step, MonthMark.id.desc()))
    return {mark.step: mark for mark in found}


async def history(session: AsyncSession, period: str, step: CloseStep, limit: int = 20) -> Sequence[MonthMark]:
    """The latest first."""
    query = select(MonthMark).where(MonthMark.period == period, MonthMark.step == step)
    return (await session.scalars(query.order_by(MonthMark.id.desc()).limit(limit))).all()


async def scope(session: AsyncSession, period: str) -> MonthScope | None:
    """None where nobody ever chose: then it is about all installers."""
    query = select(MonthScope).where(MonthScope.period == period).order_by(MonthScope.id.desc()).limit(1)
    return (await session.scalars(query)).one_or_none()


async def missing_accounts(session: AsyncSession, installer_ids: Sequence[UUID]) -> list[UUID]:
    """Those of the ids that are no account's, in their order."""
    known = set(await session.scalars(select(Account.id).where(Account.id.in_(installer_ids))))
    return [id_ for id_ in installer_ids if id_ not in known]
