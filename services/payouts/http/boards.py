"""Participation rules and allocations of boards over HTTP."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post, put
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.errors import FieldError, Invalid
from chassis.http import Body, Given, Operator, requires
from contracts.identity import Capability
from services.payouts import queries
from services.payouts.commands import boards as commands
from services.payouts.domain import HeldReason, ParticipationRule, PayoutState, RuleKind
from services.payouts.models import Board, Participation, Payout
from services.payouts.settings import Settings

LARGEST_AMOUNT_CENTS = 10**12

Guard = Callable[[AsyncSession], Awaitable[None]]
"""What a caller refuses first in the deed's own transaction, such as that somebody changed it meanwhile."""


class RuleBody(Body):
    """`value` is cents for `fixed`, basis points of the contracted amount for `percentage`, a weight for `share`."""

    expert_id: Annotated[UUID, Field(strict=False)]
    kind: Annotated[RuleKind, Field(strict=False)]
    value: Annotated[int, Field(ge=1, le=LARGEST_AMOUNT_CENTS)]

    def rule(self) -> ParticipationRule:
        return ParticipationRule(self.expert_id, self.kind, self.value)


class ParticipationsBody(Body):
    pool_basis_points: Annotated[int, Field(ge=0, le=10_000)] | None = None
    participations: Annotated[list[RuleBody], Field(max_length=200)]


class RuleView(BaseModel):
    expert_id: UUID
    kind: RuleKind
    value: int


class BoardPayoutView(BaseModel):
    payout_id: UUID
    expert_id: UUID
    amount_cents: int
    state: PayoutState


class BoardView(BaseModel):
    """A board's pay: the rules, and once it is closed what they came to, or why they came to nothing."""

    board_id: UUID
    client_id: UUID
    title: str
    contracted_amount_cents: int
    currency: str
    pool_basis_points: int | None
    closed_at: datetime | None
    allocated_at: datetime | None
    held_reason: HeldReason | None
    held_detail: str | None
    participations: list[RuleView]
    payouts: list[BoardPayoutView]


def _shown(board: Board, rules: list[Participation], payouts: list[Payout]) -> BoardView:
    return BoardView(
        board_id=board.id,
        client_id=board.client_id,
        title=board.title,
        contracted_amount_cents=board.contracted_amount_cents,
        currency=board.currency,
        pool_basis_points=board.pool_basis_points,
        closed_at=board.closed_at,
        allocated_at=board.allocated_at,
        held_reason=board.held_reason,
        held_detail=board.held_detail,
        participations=[RuleView(expert_id=r.expert_id, kind=r.kind, value=r.value) for r in rules],
        payouts=[
            BoardPayoutView(payout_id=p.id, expert_id=p.expert_id, amount_cents=p.amount_cents, state=p.state)
            for p in payouts
        ],
    )


async def _view(database: Database, board_id: UUID) -> BoardView:
    async with database.reading() as session:
        board = await queries.boards.board(session, board_id)
        rules = await queries.boards.participations_of(session, board_id)
        payouts = await queries.payouts.payouts_of_board(session, board_id)
        return _shown(board, list(rules), list(payouts))


@get("/admin/boards/{board_id:uuid}/participations", guards=[requires(Capability.READ_OPS)])
async def get_participations(board_id: FromPath[UUID], database: Given[Database]) -> BoardView:
    return await _view(database, board_id)


@put("/admin/boards/{board_id:uuid}/participations", guards=[requires(Capability.MANAGE_BILLING_OPS, step_up=True)])
async def set_participations(
    board_id: FromPath[UUID], data: JSONBody[ParticipationsBody], database: Given[Database], operator: Given[Operator]
) -> BoardView:
    """Replaces the rules as a whole; closed once the board's pay is allocated."""
    return await replace_participations(board_id, data, database, operator)


async def replace_participations(
    board_id: UUID, data: ParticipationsBody, database: Database, operator: Operator, guard: Guard | None = None
) -> BoardView:
    _refuse_doubled(data)
    before = await _view(database, board_id)
    async with database.transaction() as session:
        if guard is not None:
            await guard(session)
        rules = [body.rule() for body in data.participations]
        await commands.set_participations(session, board_id, rules, data.pool_basis_points)
        await audit.record(
            session,
            actor=operator,
            action="set_participations",
            subject=Subject("board", board_id),
            before=before.model_dump(mode="json", include={"participations", "pool_basis_points"}),
            after=data.model_dump(mode="json"),
        )
    return await _view(database, board_id)


def _refuse_doubled(data: ParticipationsBody) -> None:
    seen: set[UUID] = set()
    faults: list[FieldError] = []
    for place, rule in enumerate(data.participations):
        if rule.expert_id in seen:
            faults.append(FieldError(f"participations.{place}.expert_id", "duplicate", "The expert has a rule already"))
        seen.add(rule.expert_id)
    if faults:
        raise Invalid("an expert takes part once", errors=tuple(faults))


@get("/admin/held-allocations", guards=[requires(Capability.READ_OPS)])
async def list_held(database: Given[Database]) -> list[BoardView]:
    """Closed boards whose rules do not allow their pay, oldest first."""
    async with database.reading() as session:
        return [_shown(board, [], []) for board in await queries.boards.list_held_boards(session)]


@post(
    "/admin/boards/{board_id:uuid}/allocate",
    status_code=200,
    guards=[requires(Capability.MANAGE_BILLING_OPS, step_up=True)],
)
async def allocate(
    board_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> BoardView:
    """For a held board whose rules were mended; a board that is allocated stays as it is."""
    return await allocate_pay(board_id, database, clock, settings, operator)


async def allocate_pay(
    board_id: UUID,
    database: Database,
    clock: Clock,
    settings: Settings,
    operator: Operator,
    guard: Guard | None = None,
) -> BoardView:
    async with database.transaction() as session:
        if guard is not None:
            await guard(session)
        await commands.allocate_held_board(session, board_id, settings.expert_pool_basis_points, clock.now())
        await audit.record(session, actor=operator, action="allocate", subject=Subject("board", board_id))
    return await _view(database, board_id)


ROUTES = (get_participations, set_participations, list_held, allocate)
