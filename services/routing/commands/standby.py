"""Who gets what nobody has taken in time, or what somebody had who may own nothing any more."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.policies import QueuePolicy
from services.routing.domain.queue import has_fewest
from services.routing.queries.operators import Owner, fallback_owner, open_counts
from services.routing.queries.policies import in_force


@dataclass(frozen=True, slots=True)
class Standby:
    """The one whom the policy names; without them, of those who may own an item, whoever has the fewest open ones."""

    named: Owner | None
    owners: Mapping[UUID, Owner]
    open_counts: dict[UUID, int]

    def next(self) -> Owner | None:
        """Who gets the next one, which counts as theirs from now on; None where nobody may own one."""
        if self.named is not None:
            return self.named
        least = has_fewest(self.open_counts)
        if least is None:
            return None
        self.open_counts[least] += 1
        return self.owners[least]


async def standby(session: AsyncSession) -> Standby:
    policy = (await in_force(session, QueuePolicy)).policy
    named = await fallback_owner(session, policy.fallback_owner_id)
    if named is not None:
        return Standby(named, {}, {})
    counts = await open_counts(session)
    return Standby(None, {owner.id: owner for owner in counts}, {owner.id: count for owner, count in counts.items()})
