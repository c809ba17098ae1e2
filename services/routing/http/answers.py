""" "Why not me?" over HTTP: what an installer may be told of a lead, or of its leads of a time."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import FromPath, QueryParameter
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from chassis.errors import FieldError, Invalid
from chassis.http import Given, requires
from contracts.identity import Capability
from services.routing.domain.answers import answer, summary
from services.routing.domain.windows import WallClock, span_of
from services.routing.queries import dispatches, installers
from services.routing.queries.answers import outcomes_of, own_parts

First = Annotated[date, QueryParameter(name="from", description="the first day, by the installer's own clock")]
Last = Annotated[date, QueryParameter(name="to", description="the last day, which belongs to it")]


class AnswerView(BaseModel):
    """Sentences that name no other installer, nor how many there were: they may be sent as they are."""

    sentences: list[str]


class SummaryView(AnswerView):
    """`outcomes` are the installer's own leads by what became of them: chosen, eligible, or the rule in its way."""

    outcomes: dict[str, int]


@get("/admin/leads/{lead_id:uuid}/answers/{installer_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def answer_about_lead(
    lead_id: FromPath[UUID], installer_id: FromPath[UUID], database: Given[Database]
) -> AnswerView:
    async with database.reading() as session:
        return AnswerView(sentences=await about_lead(session, lead_id, installer_id))


@get("/admin/installers/{installer_id:uuid}/answers", guards=[requires(Capability.READ_OPS)])
async def answer_about_time(
    installer_id: FromPath[UUID], first: First, last: Last, database: Given[Database]
) -> SummaryView:
    async with database.reading() as session:
        return await about_time(session, installer_id, first, last)


async def about_lead(session: AsyncSession, lead_id: UUID, installer_id: UUID) -> Sequence[str]:
    await installers.get(session, installer_id)
    lead = await dispatches.get(session, lead_id)
    parts = await own_parts(session, lead_id, installer_id)
    return answer(parts, place=f"{lead.postcode} {lead.state}", wanted=lead.service)


async def about_time(session: AsyncSession, installer_id: UUID, first: date, last: date) -> SummaryView:
    installer = await installers.get(session, installer_id)
    if last < first:
        raise Invalid(
            "a time ends on or after its first day",
            errors=(FieldError("to", "before_from", "must not be before from"),),
        )
    outcomes = await outcomes_of(session, installer_id, *span_of(first, last, WallClock.of(installer.time_zone).zone))
    return SummaryView(sentences=summary(outcomes), outcomes=dict(outcomes))


ROUTES = (answer_about_lead, answer_about_time)
