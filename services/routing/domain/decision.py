"""One lead's decision: every candidate judged, the eligible ordered, as many chosen as the lead may have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from contracts.values import Location
from services.routing.domain.candidate import Place, Turn
from services.routing.domain.eligibility import Judged, Rule, Verdict, tally
from services.routing.domain.ordering import NEVER, OrderingKey, entitled, weights
from services.routing.domain.policies import OrderingPolicy
from services.routing.domain.standing import Considered, Standing, assess, verdicts_of
from services.routing.domain.states import Trigger


class Shortfall(StrEnum):
    """Why fewer installers than wanted got the lead."""

    NOBODY_COVERS_THE_LOCATION = "nobody_covers_the_location"
    NOBODY_IS_ELIGIBLE = "nobody_is_eligible"
    TOO_FEW_ARE_ELIGIBLE = "too_few_are_eligible"


@dataclass(frozen=True)
class Request:
    """A lead that wants `wanted_count` installers more, at `decided_at`."""

    lead_id: UUID
    service: str
    location: Location
    wanted_count: int
    decided_at: datetime
    trigger: Trigger = Trigger.AUTO
    policy: OrderingPolicy = field(default_factory=OrderingPolicy)
    policy_version: int = 1
    waived: frozenset[Rule] = frozenset()

    @cached_property
    def place(self) -> Place:
        return Place(self.location.postcode, self.location.state)

    @property
    def is_by_hand(self) -> bool:
        """Only the named are candidates then: what they get is a gift, outside the policy."""
        return self.trigger is Trigger.BY_HAND

    @property
    def is_from_backlog(self) -> bool:
        return self.trigger is Trigger.SCHEDULED


class Assessment(NamedTuple):
    """One candidate's part in a decision; without a key it was not eligible. `rank` counts from 1."""

    standing: Standing
    judged: tuple[Judged, ...]
    obstacle: Verdict | None
    entitled_ppm: int = 0
    key: OrderingKey | None = None
    rank: int | None = None
    is_chosen: bool = False

    @property
    def outcome(self) -> str:
        """`chosen`, `eligible`, or the rule in its way."""
        if self.obstacle is not None:
            return self.obstacle.rule
        return "chosen" if self.is_chosen else "eligible"


@dataclass(frozen=True, slots=True)
class Decision:
    """`assessments` are the eligible in their order, then the others; `chosen` are the first of them."""

    request: Request
    assessments: tuple[Assessment, ...]

    @property
    def chosen(self) -> list[Standing]:
        return [assessment.standing for assessment in self.assessments if assessment.is_chosen]

    @property
    def refusals(self) -> list[tuple[UUID, Verdict]]:
        """All that is in the way of any candidate."""
        return [(a.standing.candidate.id, v) for a in self.assessments for v in verdicts_of(a.judged) if not v.allows]

    @property
    def shortfall(self) -> Shortfall | None:
        if len(self.chosen) >= self.request.wanted_count:
            return None
        if not self.assessments:
            return Shortfall.NOBODY_COVERS_THE_LOCATION
        return Shortfall.TOO_FEW_ARE_ELIGIBLE if self.chosen else Shortfall.NOBODY_IS_ELIGIBLE

    @property
    def summary(self) -> str:
        """One line for operators, as `given to 2 of 3; of 6 candidates not eligible: cap_month 3, status 1`."""
        location = self.request.location
        if not self.assessments:
            return f"no installer covers {location.postcode} {location.state}"
        obstacles = [a.obstacle for a in self.assessments if a.obstacle is not None]
        given = f"given to {len(self.chosen)} of {self.request.wanted_count}"
        if not obstacles:
            return f"{given}; all {len(self.assessments)} candidates eligible"
        return f"{given}; of {len(self.assessments)} candidates not eligible: {tally(obstacles)}"


def decide(request: Request, candidates: Iterable[Considered]) -> Decision:
    """Pure: nothing moves by it. `carry_out` lets the chosen take their places before the next lead is decided."""
    judged = [_judge(request, considered) for considered in candidates]
    judged.sort(key=lambda assessment: assessment.standing.candidate.id.int)
    eligible = [assessment for assessment in judged if assessment.obstacle is None]
    others = [assessment for assessment in judged if assessment.obstacle is not None]
    return Decision(request, (*_ranked(request, eligible), *others))


def carry_out(decision: Decision, turn_no: Iterable[int]) -> None:
    """Moves what the decision moves: the balances of the eligible, and the places and turns of the chosen."""
    request = decision.request
    places = iter(turn_no)
    for each in decision.assessments:
        if each.key is None:
            break
        if not request.is_by_hand:
            most = request.policy.most_owed_leads
            each.standing.settle(each.entitled_ppm, is_chosen=each.is_chosen, most_owed_leads=most)
        if each.is_chosen:
            each.standing.take(Turn(request.decided_at, next(places)), is_from_backlog=request.is_from_backlog)


def _judge(request: Request, considered: Considered) -> Assessment:
    judged = assess(
        considered,
        service=request.service,
        place=request.place,
        backlog_per_hour=request.policy.backlog_per_hour if request.is_from_backlog else None,
        waived=request.waived,
    )
    return Assessment(considered.standing, judged, next((j.obstacle for j in judged if j.obstacle), None))


def _ranked(request: Request, eligible: Sequence[Assessment]) -> list[Assessment]:
    """What of a share does not divide goes to who would be the next anyway."""
    eligible = sorted(eligible, key=lambda assessment: _waiting(assessment.standing))
    shares = _entitled(request, [assessment.standing for assessment in eligible])
    keyed = [(_key(each.standing, share), share, each) for share, each in zip(shares, eligible, strict=True)]
    keyed.sort(key=lambda ranked: ranked[0])
    return [
        each._replace(entitled_ppm=share, key=key, rank=rank, is_chosen=rank <= request.wanted_count)
        for rank, (key, share, each) in enumerate(keyed, start=1)
    ]


def _entitled(request: Request, eligible: Sequence[Standing]) -> list[int]:
    if request.is_by_hand:
        return [0] * len(eligible)
    own = [(standing.candidate.share_weight, standing.capacity) for standing in eligible]
    return entitled(weights(own), request.wanted_count)


def _waiting(standing: Standing) -> tuple[Turn, int]:
    return standing.last_turn or NEVER, standing.candidate.id.int


def _key(standing: Standing, entitled_ppm: int) -> OrderingKey:
    owed = standing.balance_ppm + entitled_ppm
    return OrderingKey(-owed, standing.last_turn or NEVER, standing.candidate.id)
