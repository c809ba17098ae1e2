"""Keeping whom identity tells of."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.replicas import keep_newest
from services.intake.models import KnownOperator


@dataclass(frozen=True, slots=True)
class OperatorAsTold:
    """`version` is identity's: it orders what is told of one operator."""

    operator_id: UUID
    name: str
    email: str
    capabilities: list[str]
    is_active: bool
    version: int


async def keep_operators(session: AsyncSession, told: Sequence[OperatorAsTold]) -> None:
    """Owners keep the name that they had when they took."""
    await keep_newest(session, KnownOperator, told)
