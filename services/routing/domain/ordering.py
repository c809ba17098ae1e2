"""Who comes first among the eligible, as a declared policy: fair as a number, and the same for everyone who asks again.

Every lead entitles each installer that may have it to a share of it, by weight: the weight it was given, else its
capacity of a cycle. What it got less than its shares it is owed. First comes

1. who is owed the most, the share of this very lead included;
2. of those who are owed the same, who has waited longest since its last lead; never is longest;
3. the lowest id.

Only who may have a lead is owed a share of it: who is paused, away, closed or at a cap finds nothing to catch up on
when it is back, and what one can be owed, or ahead, is bounded. Nobody is flooded. A lead that is taken back or
released is owed again. One that could not be delivered is not: a dead mailbox would draw every lead.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from services.routing.domain.candidate import Turn

LEAD_PPM = 1_000_000
"""One lead; what is owed is counted in millionths of it."""
NEVER = Turn(datetime.min.replace(tzinfo=UTC), 0)


class OrderingKey(NamedTuple):
    """Lowest first. What is owed is in millionths of a lead, `ahead_ppm` its negative."""

    ahead_ppm: int
    last_turn: Turn
    installer_id: UUID


def weights(own: Sequence[tuple[int | None, int | None]]) -> list[int]:
    """From each installer's given weight and its capacity of a cycle; who has neither weighs as the largest."""
    largest = max((capacity for _, capacity in own if capacity is not None), default=1)
    return [max(1, _first(given, capacity, largest)) for given, capacity in own]


def _first(given: int | None, capacity: int | None, largest: int) -> int:
    if given is not None:
        return given
    return largest if capacity is None else capacity


def entitled(those: Sequence[int], wanted_count: int) -> list[int]:
    """What each is entitled to of a lead with so many shares, by weight: nobody to more than one of them.

    Exactly as many leads in sum as can be given; what does not divide goes to the largest remainders, first come first.
    """
    shares = [LEAD_PPM] * len(those)
    rest = list(range(len(those)))
    left = min(wanted_count, len(those))
    while full := _filled(those, rest, left):
        rest = [each for each in rest if each not in full]
        left -= len(full)
    if not rest:
        return shares
    total, weight = left * LEAD_PPM, sum(those[each] for each in rest)
    for each in rest:
        shares[each] = total * those[each] // weight
    by_remainder = sorted(rest, key=lambda each: (-(total * those[each] % weight), each))
    for each in by_remainder[: total - sum(shares[each] for each in rest)]:
        shares[each] += 1
    return shares


def _filled(those: Sequence[int], rest: Sequence[int], left: int) -> set[int]:
    """Whose weight among the rest is worth a whole lead or more."""
    weight = sum(those[each] for each in rest)
    return {each for each in rest if those[each] * left >= weight}


def settled(balance_ppm: int, entitled_ppm: int, *, is_chosen: bool, most_owed_leads: int) -> int:
    """What is owed after a decision."""
    return bounded(balance_ppm + entitled_ppm - LEAD_PPM * is_chosen, most_owed_leads)


def bounded(balance_ppm: int, most_owed_leads: int) -> int:
    most = most_owed_leads * LEAD_PPM
    return max(-most, min(most, balance_ppm))


def jains_index(got: Sequence[float], entitled_to: Sequence[float]) -> float:
    """How evenly leads follow entitlements: 1 where each has the same part of its own, 1/n where one has all.

    Who was entitled to nothing is left out; 1 where nobody was, as nobody was treated worse than another.
    """
    ratios = [mine / due for mine, due in zip(got, entitled_to, strict=True) if due > 0]
    squares = sum(ratio * ratio for ratio in ratios)
    return sum(ratios) ** 2 / (len(ratios) * squares) if squares else 1.0
