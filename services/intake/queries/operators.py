"""Operators whom leads and follow-ups can be given to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Actor
from chassis.errors import FieldError
from contracts.identity import Capability
from services.intake.errors import OperatorNotActive, OperatorUnknown
from services.intake.models import KnownOperator


@dataclass(frozen=True, slots=True)
class Owner:
    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Owned:
    """Whose: an operator's, or `me`, who asks for their own; `is_unowned` is what nobody has and somebody must do."""

    owner_id: UUID | None = None
    me: UUID | None = None
    is_unowned: bool = False

    def conditions(self, owner_id: Any, is_waiting: ColumnElement[bool]) -> Iterator[ColumnElement[bool]]:
        for wanted in (self.owner_id, self.me):
            if wanted is not None:
                yield owner_id == wanted
        if self.is_unowned:
            yield and_(owner_id.is_(None), is_waiting)


ANYBODYS = Owned()


async def operators_who_may_own(session: AsyncSession) -> Sequence[KnownOperator]:
    """By name, as `may_own` has it."""
    query = (
        select(KnownOperator)
        .where(KnownOperator.is_active, KnownOperator.capabilities.contains([Capability.WRITE_ROUTING.value]))
        .order_by(func.lower(KnownOperator.name), KnownOperator.operator_id)
    )
    return (await session.scalars(query)).all()


async def owner_for(session: AsyncSession, operator_id: UUID, asker: Actor) -> Owner:
    """Who can be given work. Whoever asks is known by their token, even before identity's event has come."""
    if operator_id == asker.id:
        return Owner(operator_id, asker.name)
    found = await session.get(KnownOperator, operator_id)
    if found is None:
        raise OperatorUnknown(
            "there is no such operator",
            errors=(FieldError("owner_id", "operator_unknown", "There is no such operator"),),
        )
    if not found.may_own:
        raise OperatorNotActive(f"{found.name} can be given no work: choose somebody else", operator_id=operator_id)
    return Owner(found.operator_id, found.name)


async def operator_name(session: AsyncSession, operator_id: UUID) -> str | None:
    return await session.scalar(select(KnownOperator.name).where(KnownOperator.operator_id == operator_id))
