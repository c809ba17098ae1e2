"""Payouts over HTTP: what waits, what went, and what an operator may do by hand."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel, Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, Text, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.payouts import queries
from services.payouts.commands.attempts import Reversal
from services.payouts.domain import AttemptOutcome, PayoutState
from services.payouts.errors import ReversalRefused
from services.payouts.http.boards import LARGEST_AMOUNT_CENTS
from services.payouts.http.payout_views import PayoutDetail, PayoutView, Row, look_at
from services.payouts.sending import Sender

Money = Capability.MANAGE_BILLING_OPS


class RunAnswer(BaseModel):
    """`awaiting_approval`: a second operator has to ask for the same before `approval_expires_at`."""

    result: Literal["awaiting_approval", "executed"]
    payout: PayoutDetail


class ReasonBody(Body):
    reason: Text


class ReverseBody(ReasonBody):
    """`reversal_id` is the caller's own: sent twice, it takes back once."""

    reversal_id: Annotated[UUID, Field(strict=False)]
    amount_cents: Annotated[int, Field(ge=1, le=LARGEST_AMOUNT_CENTS)]


def place_of(row: Row) -> tuple[datetime, UUID]:
    return row[0].created_at, row[0].id


@get("/admin/ops/payouts", guards=[requires(Capability.READ_OPS)])
async def list_payouts(
    database: Given[Database],
    page: Given[PageRequest],
    in_state: Annotated[PayoutState | None, QueryParameter(name="state")] = None,
    expert_id: FromQuery[UUID | None] = None,
    board_id: FromQuery[UUID | None] = None,
) -> Page[PayoutView]:
    """Pending and historical payouts, oldest first."""
    async with database.reading() as session:
        rows = await queries.payouts.list_payouts(session, page, state=in_state, expert_id=expert_id, board_id=board_id)
    return page.page(rows, place_of, PayoutView.of)


@get("/admin/ops/payouts/{payout_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_payout(
    payout_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    sender: Given[Sender],
    operator: Given[Operator],
) -> PayoutDetail:
    return await _detail(database, payout_id, clock, sender, operator)


async def _detail(
    database: Database, payout_id: UUID, clock: Clock, sender: Sender, operator: Operator
) -> PayoutDetail:
    async with database.reading() as session:
        return (await look_at(session, payout_id, sender, operator.id, clock.now())).detail()


@post(
    "/admin/ops/payouts/{payout_id:uuid}/run",
    status_code=200,
    guards=[requires(Money, step_up=True)],
    responses={202: ResponseSpec(RunAnswer, description="Asked for: a second operator has to ask for the same")},
)
async def run_payout(
    payout_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    sender: Given[Sender],
    operator: Given[Operator],
) -> Response[RunAnswer]:
    """Sends one payout by hand. It takes two operators: the first asks (202), the second's same request sends it."""
    is_approved = await sender.run(payout_id, operator)
    detail = await _detail(database, payout_id, clock, sender, operator)
    result: Literal["executed", "awaiting_approval"] = "executed" if is_approved else "awaiting_approval"
    return Response(RunAnswer(result=result, payout=detail), status_code=200 if is_approved else 202)


@post("/admin/ops/payouts/{payout_id:uuid}/release", status_code=200, guards=[requires(Money, step_up=True)])
async def release_payout(
    payout_id: FromPath[UUID],
    data: JSONBody[ReasonBody],
    database: Given[Database],
    clock: Given[Clock],
    sender: Given[Sender],
    operator: Given[Operator],
) -> PayoutDetail:
    """What held it or made it fail is cured: the next sweep may send it.

    Where it failed for want of an answer, Stripe is asked first: what did go after all is `sent` then.
    """
    await sender.release(payout_id, operator, data.reason)
    return await _detail(database, payout_id, clock, sender, operator)


@post(
    "/admin/ops/payouts/{payout_id:uuid}/reverse",
    status_code=200,
    guards=[requires(Money, step_up=True)],
    responses={202: ResponseSpec(PayoutDetail, description="Under way: its answer is to come")},
)
async def reverse_payout(
    payout_id: FromPath[UUID],
    data: JSONBody[ReverseBody],
    database: Given[Database],
    clock: Given[Clock],
    sender: Given[Sender],
    operator: Given[Operator],
) -> Response[PayoutDetail]:
    """Takes a sent payout back, whole or in part, as far as the expert's balance at Stripe allows.

    The same `reversal_id` again answers what became of it.
    """
    reversal = Reversal(data.reversal_id, payout_id, data.amount_cents, data.reason)
    attempt = await sender.reverse(reversal, operator)
    if attempt.outcome is AttemptOutcome.REFUSED:
        code = attempt.refusal_code or ""
        raise ReversalRefused(f"it said {code}", payout_id=payout_id, reversal_id=attempt.id, refusal_code=code)
    detail = await _detail(database, payout_id, clock, sender, operator)
    return Response(detail, status_code=202 if attempt.outcome.is_open else 200)


class SweepView(BaseModel):
    """One weekly run; `left_*` is what was ready and did not go."""

    due_at: datetime
    started_at: datetime
    finished_at: datetime | None
    sent_count: int
    sent_cents: int
    left_count: int
    left_cents: int


@get("/admin/ops/payout-sweeps", guards=[requires(Capability.READ_OPS)])
async def list_sweeps(database: Given[Database]) -> list[SweepView]:
    """The last year's, newest first."""
    async with database.reading() as session:
        sweeps = await queries.payouts.list_sweeps(session, 52)
    return [SweepView.model_validate(sweep, from_attributes=True) for sweep in sweeps]


ROUTES = (list_payouts, get_payout, run_payout, release_payout, reverse_payout, list_sweeps)
