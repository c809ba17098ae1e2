"""Keeping whom identity tells of, so that mail for an operator finds them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

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
    """The newest of each, whatever the order in which they come."""
    newest = {each.operator_id: each for each in sorted(told, key=lambda each: each.version)}
    kept = insert(KnownOperator).values([asdict(each) for each in newest.values()])
    new = kept.excluded
    await session.execute(
        kept.on_conflict_do_update(
            index_elements=[KnownOperator.operator_id],
            set_={name: new[name] for name in ("name", "email", "is_active", "version")},
            where=KnownOperator.version < new.version,
        )
    )


async def active_operators(session: AsyncSession, ids: Collection[UUID]) -> Mapping[UUID, KnownOperator]:
    """Whom a mail may reach: who signs in no more gets none."""
    query = select(KnownOperator).where(KnownOperator.operator_id.in_(ids), KnownOperator.is_active)
    return {each.operator_id: each for each in await session.scalars(query)}
