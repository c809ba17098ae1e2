"""What sources were refused, for operators' programs: the rows behind the numbers of a source's quality."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import FromQuery, QueryParameter
from pydantic import BaseModel, ConfigDict

from chassis.database import Database
from chassis.http import AwareInstant, Given, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.intake.queries.rejections import Refused, RejectionFilters, list_rejections


class RefusalRow(BaseModel):
    """So many in an hour of the business zone's clocks. `field` is empty for requests as a whole, whatever faults each
    had; else they are faults of it.
    """

    model_config = ConfigDict(from_attributes=True)

    source_id: UUID
    source_name: str
    hour: datetime
    code: str
    field: str
    number: int


@get("/admin/lead-sources/refusals", guards=[requires(Capability.READ_OPS)])
async def list_refusals(
    database: Given[Database],
    page: Given[PageRequest],
    source_id: FromQuery[UUID | None] = None,
    what: Annotated[
        Refused | None,
        QueryParameter(description="requests as a whole, those sent back as too fast, or faults of fields"),
    ] = None,
    code: Annotated[str | None, QueryParameter(max_length=100)] = None,
    field: Annotated[str | None, QueryParameter(max_length=100)] = None,
    hour_from: FromQuery[AwareInstant | None] = None,
    hour_to: Annotated[AwareInstant | None, QueryParameter(description="exclusive")] = None,
) -> Page[RefusalRow]:
    """The newest hour first; kept for 400 days, without what was sent."""
    filters = RejectionFilters(source_id, what, code, field, hour_from, hour_to)
    async with database.reading() as session:
        found = await list_rejections(session, page, filters)
    return page.page(found, lambda row: (row.hour, row.place), RefusalRow.model_validate)


ROUTES = (list_refusals,)
