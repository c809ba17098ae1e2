"""Operators as identity tells of them: who can own finance's work, and what a name stands for."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.identity import Capability
from services.billing.models import KnownOperator

MOST_OWNERS = 200


async def owners(session: AsyncSession) -> Sequence[KnownOperator]:
    """Active ones who may work on billing, by name."""
    query = select(KnownOperator).where(
        KnownOperator.is_active, KnownOperator.capabilities.contains([str(Capability.MANAGE_BILLING_OPS)])
    )
    return (
        await session.scalars(query.order_by(KnownOperator.name, KnownOperator.operator_id).limit(MOST_OWNERS))
    ).all()


async def of_ids(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, KnownOperator]:
    found = await session.scalars(select(KnownOperator).where(KnownOperator.operator_id.in_(ids)))
    return {operator.operator_id: operator for operator in found}


async def name_of(session: AsyncSession, operator_id: UUID) -> str | None:
    return await session.scalar(select(KnownOperator.name).where(KnownOperator.operator_id == operator_id))
