"""One lead's decision: every candidate judged, the eligible ordered, as many chosen as the lead may have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from contracts.values import Location
from services.routing.domain.eligibility import (
    Coverage,
    Rule,
    Standing,
    Verdict,
    Verdicts,
    assess,
    first_obstacle,
    tally,
)
from services.routing.domain.ordering import OrderingKey, largest_capacity, ordering_key
from services.routing.domain.states import AssignmentStatus


class Shortfall(StrEnum):
    """Why fewer installers than wanted got the lead."""

    NOBODY_COVERS_THE_LOCATION = "nobody_covers_the_location"
    NOBODY_IS_ELIGIBLE = "nobody_is_eligible"
    TOO_FEW_ARE_ELIGIBLE = "too_few_are_eligible"


@dataclass(frozen=True, slots=True)
class Request:
    """A lead that wants `wanted_count` installers more. `earlier` are its assignments so far, by installer."""

    lead_id: UUID
    service: str
    location: Location
    wanted_count: int
    earlier: Mapping[UUID, Sequence[AssignmentStatus]] = field(default_factory=dict)
    waived: frozenset[Rule] = frozenset()


class Assessment(NamedTuple):
    """One candidate's part in a decision; without a key it was not eligible. `rank` counts from 1."""

    standing: Standing
    verdicts: Verdicts
    obstacle: Verdict | None
    key: OrderingKey | None = None
    rank: int | None = None
    is_chosen: bool = False


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
        return [(a.standing.candidate.id, v) for a in self.assessments for v in a.verdicts if not v.allows]

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


def decide(request: Request, candidates: Iterable[tuple[Standing, Coverage | None]]) -> Decision:
    """Pure: it takes no place. The caller lets the chosen `take` theirs before the next lead is decided."""
    judged = [_judge(request, standing, coverage) for standing, coverage in candidates]
    eligible = [assessment for assessment in judged if assessment.obstacle is None]
    others = sorted((a for a in judged if a.obstacle is not None), key=lambda a: a.standing.candidate.id)
    return Decision(request, (*_ranked(request, eligible), *others))


def _judge(request: Request, standing: Standing, coverage: Coverage | None) -> Assessment:
    verdicts = assess(
        standing,
        service=request.service,
        location=request.location,
        coverage=coverage,
        earlier=request.earlier.get(standing.candidate.id, ()),
        waived=request.waived,
    )
    return Assessment(standing, verdicts, first_obstacle(verdicts))


def _ranked(request: Request, eligible: Sequence[Assessment]) -> list[Assessment]:
    common_capacity = largest_capacity(assessment.standing for assessment in eligible)
    keyed = [(ordering_key(request.lead_id, a.standing, common_capacity), a) for a in eligible]
    keyed.sort(key=lambda pair: pair[0])
    return [
        assessment._replace(key=key, rank=rank, is_chosen=rank <= request.wanted_count)
        for rank, (key, assessment) in enumerate(keyed, start=1)
    ]
