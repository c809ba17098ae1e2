"""Who comes first among the eligible: fair over a cycle, even in bulk, and the same for everyone who asks again.

1. The least share of the cycle's cap that is used or reserved. The cycle is the installer's month; limits per day or
   week are stretched to it and the lowest counts. An installer without any limit is measured against the largest
   capacity among the eligible, so that it neither starves the capped ones nor is starved by them. A lead that could
   not be delivered holds no place, and was a turn all the same: a dead mailbox would draw every lead otherwise.
2. The longest since the last assignment; never is longest.
3. A stable hash of lead and installer, so that nobody profits from a low id.

Round robin in bulk follows from the running counts: each lead of a batch sees what the leads before it took.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from services.routing.domain.eligibility import Standing, Turn
from services.routing.domain.windows import WindowKind

PARTS = 1_000_000
NEVER = Turn(datetime.min.replace(tzinfo=UTC), 0)


class OrderingKey(NamedTuple):
    """Lowest first. `share_ppm` is in millionths of the cycle's capacity."""

    share_ppm: int
    last_turn: Turn
    tie_break: int


def ordering_key(lead_id: UUID, standing: Standing, common_capacity: int) -> OrderingKey:
    """`common_capacity` stands in where the candidate has no limit at all: see `largest_capacity`."""
    capacity = common_capacity if standing.capacity is None else standing.capacity
    share_ppm = standing.counts[WindowKind.MONTH].turns * PARTS // max(1, capacity)
    return OrderingKey(share_ppm, standing.last_turn or NEVER, tie_break(lead_id, standing.candidate.id))


def largest_capacity(standings: Iterable[Standing]) -> int:
    """In leads per cycle; 1 where nobody has a limit, so that the fewest leads come first."""
    return max((standing.capacity for standing in standings if standing.capacity is not None), default=1)


def tie_break(lead_id: UUID, installer_id: UUID) -> int:
    return int.from_bytes(blake2b(lead_id.bytes + installer_id.bytes, digest_size=8).digest())
