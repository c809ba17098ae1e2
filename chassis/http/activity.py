"""Who did what to what in this service, over HTTP: the audit as operators and their programs read it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import get
from litestar.params import FromPath, FromQuery, QueryParameter
from pydantic import BaseModel, ConfigDict

from chassis.audit import Deeds, find_entry, list_entries, place_of
from chassis.database import Database
from chassis.http.auth import requires
from chassis.http.given import Given
from chassis.http.instants import AwareInstant
from chassis.paging import Page, PageRequest

LONGEST_WORD = 100
LONGEST_ID = 200


class Deed(BaseModel):
    """`before` and `after` hold the fields that changed; without `actor_id` it happened by itself.

    `occurred_at` is by the machine's clock.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    occurred_at: datetime
    actor_id: UUID | None
    actor_name: str
    action: str
    subject_kind: str
    subject_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    reason_code: str | None
    reason_text: str | None
    request_id: str | None


@get("/admin/activity", guards=[requires("read_ops")])
async def list_activity(
    database: Given[Database],
    page: Given[PageRequest],
    subject_kind: Annotated[str | None, QueryParameter(max_length=LONGEST_WORD)] = None,
    subject_id: Annotated[str | None, QueryParameter(max_length=LONGEST_ID)] = None,
    actor_id: FromQuery[UUID | None] = None,
    action: Annotated[str | None, QueryParameter(max_length=LONGEST_WORD)] = None,
    request_id: Annotated[str | None, QueryParameter(max_length=LONGEST_ID)] = None,
    occurred_from: FromQuery[AwareInstant | None] = None,
    occurred_to: Annotated[AwareInstant | None, QueryParameter(description="exclusive")] = None,
    q: Annotated[
        str | None,
        QueryParameter(
            min_length=1, max_length=LONGEST_ID, description="a part of who did it, of an id, a reason or a request"
        ),
    ] = None,
) -> Page[Deed]:
    """What people and the service itself did, the newest first."""
    deeds = Deeds(subject_kind, subject_id, actor_id, action, request_id, occurred_from, occurred_to, q)
    async with database.reading() as session:
        return page.page(await list_entries(session, page, deeds), place_of, Deed.model_validate)


@get("/admin/activity/{entry_id:uuid}", guards=[requires("read_ops")])
async def get_activity(entry_id: FromPath[UUID], database: Given[Database]) -> Deed:
    """One deed, with what it changed."""
    async with database.reading() as session:
        return Deed.model_validate(await find_entry(session, entry_id))


ROUTES = (list_activity, get_activity)
