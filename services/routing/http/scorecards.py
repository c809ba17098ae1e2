"""What installers and regions made of their leads, over HTTP."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import get
from litestar.params import FromPath, QueryParameter
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.database import Database
from chassis.errors import FieldError, Invalid
from chassis.http import Given, requires
from contracts.identity import Capability
from contracts.values import AustralianState
from services.routing.domain.ordering import jains_index
from services.routing.http.score_views import ScoreView, of_installer, of_region
from services.routing.queries import scores as queries
from services.routing.queries.scores import DAYS, Sums
from services.routing.settings import Settings

MOST_DAYS = 180
Days = Annotated[int, QueryParameter(ge=1, le=MOST_DAYS)]


class By(StrEnum):
    INSTALLER = "installer"
    REGION = "region"


OF_EACH: Mapping[str, str] = {
    "delivered": "delivered",
    "trend": "trend",
    "accepted": "accept_rate",
    "came_back": "return_rate",
    "took": "deliver_seconds",
    "quick": "quick_rate",
    "share": "share_rate",
    "cap": "cap_rate",
    "outstanding": "outstanding_cents",
    "overdue": "overdue_cents",
}
ORDERS: Mapping[By, Mapping[str, str]] = {
    By.INSTALLER: {"installer": "name", **OF_EACH},
    By.REGION: {
        "region": "state",
        "leads": "leads",
        "served": "served",
        "raised": "exceptions",
        "covering": "covering",
        "median": "median_seconds",
        **OF_EACH,
    },
}
"""What one may sort by, by the words of the pages' addresses, and where it stands in the answer."""
Sort = Annotated[
    str | None,
    QueryParameter(max_length=20, description="as in the page's address: `leads`, or `-leads` for the most first"),
]


class Scorecards(BaseModel):
    """`evenness` is Jain's index of what each installer got to what it was due: 1 is even."""

    days: int
    by: By
    evenness: float
    scores: list[ScoreView]


class Scorecard(BaseModel):
    days: int
    score: ScoreView


class RegionScorecard(Scorecard):
    """Of each installer its leads of the state alone, its caps and what it owes as a whole."""

    installers: list[ScoreView]


@get("/admin/scorecards", guards=[requires(Capability.READ_OPS)])
async def show_scorecards(
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    by: Annotated[By, QueryParameter()] = By.INSTALLER,
    days: Days = DAYS,
    sort: Sort = None,
) -> Scorecards:
    """By the number of deliveries, the most first, unless sorted otherwise. Today is in it as it stands."""
    refuse_other_orders(by, sort)
    now, zone = clock.now(), settings.zone
    async with database.reading() as session:
        installers = await queries.installers(session, now, days, zone)
        if by is By.INSTALLER:
            views = [of_installer(each) for each in installers]
        else:
            views = [of_region(each) for each in await queries.regions(session, now, days, zone)]
    scores = in_order(views, by, sort)
    return Scorecards(days=days, by=by, evenness=evenness([each.sums for each in installers]), scores=scores)


@get("/admin/installers/{installer_id:uuid}/scorecard", guards=[requires(Capability.READ_OPS)])
async def show_scorecard(
    installer_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    days: Days = DAYS,
) -> Scorecard:
    """Of zeros where it had no lead. Today is in it as it stands."""
    async with database.reading() as session:
        found = await queries.installer(session, installer_id, clock.now(), days, settings.zone)
    return Scorecard(days=days, score=of_installer(found))


@get("/admin/scorecards/regions/{region:str}", guards=[requires(Capability.READ_OPS)])
async def show_region(
    region: FromPath[AustralianState],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    days: Days = DAYS,
) -> RegionScorecard:
    """With the installers that work there or were asked for a lead of it, who was delivered most there first."""
    async with database.reading() as session:
        return await region_of(session, region, clock.now(), days, settings.zone)


async def region_of(
    session: AsyncSession, state: AustralianState, now: datetime, days: int, zone: ZoneInfo
) -> RegionScorecard:
    [region] = await queries.regions(session, now, days, zone, [state])
    installers = await queries.installers_in(session, state, now, days, zone)
    views = in_order([of_installer(each) for each in installers], By.INSTALLER, None)
    return RegionScorecard(days=days, score=of_region(region), installers=views)


def refuse_other_orders(by: By, sort: str | None) -> None:
    if sort is not None and sort.removeprefix("-") not in ORDERS[by]:
        told = f"Value is none of {', '.join(ORDERS[by])}"
        raise Invalid(f"scorecards by {by} have no such order", errors=(FieldError("sort", "invalid", told),))


def in_order(views: list[ScoreView], by: By, sort: str | None) -> list[ScoreView]:
    """As the pages have it: what has no value is the least, and the id decides between equals."""
    if sort is None:
        return sorted(views, key=lambda view: (-view.delivered, view.name, view.state or ""))
    name = ORDERS[by][sort.removeprefix("-")]

    def place(view: ScoreView) -> tuple[bool, Any, str]:
        value = getattr(view, name)
        return value is not None, value or 0, str(view.installer_id or view.state)

    return sorted(views, key=place, reverse=sort.startswith("-"))


def evenness(those: list[Sums]) -> float:
    return round(jains_index([each.chosen for each in those], [each.entitled_ppm for each in those]), 4)


ROUTES = (show_scorecards, show_scorecard, show_region)
