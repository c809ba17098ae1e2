"""What installers and regions made of their leads, over HTTP."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import QueryParameter
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Given, requires
from contracts.identity import Capability
from contracts.values import AustralianState
from services.routing.domain.ordering import jains_index
from services.routing.domain.scoring import Score, score
from services.routing.queries import scores as queries
from services.routing.queries.installers import names_of
from services.routing.queries.scores import DAYS, Sums
from services.routing.settings import Settings

MOST_DAYS = 180


class By(StrEnum):
    INSTALLER = "installer"
    REGION = "region"


class ScoreView(BaseModel):
    """Rates are of one, null where nothing was to be counted; `trend` compares with as many days before."""

    model_config = ConfigDict(from_attributes=True)

    installer_id: UUID | None = None
    name: str = ""
    state: AustralianState | None = None
    leads: int | None = None
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
    trend: float | None


class Scorecards(BaseModel):
    """`evenness` is Jain's index of what each installer got to what it was due: 1 is even."""

    days: int
    by: By
    evenness: float
    scores: list[ScoreView]


@get("/admin/scorecards", guards=[requires(Capability.READ_OPS)])
async def show_scorecards(
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    by: Annotated[By, QueryParameter()] = By.INSTALLER,
    days: Annotated[int, QueryParameter(ge=1, le=MOST_DAYS)] = DAYS,
) -> Scorecards:
    """By the number of deliveries, the most first. Today is in it as it stands."""
    now, zone = clock.now(), settings.zone
    async with database.reading() as session:
        of_installers = await queries.sums_by_installer(session, now, days, zone)
        if by is By.INSTALLER:
            views = await _of_installers(session, of_installers)
        else:
            of_regions = await queries.sums_by_region(session, now, days, zone)
            facts = await queries.regions(session, now - timedelta(days=days), now)
            views = [_view(of_regions.get(each.state, Sums()), state=each.state, **_told(each)) for each in facts]
    views.sort(key=lambda view: (-view.delivered, view.name, view.state or ""))
    return Scorecards(days=days, by=by, evenness=evenness(list(of_installers.values())), scores=views)


async def _of_installers(session: AsyncSession, found: dict[UUID, Sums]) -> list[ScoreView]:
    names = await names_of(session, list(found))
    return [_view(sums, installer_id=id_, name=names[id_]) for id_, sums in found.items()]


def _told(facts: queries.RegionFacts) -> dict[str, int | None]:
    return {
        "leads": facts.leads,
        "exceptions": facts.exceptions,
        "covering": facts.covering,
        "median_seconds": facts.median_seconds,
    }


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


def _view(sums: Sums, **about: object) -> ScoreView:
    return ScoreView.model_validate(score_of(sums)).model_copy(update=about)


def evenness(those: list[Sums]) -> float:
    return round(jains_index([each.chosen for each in those], [each.entitled_ppm for each in those]), 4)


ROUTES = (show_scorecards,)
