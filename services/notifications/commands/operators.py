"""Keeping whom identity tells of, so that mail for an operator finds them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.replicas import keep_newest
from services.notifications.models import KnownOperator


@dataclass(frozen=True, slots=True)
class OperatorAsTold:
    """`version` is identity's: it orders what is told of one operator."""

    operator_id: UUID
    name: str
    email: str
    is_active: bool
    version: int


async def keep_operators(session: AsyncSession, told: Sequence[OperatorAsTold]) -> None:
    await keep_newest(session, KnownOperator, told)


async def active_operators(session: AsyncSession, ids: Collection[UUID]) -> Mapping[UUID, KnownOperator]:
    """Whom a mail may reach: who signs in no more gets none."""
    query = select(KnownOperator).where(KnownOperator.operator_id.in_(ids), KnownOperator.is_active)
    return {each.operator_id: each for each in await session.scalars(query)}
