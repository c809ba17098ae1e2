"""Keeping whom identity tells of."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

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
    """The newest of each, whatever the order in which they come. Written in the order of their ids, as by others."""
    newest = {each.operator_id: each for each in sorted(told, key=lambda each: each.version)}
    kept = insert(KnownOperator).values([asdict(newest[id_]) for id_ in sorted(newest)])
    new = kept.excluded
    await session.execute(
        kept.on_conflict_do_update(
            index_elements=[KnownOperator.operator_id],
            set_={name: new[name] for name in ("name", "email", "is_active", "capabilities", "version")},
            where=KnownOperator.version < new.version,
        )
    )
