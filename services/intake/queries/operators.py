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
from services.intake.domain import FollowUpState, LeadStatus
from services.intake.errors import OperatorNotActive, OperatorUnknown
from services.intake.models import FollowUp, KnownOperator, Lead

MAY_OWN = and_(KnownOperator.is_active, KnownOperator.capabilities.contains([Capability.WRITE_ROUTING.value]))
"""As `may_own` has it."""
IS_OWNABLE = Lead.status.not_in([LeadStatus.REJECTED, LeadStatus.CLOSED])
"""What is over keeps the owner that it had."""
IS_OPEN = FollowUp.state == FollowUpState.OPEN


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
    """By name."""
    query = select(KnownOperator).where(MAY_OWN).order_by(func.lower(KnownOperator.name), KnownOperator.operator_id)
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


async def who_left(session: AsyncSession) -> Sequence[UUID]:
    """Of those whom identity told of, all who may own nothing any more."""
    return (await session.scalars(select(KnownOperator.operator_id).where(~MAY_OWN))).all()


async def lock_leads_of(session: AsyncSession, owner_ids: Sequence[UUID], limit: int) -> Sequence[Lead]:
    """The next that are theirs, or for which something is planned that is. A lead's lock is its follow-ups'."""
    theirs = select(Lead.id).where(Lead.owner_id.in_(owner_ids), IS_OWNABLE)
    planned = select(FollowUp.lead_id).where(FollowUp.owner_id.in_(owner_ids), IS_OPEN)
    query = select(Lead).where(Lead.id.in_(theirs.union(planned))).order_by(Lead.id).limit(limit)
    found = await session.scalars(query.with_for_update().execution_options(populate_existing=True))
    return found.all()


async def numbers_owned(session: AsyncSession) -> dict[Owner, tuple[int, int]]:
    """How many leads that are not over, and how many open follow-ups, each of those has who may own one."""
    leads = select(Lead.owner_id, func.count().label("number")).where(IS_OWNABLE).group_by(Lead.owner_id).subquery()
    planned = select(FollowUp.owner_id, func.count().label("number")).where(IS_OPEN).group_by(FollowUp.owner_id)
    follow_ups = planned.subquery()
    query = (
        select(
            KnownOperator.operator_id,
            KnownOperator.name,
            func.coalesce(leads.c.number, 0),
            func.coalesce(follow_ups.c.number, 0),
        )
        .outerjoin(leads, leads.c.owner_id == KnownOperator.operator_id)
        .outerjoin(follow_ups, follow_ups.c.owner_id == KnownOperator.operator_id)
        .where(MAY_OWN)
    )
    return {Owner(id_, name): (owned, to_do) for id_, name, owned, to_do in await session.execute(query)}
