"""A payout as those who ask see it: the same look for the JSON and for the page, with what is in each deed's way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from services.payouts import queries
from services.payouts.commands.payouts import checklist
from services.payouts.domain import (
    AttemptKind,
    AttemptOutcome,
    Gate,
    Obstacle,
    PayoutDeed,
    PayoutState,
    Standing,
    obstacle_to,
)
from services.payouts.models import Approval, Attempt, Board, Expert, Payout
from services.payouts.sending import Sender

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


@dataclass(frozen=True, slots=True)
class Look:
    """One payout with all that stands around it, as one operator sees it now."""

    payout: Payout
    expert: Expert
    board: Board
    attempts: Sequence[Attempt]
    approval: Approval | None
    gates: Sequence[Gate]
    obstacles: Mapping[PayoutDeed, Obstacle | None]

    @property
    def open_attempt(self) -> Attempt | None:
        return next((attempt for attempt in self.attempts if attempt.outcome.is_open), None)

    def detail(self) -> PayoutDetail:
        told: dict[str, Any] = {
            **PayoutView.of((self.payout, self.expert, self.board)).model_dump(),
            "gates": [
                GateView(name=gate.name, is_open=gate.is_open, reason_code=gate.reason_code) for gate in self.gates
            ],
            "attempts": [AttemptView.model_validate(attempt, from_attributes=True) for attempt in self.attempts],
            "approval_requested_by": self.approval.requested_by if self.approval else None,
            "approval_expires_at": self.approval.expires_at if self.approval else None,
            "available_actions": [deed.value for deed, obstacle in self.obstacles.items() if obstacle is None],
        }
        return PayoutDetail(**told)


async def look_at(session: AsyncSession, payout_id: UUID, sender: Sender, asker_id: UUID, now: datetime) -> Look:
    payout, expert = await queries.payouts.payout_with_expert(session, payout_id)
    attempts = await queries.attempts.attempts_of(session, payout_id)
    approval = await queries.attempts.standing_approval(session, payout_id, now)
    gates = checklist(payout, expert, sender.settings.gnosis_safe_enabled)
    standing = Standing(
        payout.state,
        gates,
        is_asked_by_me=approval is not None and approval.requested_by == asker_id,
        has_open_attempt=any(attempt.outcome.is_open for attempt in attempts),
        has_stripe=sender.gateway is not None,
    )
    return Look(
        payout=payout,
        expert=expert,
        board=await queries.boards.board(session, payout.board_id),
        attempts=attempts,
        approval=approval,
        gates=gates,
        obstacles={deed: obstacle_to(deed, standing) for deed in PayoutDeed},
    )
