"""What installers and regions made of their leads, over HTTP."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from litestar import get
from litestar.params import QueryParameter
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.database import Database
from chassis.errors import FieldError, Invalid
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


OF_EACH: Mapping[str, str] = {
    "delivered": "delivered",
    "trend": "trend",
    "accepted": "accept_rate",
    "came_back": "return_rate",
    "took": "deliver_seconds",
    "quick": "quick_rate",
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


class ScoreView(BaseModel):
    """Rates are of one, null where nothing was to be counted; `trend` compares with as many days before.

    Of a region's `leads` so many were `served`, which is that somebody got them.
    """

    model_config = ConfigDict(from_attributes=True)

    installer_id: UUID | None = None
    name: str = ""
    state: AustralianState | None = None
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
    sort: Sort = None,
) -> Scorecards:
    """By the number of deliveries, the most first, unless sorted otherwise. Today is in it as it stands."""
    refuse_other_orders(by, sort)
    now, zone = clock.now(), settings.zone
    async with database.reading() as session:
        of_installers = await queries.sums_by_installer(session, now, days, zone)
        if by is By.INSTALLER:
            views = await _of_installers(session, of_installers)
        else:
            views = [_of_region(each) for each in await queries.regions(session, now, days, zone)]
    scores = in_order(views, by, sort)
    return Scorecards(days=days, by=by, evenness=evenness(list(of_installers.values())), scores=scores)


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


async def _of_installers(session: AsyncSession, found: dict[UUID, Sums]) -> list[ScoreView]:
    names = await names_of(session, list(found))
    return [_view(sums, installer_id=id_, name=names[id_]) for id_, sums in found.items()]


def _of_region(region: queries.Region) -> ScoreView:
    return _view(
        region.sums,
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


def _view(sums: Sums, **about: object) -> ScoreView:
    return ScoreView.model_validate(score_of(sums)).model_copy(update=about)


def evenness(those: list[Sums]) -> float:
    return round(jains_index([each.chosen for each in those], [each.entitled_ppm for each in those]), 4)


ROUTES = (show_scorecards,)
