"""A scorecard as it is told: of an installer, of a region, or of an installer in a region."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.values import AustralianState
from services.routing.domain.scoring import Score, rate, score
from services.routing.queries.scores import Region, Scored, Standing, Sums


class ScoreView(BaseModel):
    """Rates are of one, null where nothing was to be counted; `trend` compares with as many days before.

    Of a region's `leads` so many were `served`, which is that somebody got them. `share_rate` is what was got of what
    was due by the policy. Caps are those of the cycle that is now, `outstanding_cents` what is owed now: of a region
    those of the installers that work there, each whole in every state of its own.
    """

    model_config = ConfigDict(from_attributes=True)

    installer_id: UUID | None = None
    name: str = ""
    state: AustralianState | None = None
    works_there: bool | None = Field(default=None, description="of an installer in a region")
    leads: int | None = None
    served: int | None = None
    exceptions: int | None = None
    covering: int | None = None
    median_seconds: int | None = None
    delivered: int
    accept_rate: float | None
    return_rate: float | None
    deliver_seconds: int | None
    quick_rate: float | None
    chosen: int
    entitled_leads: float
    share_rate: float | None
    trend: float | None
    cap_taken: int = 0
    cap_limit: int | None = Field(default=None, description="null where there is no cap")
    cap_rate: float | None = None
    outstanding_cents: int = 0
    overdue_cents: int = 0


def of_installer(scored: Scored) -> ScoreView:
    about = {"installer_id": scored.installer_id, "name": scored.name, "works_there": scored.works_there}
    return _view(scored.sums, scored.standing, **about)


def of_region(region: Region) -> ScoreView:
    return _view(
        region.sums,
        region.standing,
        state=region.state,
        leads=region.leads,
        served=region.served,
        exceptions=region.raised,
        covering=region.covering,
        median_seconds=region.median_seconds,
    )


def score_of(sums: Sums) -> Score:
    return score(
        sent=sums.sent,
        failed=sums.failed,
        returned=sums.returned,
        deliver_seconds_sum=sums.deliver_seconds_sum,
        within_5_min=sums.within_5_min,
        chosen=sums.chosen,
        entitled_ppm=sums.entitled_ppm,
        before=sums.before,
    )


def _view(sums: Sums, standing: Standing, **about: Any) -> ScoreView:
    known: dict[str, Any] = {
        "cap_taken": standing.cap_taken,
        "cap_limit": standing.cap_limit,
        "cap_rate": rate(standing.cap_taken, standing.cap_limit or 0),
        "outstanding_cents": standing.outstanding_cents,
        "overdue_cents": standing.overdue_cents,
    }
    return ScoreView.model_validate(score_of(sums)).model_copy(update={**about, **known})
