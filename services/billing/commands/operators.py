"""Keeping whom identity tells of."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.replicas import keep_newest
from services.billing.models import KnownOperator


@dataclass(frozen=True, slots=True)
class OperatorAsTold:
    """`version` is identity's: it orders what is told of one operator."""

    operator_id: UUID
    name: str
    email: str
    is_active: bool
    capabilities: list[str]
    version: int


async def keep_operators(session: AsyncSession, told: Sequence[OperatorAsTold]) -> None:
    await keep_newest(session, KnownOperator, told)
