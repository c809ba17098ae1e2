"""Keeping whom identity tells of."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

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
    """The newest of each, whatever the order in which they come. Owners keep the name that they had when they took."""
    newest = {each.operator_id: each for each in sorted(told, key=lambda each: each.version)}
    kept = insert(KnownOperator).values([asdict(each) for each in newest.values()])
    new = kept.excluded
    await session.execute(
        kept.on_conflict_do_update(
            index_elements=[KnownOperator.operator_id],
            set_={name: new[name] for name in ("name", "email", "capabilities", "is_active", "version")},
            where=KnownOperator.version < new.version,
        )
    )
