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
from services.payouts.commands.payouts import checklist
from services.payouts.domain import AttemptKind, AttemptOutcome, PayoutState
from services.payouts.errors import ReversalRefused
from services.payouts.http.boards import LARGEST_AMOUNT_CENTS
from services.payouts.models import Board, Expert, Payout
from services.payouts.sending import Sender
from services.payouts.settings import Settings

Money = Capability.MANAGE_BILLING_OPS
Row = tuple[Payout, Expert, Board]


class PayoutView(BaseModel):
    """One row of the list. `state_since` is business time."""

    id: UUID
    state: PayoutState
    state_since: datetime
    reason_code: str | None
    amount_cents: int
    reversed_cents: int
    currency: str
    expert_id: UUID
    expert_name: str
    board_id: UUID
    board_title: str
    invoice_id: UUID | None
    stripe_transfer_id: str | None
    sent_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: Row) -> "PayoutView":
        payout, expert, board = row
        own = {name: getattr(payout, name) for name in cls.model_fields if hasattr(payout, name)}
        return cls(**own, expert_name=expert.name, board_title=board.title)


class AttemptView(BaseModel):
    attempt_no: int
    kind: AttemptKind
    outcome: AttemptOutcome
    refusal_code: str | None
    stripe_id: str | None
    amount_cents: int
    created_at: datetime
    settled_at: datetime | None


class GateView(BaseModel):
    """One thing that must hold before it goes; `reason_code` is what is in the way."""

    name: str
    is_open: bool
    reason_code: str | None


class PayoutDetail(PayoutView):
    gates: list[GateView]
    attempts: list[AttemptView]
    approval_requested_by: UUID | None
    approval_expires_at: datetime | None
    available_actions: list[Literal["run", "release", "reverse"]]


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
    payout_id: FromPath[UUID], database: Given[Database], clock: Given[Clock], settings: Given[Settings]
) -> PayoutDetail:
    return await _detail(database, payout_id, clock.now(), settings)


async def _detail(database: Database, payout_id: UUID, now: datetime, settings: Settings) -> PayoutDetail:
    async with database.reading() as session:
        payout, expert = await queries.payouts.payout_with_expert(session, payout_id)
        board = await queries.boards.board(session, payout.board_id)
        attempts = await queries.attempts.attempts_of(session, payout_id)
        approval = await queries.attempts.standing_approval(session, payout_id, now)
    gates = checklist(payout, expert, settings.gnosis_safe_enabled)
    return PayoutDetail(
        **PayoutView.of((payout, expert, board)).model_dump(),
        gates=[GateView(name=gate.name, is_open=gate.is_open, reason_code=gate.reason_code) for gate in gates],
        attempts=[AttemptView.model_validate(attempt, from_attributes=True) for attempt in attempts],
        approval_requested_by=approval.requested_by if approval else None,
        approval_expires_at=approval.expires_at if approval else None,
        available_actions=_actions(payout.state),
    )


def _actions(state: PayoutState) -> list[Literal["run", "release", "reverse"]]:
    match state:
        case PayoutState.READY:
            return ["run"]
        case PayoutState.ON_HOLD | PayoutState.FAILED:
            return ["release"]
        case PayoutState.SENT:
            return ["reverse"]
    return []


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
    settings: Given[Settings],
    sender: Given[Sender],
    operator: Given[Operator],
) -> Response[RunAnswer]:
    """Sends one payout by hand. It takes two operators: the first asks (202), the second's same request sends it."""
    is_approved = await sender.run(payout_id, operator)
    detail = await _detail(database, payout_id, clock.now(), settings)
    result: Literal["executed", "awaiting_approval"] = "executed" if is_approved else "awaiting_approval"
    return Response(RunAnswer(result=result, payout=detail), status_code=200 if is_approved else 202)


@post("/admin/ops/payouts/{payout_id:uuid}/release", status_code=200, guards=[requires(Money, step_up=True)])
async def release_payout(
    payout_id: FromPath[UUID],
    data: JSONBody[ReasonBody],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    sender: Given[Sender],
    operator: Given[Operator],
) -> PayoutDetail:
    """What held it or made it fail is cured: the next sweep may send it.

    Where it failed for want of an answer, Stripe is asked first: what did go after all is `sent` then.
    """
    await sender.release(payout_id, operator, data.reason)
    return await _detail(database, payout_id, clock.now(), settings)


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
    settings: Given[Settings],
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
    detail = await _detail(database, payout_id, clock.now(), settings)
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
