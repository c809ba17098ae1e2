"""Who covers what, over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import QueryParameter
from pydantic import BaseModel, Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Given, requires
from contracts.forms import LONGEST_SERVICE
from contracts.identity import Capability
from contracts.values import AustralianState
from services.routing.queries import coverage as queries


class CoveringInstaller(BaseModel):
    id: UUID
    name: str
    takes_leads: bool
    is_away: bool


class SegmentView(BaseModel):
    """Postcodes of a state that the same installers cover; without one that takes leads it is a gap."""

    state: AustralianState
    first: str
    last: str
    installers: list[CoveringInstaller]
    active_count: int
    leads: int = Field(description="of the last 30 days")
    not_placed: int = Field(description="leads of the last 30 days that no installer could have")


class CoverageView(BaseModel):
    service: str
    segments: list[SegmentView]


@get("/admin/coverage", guards=[requires(Capability.READ_OPS)])
async def get_coverage(
    database: Given[Database],
    clock: Given[Clock],
    service: Annotated[str, QueryParameter(max_length=LONGEST_SERVICE)],
    within: Annotated[AustralianState | None, QueryParameter(name="state")] = None,
) -> CoverageView:
    """Every postcode of the states, cut where the installers that do the service change."""
    states = [within] if within else list(AustralianState)
    async with database.reading() as session:
        found = await queries.coverage(session, service, clock.now(), states)
    return CoverageView(
        service=service,
        segments=[
            SegmentView(
                state=each.segment.state,
                first=each.segment.first,
                last=each.segment.last,
                installers=[
                    CoveringInstaller(
                        id=known.id, name=known.name, takes_leads=known.takes_leads, is_away=known.is_away
                    )
                    for known in found.of(each)
                ],
                active_count=found.active(each),
                leads=each.leads,
                not_placed=each.not_placed,
            )
            for each in found.covered
        ],
    )


ROUTES = (get_coverage,)
