"""Operators to whom items of the exception queue can be given."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Actor
from chassis.errors import FieldError
from contracts.identity import Capability
from services.routing.errors import NoSuchOperator, OperatorInactive
from services.routing.models import DispatchException, KnownOperator

MAY_OWN = and_(KnownOperator.is_active, KnownOperator.capabilities.contains([Capability.WRITE_ROUTING.value]))
"""As `may_own` has it."""


@dataclass(frozen=True, slots=True)
class Owner:
    id: UUID
    name: str


async def who_may_own(session: AsyncSession) -> Sequence[KnownOperator]:
    """By name."""
    query = select(KnownOperator).where(MAY_OWN).order_by(func.lower(KnownOperator.name), KnownOperator.operator_id)
    return (await session.scalars(query)).all()


async def owner_for(session: AsyncSession, operator_id: UUID, asker: Actor) -> Owner:
    """Who can be given work. Whoever asks is known by their token, even before identity's event has come."""
    if operator_id == asker.id:
        return Owner(operator_id, asker.name)
    found = await session.get(KnownOperator, operator_id)
    if found is None:
        fault = FieldError("owner_id", "no_such_operator", "There is no such operator")
        raise NoSuchOperator("there is no such operator", errors=(fault,))
    if not found.may_own:
        raise OperatorInactive(f"{found.name} can be given no work: choose somebody else", operator_id=operator_id)
    return Owner(found.operator_id, found.name)


async def fallback_owner(session: AsyncSession, operator_id: UUID | None) -> Owner | None:
    """None where nobody is named, or who is named can be given no work any more."""
    found = None if operator_id is None else await session.get(KnownOperator, operator_id)
    return Owner(found.operator_id, found.name) if found is not None and found.may_own else None


async def open_counts(session: AsyncSession) -> dict[Owner, int]:
    """How many open items each of those has who may own one, snoozed ones too."""
    is_theirs = and_(DispatchException.owner_id == KnownOperator.operator_id, DispatchException.resolved_at.is_(None))
    query = (
        select(KnownOperator.operator_id, KnownOperator.name, func.count(DispatchException.id))
        .outerjoin(DispatchException, is_theirs)
        .where(MAY_OWN)
        .group_by(KnownOperator.operator_id)
    )
    return {Owner(id_, name): count for id_, name, count in await session.execute(query)}


async def operator_name(session: AsyncSession, operator_id: UUID) -> str | None:
    return await session.scalar(select(KnownOperator.name).where(KnownOperator.operator_id == operator_id))
