"""One payout's states: what each of them tells the others, what holds it, and what lets it go on."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from chassis.errors import Refusal
from contracts.payouts import PayoutFailed, PayoutHeld, PayoutReady, PayoutReversed, PayoutSent
from services.payouts import queries
from services.payouts.domain import (
    LOOKED_AT_AGAIN,
    Bar,
    Gate,
    PayoutDeed,
    PayoutState,
    Standing,
    gates,
    obstacle_to,
)
from services.payouts.errors import (
    AwaitingApproval,
    GateClosed,
    NotOnHold,
    NotReady,
    NotReversible,
    StripeNotConfigured,
)
from services.payouts.models import Attempt, Board, Expert, Payout

log = structlog.get_logger(__name__)

CLIENT_INVOICE_VOID = "client_invoice_void"
CLIENT_PAYMENT_REVERSED = "client_payment_reversed"


async def hold_payout(session: AsyncSession, payout_id: UUID, reason_code: str, now: datetime) -> Payout:
    """For a reason found before the call, such as an account that cannot be paid."""
    payout = await queries.payouts.lock_payout(session, payout_id)
    if payout.state.may_be_sent:
        hold(session, payout, reason_code, now)
        await session.flush()
    return payout


async def release_payout(session: AsyncSession, payout_id: UUID, actor: Actor, reason: str, now: datetime) -> Payout:
    """An operator has cured what held it or made it fail: the next sweep may send it. Ready already: nothing to do."""
    payout = await queries.payouts.lock_payout(session, payout_id)
    if payout.state is PayoutState.READY:
        return payout
    refuse_obstacle(payout, PayoutDeed.RELEASE, Standing(payout.state))
    before = {"state": payout.state, "reason_code": payout.reason_code}
    let_wait(payout, now)
    await audit.record(
        session,
        actor=actor,
        action="release_payout",
        subject=Subject("payout", payout.id),
        before=before,
        after={"state": payout.state},
        reason_text=reason,
    )
    await session.flush()
    return payout


async def resume_payout(session: AsyncSession, payout_id: UUID, now: datetime) -> None:
    """What held it is over, and Stripe says that its account can be paid: it goes on without anybody's release."""
    payout = await queries.payouts.lock_payout(session, payout_id)
    if payout.state is PayoutState.ON_HOLD and payout.reason_code in LOOKED_AT_AGAIN:
        let_wait(payout, now)
        await session.flush()


def refuse_obstacle(payout: Payout, deed: PayoutDeed, standing: Standing) -> None:
    """Raises the refusal that the rule's obstacle stands for."""
    obstacle = obstacle_to(deed, standing)
    if obstacle is None:
        return
    match obstacle.bar:
        case Bar.STATE:
            raise _OF_STATE[deed](obstacle.text, payout_id=payout.id)
        case Bar.GATE:
            raise GateClosed(obstacle.text, payout_id=payout.id, reason_code=obstacle.reason_code)
        case Bar.APPROVAL:
            raise AwaitingApproval(obstacle.text, payout_id=payout.id)
        case Bar.UNDER_WAY:
            raise NotReversible(obstacle.text, payout_id=payout.id)
        case Bar.NO_STRIPE:
            raise StripeNotConfigured("set STRIPE_API_KEY")


_OF_STATE: Mapping[PayoutDeed, type[Refusal]] = {
    PayoutDeed.RUN: NotReady,
    PayoutDeed.RELEASE: NotOnHold,
    PayoutDeed.REVERSE: NotReversible,
}


def refuse_unready(payout: Payout, expert: Expert, gnosis_safe_enabled: bool) -> None:
    refuse_obstacle(payout, PayoutDeed.RUN, Standing(payout.state, checklist(payout, expert, gnosis_safe_enabled)))


def checklist(payout: Payout, expert: Expert, gnosis_safe_enabled: bool) -> tuple[Gate, ...]:
    return gates(
        is_client_paid=payout.invoice_id is not None,
        method=expert.payout_method,
        stripe_account_id=expert.stripe_account_id,
        is_expert_active=expert.is_active,
        gnosis_safe_enabled=gnosis_safe_enabled,
    )


def enter(payout: Payout, state: PayoutState, now: datetime, reason_code: str | None = None) -> None:
    payout.state, payout.state_since, payout.reason_code = state, now, reason_code


def let_wait(payout: Payout, now: datetime, reason_code: str | None = None) -> None:
    """For the next sweep; or for its client, whose invoice may have turned out void meanwhile."""
    enter(payout, PayoutState.READY if payout.invoice_id else PayoutState.PENDING, now, reason_code)


def pay_by(session: AsyncSession, payout: Payout, invoice_id: UUID, paid_at: datetime) -> None:
    """The client has paid. What is on hold or has failed stays so, but waits for the client no longer."""
    payout.invoice_id = invoice_id
    if payout.state is not PayoutState.PENDING:
        return
    enter(payout, PayoutState.READY, paid_at)
    event = PayoutReady(
        payout_id=payout.id,
        expert_id=payout.expert_id,
        board_id=payout.board_id,
        invoice_id=invoice_id,
        amount_cents=payout.amount_cents,
        currency="AUD",
        ready_at=paid_at,
    )
    outbox.add(session, event, version=payout.next_version())


def unpay(session: AsyncSession, payout: Payout, reason_code: str, now: datetime) -> None:
    """The invoice that paid for it is void or paid no more. What was sent is an operator's to take back."""
    if payout.state.was_sent:
        log.warning(
            "sent_before_it_was_unpaid",
            payout_id=str(payout.id),
            invoice_id=str(payout.invoice_id),
            reason_code=reason_code,
        )
        return
    payout.invoice_id = None
    if payout.state is PayoutState.READY:
        enter(payout, PayoutState.PENDING, now)
        _tell_held(session, payout, reason_code, now)


def hold(session: AsyncSession, payout: Payout, reason_code: str, now: datetime) -> None:
    enter(payout, PayoutState.ON_HOLD, now, reason_code)
    _tell_held(session, payout, reason_code, now)


def _tell_held(session: AsyncSession, payout: Payout, reason_code: str, now: datetime) -> None:
    event = PayoutHeld(
        payout_id=payout.id,
        expert_id=payout.expert_id,
        board_id=payout.board_id,
        reason_code=reason_code,
        held_at=now,
    )
    outbox.add(session, event, version=payout.next_version())


def fail(session: AsyncSession, payout: Payout, reason_code: str, now: datetime) -> None:
    enter(payout, PayoutState.FAILED, now, reason_code)
    event = PayoutFailed(
        payout_id=payout.id,
        expert_id=payout.expert_id,
        board_id=payout.board_id,
        amount_cents=payout.amount_cents,
        currency="AUD",
        reason_code=reason_code,
        failed_at=now,
    )
    outbox.add(session, event, version=payout.next_version())


async def note_sent(session: AsyncSession, payout: Payout, stripe_transfer_id: str, now: datetime) -> None:
    payout.stripe_transfer_id, payout.sent_at = stripe_transfer_id, now
    enter(payout, PayoutState.SENT, now)
    expert = await session.get_one(Expert, payout.expert_id)
    board = await session.get_one(Board, payout.board_id)
    event = PayoutSent(
        payout_id=payout.id,
        expert_id=expert.id,
        expert_name=expert.name,
        expert_email=expert.email,
        board_id=board.id,
        board_title=board.title,
        amount_cents=payout.amount_cents,
        currency="AUD",
        stripe_transfer_id=stripe_transfer_id,
        sent_at=now,
    )
    outbox.add(session, event, version=payout.next_version())


def note_reversed(session: AsyncSession, payout: Payout, attempt: Attempt, stripe_reversal_id: str) -> None:
    now = attempt.settled_at or attempt.created_at
    payout.reversed_cents += attempt.amount_cents
    if payout.reversed_cents == payout.amount_cents:
        enter(payout, PayoutState.REVERSED, now)
    event = PayoutReversed(
        payout_id=payout.id,
        expert_id=payout.expert_id,
        board_id=payout.board_id,
        amount_cents=attempt.amount_cents,
        currency="AUD",
        stripe_reversal_id=stripe_reversal_id,
        reversed_at=now,
    )
    outbox.add(session, event, version=payout.next_version())
