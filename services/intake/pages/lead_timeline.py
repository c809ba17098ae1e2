"""A lead's timeline over HTTP: what its page tells of all services, in the page's words."""

from datetime import datetime
from uuid import UUID

from litestar import get
from litestar.params import FromPath
from pydantic import BaseModel

from chassis.console import Console
from chassis.console.timeline import Change, Moment, in_order
from chassis.database import Database
from chassis.http import Given, Operator, requires
from contracts.identity import Capability
from services.intake.pages.lead import MOMENTS, VERBS
from services.intake.pages.lead_file import all_of, read_file


class FieldChanged(BaseModel):
    """As the page says it, by the business zone's clocks; `before` is null of what there was nothing of."""

    field: str
    before: str | None
    after: str

    @classmethod
    def of(cls, change: Change) -> "FieldChanged":
        before = change.before.striptags() if change.was_there else None
        return cls(field=change.name, before=before, after=change.after.striptags())


class LeadMoment(BaseModel):
    """`what` goes on after `who`: "Robin Field" "corrected the lead"."""

    at: datetime
    who: str
    what: str
    changes: list[FieldChanged]
    reason: str | None
    request_id: str | None

    @classmethod
    def of(cls, moment: Moment) -> "LeadMoment":
        return cls(
            at=moment.at,
            who=moment.who,
            what=moment.what,
            changes=[FieldChanged.of(change) for change in moment.changes],
            reason=moment.reason or None,
            request_id=moment.request_id or None,
        )


@get("/admin/leads/{lead_id:uuid}/timeline", guards=[requires(Capability.READ_OPS)])
async def get_lead_timeline(
    lead_id: FromPath[UUID], database: Given[Database], console: Given[Console], operator: Given[Operator]
) -> list[LeadMoment]:
    """What happened to a lead in all services, the latest first."""
    async with database.reading() as session:
        file = await read_file(session, lead_id, VERBS, console, operator)
        return [LeadMoment.of(moment) for moment in in_order(await all_of(MOMENTS, file))]


ROUTES = (get_lead_timeline,)
