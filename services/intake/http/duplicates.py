"""Leads that may be one, and what an operator says of them: that they are two, or that one goes nowhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, Text, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.reviewing import (
    DismissPair,
    RejectLead,
    ReleaseLead,
    dismiss_pair,
    reject_lead,
    release_lead,
)
from services.intake.domain.duplicates import DismissReason, PairState, RejectReason
from services.intake.http.leads import LeadRow
from services.intake.models import LeadPair
from services.intake.queries import PairFilters

WRITE = Capability.WRITE_ROUTING


class PairRow(BaseModel):
    """`lead_id` is the one that was looked at later, and held where the pair holds one. `similarities` are of 100.

    `lead_survivor_id` and `other_survivor_id` are the leads that go on for those of the two that were merged: these are
    what is compared, and merged. What is said of them is said of all pairs between them.
    """

    model_config = ConfigDict(from_attributes=True)

    lead_id: UUID
    other_id: UUID
    score: int
    reasons: list[str]
    similarities: dict[str, float]
    days_apart: int
    is_same_service: bool
    holds: bool
    state: PairState
    found_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason_code: str | None
    note: str | None
    lead_survivor_id: UUID | None = None
    other_survivor_id: UUID | None = None

    @classmethod
    async def of(cls, session: AsyncSession, pair: LeadPair) -> "PairRow":
        (row,) = await PairRow.of_all(session, [pair])
        return row

    @classmethod
    async def of_all(cls, session: AsyncSession, pairs: Sequence[LeadPair]) -> "list[PairRow]":
        survivors = await queries.survivors_of(
            session, {id_ for pair in pairs for id_ in (pair.lead_id, pair.other_id)}
        )
        return [
            PairRow.model_validate(pair).model_copy(
                update={
                    "lead_survivor_id": survivors.get(pair.lead_id),
                    "other_survivor_id": survivors.get(pair.other_id),
                }
            )
            for pair in pairs
        ]


class PairLead(LeadRow):
    email: str
    phone: str
    street: str


class PairDetail(PairRow):
    lead: PairLead
    other: PairLead


class Dismissal(Body):
    """`reason` is the operator's own words."""

    reason_code: DismissReason
    reason: Text | None = None


class Rejection(Body):
    """`reason` is the operator's own words."""

    reason_code: RejectReason
    reason: Text | None = None


@get("/admin/duplicates", guards=[requires(Capability.READ_OPS)])
async def list_duplicates(
    database: Given[Database],
    page: Given[PageRequest],
    # Litestar keeps the name `state` for itself.
    in_state: Annotated[PairState | None, QueryParameter(name="state")] = None,
    held: Annotated[bool | None, QueryParameter(description="whether the pair holds its lead now")] = None,
    lead_id: Annotated[UUID | None, QueryParameter(description="either of the two")] = None,
    score_from: Annotated[int | None, QueryParameter(ge=0, le=100)] = None,
) -> Page[PairRow]:
    """Pairs of leads that may be one, the newest first. What is alike no more since a correction is left out."""
    async with database.reading() as session:
        pairs = await queries.list_pairs(session, page, PairFilters(in_state, held, lead_id, score_from))
        rows = {pair.id: row for pair, row in zip(pairs, await PairRow.of_all(session, pairs), strict=True)}
    return page.page(pairs, lambda pair: (pair.found_at, pair.id), lambda pair: rows[pair.id])


@get("/admin/duplicates/{lead_id:uuid}/{other_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_duplicate(lead_id: FromPath[UUID], other_id: FromPath[UUID], database: Given[Database]) -> PairDetail:
    """A pair, with both leads. Whichever is named first."""
    async with database.reading() as session:
        return await _detail(session, await queries.pair(session, lead_id, other_id))


async def _detail(session: AsyncSession, pair: LeadPair) -> PairDetail:
    both = [await queries.lead(session, lead_id) for lead_id in (pair.lead_id, pair.other_id)]
    lead, other = await PairLead.of_all(session, both)
    return PairDetail(**(await PairRow.of(session, pair)).model_dump(), lead=lead, other=other)


@post("/admin/duplicates/{lead_id:uuid}/{other_id:uuid}/dismiss", guards=[requires(WRITE)], status_code=200)
async def dismiss_duplicate(
    lead_id: FromPath[UUID],
    other_id: FromPath[UUID],
    data: JSONBody[Dismissal],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> PairRow:
    """Say that two leads are not one, nor what was merged into them. What nothing else holds any more is dispatched."""
    command = DismissPair(lead_id, other_id, data.reason_code, data.reason, operator, clock.now())
    async with database.transaction() as session:
        return await PairRow.of(session, await dismiss_pair(session, command))


@post("/admin/leads/{lead_id:uuid}/release", guards=[requires(WRITE)], status_code=200)
async def release_held_lead(
    lead_id: FromPath[UUID],
    data: JSONBody[Dismissal],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> LeadRow:
    """Let a lead go that is held: it doubles none of those it is held for, and is dispatched."""
    command = ReleaseLead(lead_id, data.reason_code, data.reason, operator, clock.now())
    async with database.transaction() as session:
        return await LeadRow.of(session, await release_lead(session, command))


@post("/admin/leads/{lead_id:uuid}/reject", guards=[requires(WRITE)], status_code=200)
async def reject_held_lead(
    lead_id: FromPath[UUID],
    data: JSONBody[Rejection],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> LeadRow:
    """Refuse a lead that is held: it goes nowhere, and its source reads so at its status address."""
    command = RejectLead(lead_id, data.reason_code, data.reason, operator, clock.now())
    async with database.transaction() as session:
        return await LeadRow.of(session, await reject_lead(session, command))


ROUTES = (list_duplicates, get_duplicate, dismiss_duplicate, release_held_lead, reject_held_lead)
