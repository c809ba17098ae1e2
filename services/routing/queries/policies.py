"""The policies in force."""

from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.policies import Policy, PolicyKind, policy_of
from services.routing.models import RoutingPolicy

PolicyT = TypeVar("PolicyT", bound=Policy)


@dataclass(frozen=True, slots=True)
class InForce(Generic[PolicyT]):
    """The newest of its kind, and where it comes from."""

    policy: PolicyT
    row: RoutingPolicy

    @property
    def version(self) -> int:
        return self.row.version


async def in_force(session: AsyncSession, policy: type[PolicyT]) -> InForce[PolicyT]:
    row = await newest(session, policy.kind)
    return InForce(cast("PolicyT", policy_of(policy.kind, row.body)), row)


async def newest(session: AsyncSession, kind: PolicyKind) -> RoutingPolicy:
    """There is always one: each kind begins with its defaults."""
    query = select(RoutingPolicy).where(RoutingPolicy.kind == kind).order_by(RoutingPolicy.version.desc()).limit(1)
    return (await session.scalars(query)).one()
