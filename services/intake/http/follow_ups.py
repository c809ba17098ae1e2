"""Follow-ups of leads, over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.di import Provide
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, Text, requires
from chassis.ids import new_id
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.follow_ups import (
    Cancel,
    Complete,
    Plan,
    Reassign,
    Snooze,
    cancel_follow_up,
    complete_follow_up,
    reassign_follow_up,
    schedule_follow_up,
    snooze_follow_up,
)
from services.intake.domain import Channel, FollowUpAction, FollowUpOutcome, FollowUpState
from services.intake.domain.escalation import SubjectKind
from services.intake.http.narrowing import filters_of_their_leads, owned_by
from services.intake.models import FollowUp
from services.intake.queries import FollowUpFilters, LeadFilters, Owned

WRITE = Capability.WRITE_ROUTING
Id = Annotated[UUID, Field(strict=False)]
FollowUpNote = Annotated[Text, StringConstraints(max_length=1000)]


class FollowUpRow(BaseModel):
    """`note` says what is to be done, `outcome_note` how it went; `done_at` is also when it was cancelled.

    `survivor_id` is the lead that goes on for its lead, where that was merged into another; `escalates_at` is when
    something happens next by itself.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    lead_id: UUID
    survivor_id: UUID | None = None
    owner_id: UUID | None
    owner_name: str | None
    channel: Channel
    due_at: datetime
    note: str
    state: FollowUpState
    outcome: FollowUpOutcome | None
    outcome_note: str | None
    snoozes: int
    created_at: datetime
    created_by: str
    done_at: datetime | None
    done_by: str | None
    escalates_at: datetime | None = None
    available_actions: list[FollowUpAction]

    @classmethod
    async def of(cls, session: AsyncSession, follow_up: FollowUp) -> "FollowUpRow":
        (row,) = await cls.of_all(session, [follow_up])
        return row

    @classmethod
    async def of_all(cls, session: AsyncSession, follow_ups: Sequence[FollowUp]) -> "list[FollowUpRow]":
        survivors = await queries.survivors_of(session, {each.lead_id for each in follow_ups})
        ahead = await queries.next_of(session, SubjectKind.FOLLOW_UP, [each.id for each in follow_ups])
        return [
            cls.model_validate(each).model_copy(
                update={"survivor_id": survivors.get(each.lead_id), "escalates_at": ahead.get(each.id)}
            )
            for each in follow_ups
        ]


class FollowUpPlan(Body):
    """Without `owner_id` it is nobody's yet. Sent twice with one `id`, it is planned once."""

    id: Id | None = None
    owner_id: Id | None = None
    channel: Annotated[Channel, Field(strict=False)]
    due_at: AwareInstant
    note: FollowUpNote

    def plan(self) -> Plan:
        return Plan(self.id or new_id(), self.owner_id, self.channel, self.due_at, self.note)


class NewFollowUp(FollowUpPlan):
    lead_id: Id


class FollowUpSnooze(Body):
    until: AwareInstant
    note: FollowUpNote | None = None


class FollowUpCompletion(Body):
    """`following` is planned in the same deed: both are done, or neither."""

    outcome: Annotated[FollowUpOutcome, Field(strict=False)]
    note: FollowUpNote | None = None
    following: FollowUpPlan | None = None


class FollowUpCancellation(Body):
    note: FollowUpNote | None = None


class FollowUpOwner(Body):
    """Without `owner_id` it is nobody's."""

    owner_id: Id | None = None
    note: FollowUpNote | None = None


Typed = Annotated[
    str | None,
    QueryParameter(
        max_length=200,
        pattern=r"^\s*\S+(\s+\S+){0,11}\s*$",
        description="words, twelve at the most, that each stand in what is to be done, or in the name, contact or "
        "address of its lead or of one that was made one with it",
    ),
]


@get(
    "/admin/follow-ups",
    guards=[requires(Capability.READ_OPS)],
    dependencies={
        "owned": Provide(owned_by, sync_to_thread=False),
        "of": Provide(filters_of_their_leads, sync_to_thread=False),
    },
)
async def list_follow_ups(
    database: Given[Database],
    page: Given[PageRequest],
    clock: Given[Clock],
    owned: Given[Owned],
    of: Given[LeadFilters],
    lead_id: FromQuery[UUID | None] = None,
    # Litestar keeps the name `state` for itself.
    in_state: Annotated[FollowUpState | None, QueryParameter(name="state")] = None,
    channel: FromQuery[Channel | None] = None,
    outcome: FromQuery[FollowUpOutcome | None] = None,
    overdue: Annotated[bool, QueryParameter(description="what is open, and was due before now")] = False,
    due_from: FromQuery[AwareInstant | None] = None,
    due_to: Annotated[AwareInstant | None, QueryParameter(description="exclusive")] = None,
    q: Typed = None,
) -> Page[FollowUpRow]:
    """By when they are due, the earliest first. A lead's are also those of the leads that were merged into it."""
    overdue_at = clock.now() if overdue else None
    filters = FollowUpFilters(lead_id, in_state, channel, due_from, due_to, outcome, owned, overdue_at, q, of)
    async with database.reading() as session:
        rows = await FollowUpRow.of_all(session, await queries.list_follow_ups(session, page, filters))
    return page.page(rows, lambda row: (row.due_at, row.id), lambda row: row)


@get("/admin/follow-ups/{follow_up_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_follow_up(follow_up_id: FromPath[UUID], database: Given[Database]) -> FollowUpRow:
    async with database.reading() as session:
        return await FollowUpRow.of(session, await queries.follow_up(session, follow_up_id))


@post("/admin/follow-ups", guards=[requires(WRITE)], status_code=201)
async def plan_follow_up(
    data: JSONBody[NewFollowUp], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> FollowUpRow:
    """Plan a follow-up of a lead that is not over."""
    async with database.transaction() as session:
        await queries.refuse_unknown_lead(session, data.lead_id)
        made = await schedule_follow_up(session, data.lead_id, data.plan(), operator, clock.now())
        return await FollowUpRow.of(session, made)


@post("/admin/follow-ups/{follow_up_id:uuid}/snooze", guards=[requires(WRITE)], status_code=200)
async def put_off_follow_up(
    follow_up_id: FromPath[UUID],
    data: JSONBody[FollowUpSnooze],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> FollowUpRow:
    """Put a follow-up off: it falls due anew."""
    async with database.transaction() as session:
        command = Snooze(follow_up_id, data.until, data.note, operator, clock.now())
        return await FollowUpRow.of(session, await snooze_follow_up(session, command))


@post("/admin/follow-ups/{follow_up_id:uuid}/complete", guards=[requires(WRITE)], status_code=200)
async def finish_follow_up(
    follow_up_id: FromPath[UUID],
    data: JSONBody[FollowUpCompletion],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> FollowUpRow:
    """Tell what came of a follow-up, and plan the next in the same deed. Done twice is done once."""
    following = data.following.plan() if data.following else None
    async with database.transaction() as session:
        command = Complete(follow_up_id, data.outcome, data.note, following, operator, clock.now())
        return await FollowUpRow.of(session, await complete_follow_up(session, command))


@post("/admin/follow-ups/{follow_up_id:uuid}/cancel", guards=[requires(WRITE)], status_code=200)
async def call_off_follow_up(
    follow_up_id: FromPath[UUID],
    data: JSONBody[FollowUpCancellation],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> FollowUpRow:
    """Cancel a follow-up that need not be done any more. Cancelled twice is cancelled once."""
    async with database.transaction() as session:
        command = Cancel(follow_up_id, data.note, operator, clock.now())
        return await FollowUpRow.of(session, await cancel_follow_up(session, command))


@post("/admin/follow-ups/{follow_up_id:uuid}/reassign", guards=[requires(WRITE)], status_code=200)
async def give_follow_up(
    follow_up_id: FromPath[UUID],
    data: JSONBody[FollowUpOwner],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> FollowUpRow:
    """Give a follow-up to another operator, or to nobody."""
    async with database.transaction() as session:
        command = Reassign(follow_up_id, data.owner_id, data.note, operator, clock.now())
        return await FollowUpRow.of(session, await reassign_follow_up(session, command))


ROUTES = (
    list_follow_ups,
    get_follow_up,
    plan_follow_up,
    put_off_follow_up,
    finish_follow_up,
    call_off_follow_up,
    give_follow_up,
)
