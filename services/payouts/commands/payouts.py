"""One payout: an intent with its key before the call, the outcome after it, and what operators may do about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.errors import NotFound
from chassis.ids import new_id
from contracts.payouts import PayoutFailed, PayoutHeld, PayoutReversed, PayoutSent
from services.payouts.domain import (
    AttemptKind,
    AttemptOutcome,
    Gate,
    PayoutMethod,
    PayoutState,
    first_closed,
    gates,
    idempotency_key,
    state_after_refusal,
)
from services.payouts.errors import AwaitingApproval, GateClosed, NotOnHold, NotReady, NotReversible
from services.payouts.models import Approval, Attempt, Board, Expert, Payout
from services.payouts.stripe_gateway import MoneyOrder, Outcome, Refused, Succeeded, Unknown

LOOK_UP_AFTER = timedelta(seconds=3)
"""The call has ended without an answer: nobody else is at it, so that there is no reason to wait a whole lease."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a send is bound by. `now` is business time; the lease runs on the machine's clock."""

    now: datetime
    machine_now: datetime
    lease: timedelta
    gnosis_safe_enabled: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    attempt_id: UUID
    order: MoneyOrder


async def begin_transfer(session: AsyncSession, payout_id: UUID, terms: Terms) -> Begun:
    """Stores the attempt and its key; only after this is committed may Stripe be called."""
    payout = await locked(session, payout_id)
    if not PayoutState(payout.state).may_be_sent:
        raise NotReady(f"it is {payout.state}", payout_id=payout_id)
    expert = await session.get_one(Expert, payout.expert_id)
    refuse_closed_gates(payout, expert, terms.gnosis_safe_enabled)
    attempt = await _new_attempt(
        session, payout, AttemptKind.TRANSFER, amount_cents=payout.amount_cents, expert=expert, terms=terms
    )
    _enter(payout, PayoutState.SENDING, terms.now)
    await session.flush()
    return Begun(attempt.id, order_of(attempt, payout))


async def begin_reversal(session: AsyncSession, payout_id: UUID, amount_cents: int, reason: str, terms: Terms) -> Begun:
    """Refuses more than is left; one open attempt at a time, so that two operators do not take it back twice."""
    payout = await locked(session, payout_id)
    left_cents = payout.amount_cents - payout.reversed_cents
    if payout.state != PayoutState.SENT or not 0 < amount_cents <= left_cents:
        raise NotReversible(f"it is {payout.state}, {left_cents} cents can be reversed", payout_id=payout_id)
    if await session.scalar(_open_attempt(payout_id)) is not None:
        raise NotReversible("another reversal is under way", payout_id=payout_id)
    expert = await session.get_one(Expert, payout.expert_id)
    attempt = await _new_attempt(
        session, payout, AttemptKind.REVERSAL, amount_cents=amount_cents, expert=expert, terms=terms
    )
    attempt.reason = reason
    await session.flush()
    return Begun(attempt.id, order_of(attempt, payout))


async def record_outcome(session: AsyncSession, attempt_id: UUID, outcome: Outcome, terms: Terms) -> Payout:
    """Settles the attempt once. An unknown outcome leaves it open, to be looked up soon; it never gets another key."""
    now = terms.now
    attempt = await session.get_one(Attempt, attempt_id)
    payout = await locked(session, attempt.payout_id)
    await session.refresh(attempt, with_for_update=True)
    if not AttemptOutcome(attempt.outcome).is_open:
        return payout
    match outcome:
        case Unknown():
            attempt.outcome = AttemptOutcome.UNKNOWN
            attempt.lease_until = terms.machine_now + LOOK_UP_AFTER
        case Succeeded(stripe_id):
            attempt.outcome, attempt.stripe_id, attempt.settled_at = AttemptOutcome.SUCCEEDED, stripe_id, now
            await _succeeded(session, payout, attempt, now)
        case Refused(code, _):
            attempt.outcome, attempt.refusal_code, attempt.settled_at = AttemptOutcome.REFUSED, code, now
            await _refused(session, payout, attempt, code, now)
    await session.flush()
    return payout


async def _succeeded(session: AsyncSession, payout: Payout, attempt: Attempt, now: datetime) -> None:
    if attempt.kind == AttemptKind.REVERSAL:
        _reversed(session, payout, attempt, now)
        return
    payout.stripe_transfer_id, payout.sent_at = attempt.stripe_id, now
    _enter(payout, PayoutState.SENT, now)
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
        stripe_transfer_id=attempt.stripe_id or "",
        sent_at=now,
    )
    outbox.add(session, event, version=payout.next_version())


def _reversed(session: AsyncSession, payout: Payout, attempt: Attempt, now: datetime) -> None:
    payout.reversed_cents += attempt.amount_cents
    if payout.reversed_cents == payout.amount_cents:
        _enter(payout, PayoutState.REVERSED, now)
    event = PayoutReversed(
        payout_id=payout.id,
        expert_id=payout.expert_id,
        board_id=payout.board_id,
        amount_cents=attempt.amount_cents,
        currency="AUD",
        stripe_reversal_id=attempt.stripe_id or "",
        reversed_at=now,
    )
    outbox.add(session, event, version=payout.next_version())


async def _refused(session: AsyncSession, payout: Payout, attempt: Attempt, code: str, now: datetime) -> None:
    """Nothing moved. A refused reversal leaves the payout sent; a refused transfer waits, is held or has failed."""
    if attempt.kind == AttemptKind.REVERSAL:
        return
    state = state_after_refusal(code)
    if state is PayoutState.ON_HOLD:
        _hold(session, payout, code, now)
        return
    _enter(payout, state, now, code)
    event = PayoutFailed(
        payout_id=payout.id,
        expert_id=payout.expert_id,
        board_id=payout.board_id,
        amount_cents=payout.amount_cents,
        currency="AUD",
        reason_code=code,
        failed_at=now,
    )
    outbox.add(session, event, version=payout.next_version())


async def hold_payout(session: AsyncSession, payout_id: UUID, reason_code: str, now: datetime) -> Payout:
    """For a reason found before the call, such as an account that cannot be paid."""
    payout = await locked(session, payout_id)
    if PayoutState(payout.state).may_be_sent:
        _hold(session, payout, reason_code, now)
        await session.flush()
    return payout


async def release_payout(session: AsyncSession, payout_id: UUID, now: datetime) -> Payout:
    """An operator has cured what held it or made it fail: the next sweep may send it."""
    payout = await locked(session, payout_id)
    if payout.state == PayoutState.READY:
        return payout
    if payout.state not in (PayoutState.ON_HOLD, PayoutState.FAILED):
        raise NotOnHold(f"it is {payout.state}", payout_id=payout_id)
    _enter(payout, PayoutState.READY, now)
    await session.flush()
    return payout


async def approve_run(
    session: AsyncSession, payout_id: UUID, operator_id: UUID, now: datetime, valid: timedelta
) -> bool:
    """Whether a payout by hand may go: a second operator, who is not the first, has asked for it in time."""
    payout = await locked(session, payout_id)
    if not PayoutState(payout.state).may_be_sent:
        raise NotReady(f"it is {payout.state}", payout_id=payout_id)
    standing = await session.scalar(
        select(Approval).where(Approval.payout_id == payout_id, Approval.approved_at.is_(None)).with_for_update()
    )
    if standing is None or standing.expires_at <= now:
        if standing is not None:
            await session.delete(standing)
            await session.flush()
        asked = Approval(id=new_id(), payout_id=payout_id, requested_by=operator_id, requested_at=now)
        asked.expires_at = now + valid
        session.add(asked)
        return False
    if standing.requested_by == operator_id:
        raise AwaitingApproval("whoever asked for it cannot approve it", payout_id=payout_id)
    standing.approved_by, standing.approved_at = operator_id, now
    return True


async def renew_lease(session: AsyncSession, attempt_id: UUID, terms: Terms) -> Begun | None:
    """Takes an open attempt up whose lease has run out; None where somebody else was faster or it is settled."""
    found = await session.execute(
        select(Attempt, Payout)
        .join(Payout, Payout.id == Attempt.payout_id)
        .where(Attempt.id == attempt_id, Attempt.outcome.in_([AttemptOutcome.PENDING, AttemptOutcome.UNKNOWN]))
        .where(Attempt.lease_until <= terms.machine_now)
        .with_for_update(of=Attempt, skip_locked=True)
    )
    row = found.one_or_none()
    if row is None:
        return None
    attempt, payout = row
    attempt.lease_until = terms.machine_now + terms.lease
    return Begun(attempt.id, order_of(attempt, payout))


def refuse_closed_gates(payout: Payout, expert: Expert, gnosis_safe_enabled: bool) -> None:
    closed = first_closed(checklist(payout, expert, gnosis_safe_enabled))
    if closed is not None:
        raise GateClosed(f"{closed.name}: {closed.reason_code}", payout_id=payout.id, reason_code=closed.reason_code)
    if expert.payout_method == PayoutMethod.GNOSIS_SAFE:
        raise GateClosed("gnosis_safe is kept for its history and has no sender", payout_id=payout.id)


def checklist(payout: Payout, expert: Expert, gnosis_safe_enabled: bool) -> tuple[Gate, ...]:
    return gates(
        state=PayoutState(payout.state),
        method=PayoutMethod(expert.payout_method),
        stripe_account_id=expert.stripe_account_id,
        is_expert_active=expert.is_active,
        gnosis_safe_enabled=gnosis_safe_enabled,
    )


def _open_attempt(payout_id: UUID) -> Select[UUID]:
    return select(Attempt.id).where(
        Attempt.payout_id == payout_id, Attempt.outcome.in_([AttemptOutcome.PENDING, AttemptOutcome.UNKNOWN])
    )


async def locked(session: AsyncSession, payout_id: UUID) -> Payout:
    payout = await session.get(Payout, payout_id, with_for_update=True, populate_existing=True)
    if payout is None:
        raise NotFound("no such payout", payout_id=payout_id)
    return payout


async def _new_attempt(
    session: AsyncSession, payout: Payout, kind: AttemptKind, *, amount_cents: int, expert: Expert, terms: Terms
) -> Attempt:
    of_kind = select(func.coalesce(func.max(Attempt.attempt_no), 0)).where(
        Attempt.payout_id == payout.id, Attempt.kind == kind
    )
    attempt_no = (await session.scalar(of_kind) or 0) + 1
    attempt = Attempt(
        id=new_id(),
        payout_id=payout.id,
        kind=kind,
        attempt_no=attempt_no,
        idempotency_key=idempotency_key(kind, payout.id, attempt_no),
        # Pinned: an account changed after this moment does not move this attempt's money elsewhere.
        destination=expert.stripe_account_id or "",
        amount_cents=amount_cents,
        currency=payout.currency,
        outcome=AttemptOutcome.PENDING,
        created_at=terms.now,
        lease_until=terms.machine_now + terms.lease,
    )
    session.add(attempt)
    return attempt


def order_of(attempt: Attempt, payout: Payout) -> MoneyOrder:
    kind = AttemptKind(attempt.kind)
    return MoneyOrder(
        kind=kind,
        payout_id=payout.id,
        board_id=payout.board_id,
        attempt_no=attempt.attempt_no,
        idempotency_key=attempt.idempotency_key,
        amount_cents=attempt.amount_cents,
        currency=attempt.currency,
        destination=attempt.destination,
        source_id=payout.stripe_transfer_id if kind is AttemptKind.REVERSAL else None,
    )


def _hold(session: AsyncSession, payout: Payout, reason_code: str, now: datetime) -> None:
    _enter(payout, PayoutState.ON_HOLD, now, reason_code)
    event = PayoutHeld(
        payout_id=payout.id,
        expert_id=payout.expert_id,
        board_id=payout.board_id,
        reason_code=reason_code,
        held_at=now,
    )
    outbox.add(session, event, version=payout.next_version())


def _enter(payout: Payout, state: PayoutState, now: datetime, reason_code: str | None = None) -> None:
    payout.state, payout.state_since, payout.reason_code = state, now, reason_code
