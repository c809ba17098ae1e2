"""Attempts to move money: the intent with its key before the call, and the outcome after it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.constraints import flush_or_refuse
from chassis.ids import new_id
from services.payouts import queries
from services.payouts.commands.approvals import take_approval
from services.payouts.commands.payouts import (
    enter,
    fail,
    hold,
    let_wait,
    note_reversed,
    note_sent,
    refuse_obstacle,
    refuse_unready,
)
from services.payouts.domain import (
    AttemptKind,
    AttemptOutcome,
    PayoutDeed,
    PayoutState,
    Standing,
    idempotency_key,
    look_up_after,
    state_after_refusal,
)
from services.payouts.errors import NotReversible, ReversalIdTaken
from services.payouts.models import Attempt, Expert, Payout
from services.payouts.stripe_gateway import MoneyOrder, Outcome, Refused, Succeeded, Unknown


@dataclass(frozen=True, slots=True)
class Terms:
    """What a send is bound by. `now` is business time; the lease runs on the machine's clock."""

    now: datetime
    machine_now: datetime
    lease: timedelta
    gnosis_safe_enabled: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """`created_at` is business time: the age of the key."""

    attempt_id: UUID
    order: MoneyOrder
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Reversal:
    """What an operator wants back. `id` is the caller's own: asked for twice, it is taken back once."""

    id: UUID
    payout_id: UUID
    amount_cents: int
    reason: str


async def begin_transfer(session: AsyncSession, payout_id: UUID, terms: Terms, approver: Actor | None = None) -> Begun:
    """Stores the attempt and its key; only after this is committed may Stripe be called.

    By hand it takes the approval that stands, in the same transaction: what does not begin leaves it standing.
    """
    payout = await queries.payouts.lock_payout(session, payout_id)
    expert = await session.get_one(Expert, payout.expert_id)
    refuse_unready(payout, expert, terms.gnosis_safe_enabled)
    if approver is not None:
        await take_approval(session, payout, approver, terms.now)
    attempt = await _new_attempt(session, payout, expert, terms, AttemptKind.TRANSFER, payout.amount_cents)
    enter(payout, PayoutState.SENDING, terms.now)
    await session.flush()
    return _begun(attempt, payout)


async def begin_reversal(session: AsyncSession, reversal: Reversal, actor: Actor, terms: Terms) -> Begun | None:
    """None where it was asked for before. Refuses more than is left; one open attempt at a time."""
    payout = await queries.payouts.lock_payout(session, reversal.payout_id)
    earlier = await session.get(Attempt, reversal.id, populate_existing=True)
    if earlier is not None:
        _refuse_another(earlier, reversal)
        return None
    left_cents = payout.amount_cents - payout.reversed_cents
    is_under_way = await queries.attempts.open_attempt(session, payout.id) is not None
    refuse_obstacle(payout, PayoutDeed.REVERSE, Standing(payout.state, has_open_attempt=is_under_way))
    if not 0 < reversal.amount_cents <= left_cents:
        raise NotReversible(f"{left_cents} cents of it can be reversed", payout_id=payout.id, left_cents=left_cents)
    expert = await session.get_one(Expert, payout.expert_id)
    attempt = await _new_attempt(session, payout, expert, terms, AttemptKind.REVERSAL, reversal.amount_cents)
    attempt.id, attempt.reason = reversal.id, reversal.reason
    await flush_or_refuse(session, {"pk_attempts": _taken(reversal)})
    await _audit_reversal(session, reversal, actor)
    return _begun(attempt, payout)


async def record_outcome(session: AsyncSession, attempt_id: UUID, outcome: Outcome, terms: Terms) -> Payout:
    """Settles the attempt once. An unknown outcome leaves it open, to be looked up soon; it never gets another key."""
    payout, attempt = await _locked(session, attempt_id)
    if not attempt.outcome.is_open:
        return payout
    match outcome:
        case Unknown():
            attempt.outcome = AttemptOutcome.UNKNOWN
            attempt.lease_until = terms.machine_now + look_up_after(terms.now - attempt.created_at)
        case Succeeded(stripe_id):
            await _succeeded(session, payout, attempt, stripe_id, terms.now)
        case Refused(code, _):
            attempt.outcome, attempt.refusal_code, attempt.settled_at = AttemptOutcome.REFUSED, code, terms.now
            _refused(session, payout, attempt, code, terms.now)
    await session.flush()
    return payout


async def correct_outcome(
    session: AsyncSession, attempt_id: UUID, found: Succeeded, actor: Actor, now: datetime
) -> None:
    """What was taken for refused is at Stripe after all, as a look showed that `actor` gave rise to."""
    payout, attempt = await _locked(session, attempt_id)
    if not may_be_corrected(payout, attempt):
        return
    before = {"outcome": attempt.outcome, "refusal_code": attempt.refusal_code, "attempt_no": attempt.attempt_no}
    attempt.refusal_code = None
    await _succeeded(session, payout, attempt, found.stripe_id, now)
    await audit.record(
        session,
        actor=actor,
        action="correct_attempt",
        subject=Subject("payout", payout.id),
        before=before,
        after={"outcome": attempt.outcome, "stripe_id": attempt.stripe_id},
    )
    await session.flush()


def may_be_corrected(payout: Payout, attempt: Attempt) -> bool:
    """A payout that is under way or was sent since is not what this attempt came to."""
    is_current = attempt.kind is AttemptKind.REVERSAL or payout.state.may_be_released
    return attempt.outcome is AttemptOutcome.REFUSED and is_current


async def renew_lease(session: AsyncSession, attempt_id: UUID, terms: Terms) -> Begun | None:
    """Takes an open attempt up whose lease has run out; None where somebody else was faster or it is settled."""
    found = await queries.attempts.lock_expired_attempt(session, attempt_id, terms.machine_now)
    if found is None:
        return None
    attempt, payout = found
    attempt.lease_until = terms.machine_now + terms.lease
    return _begun(attempt, payout)


def order_of(attempt: Attempt, payout: Payout) -> MoneyOrder:
    return MoneyOrder(
        kind=attempt.kind,
        payout_id=payout.id,
        board_id=payout.board_id,
        attempt_no=attempt.attempt_no,
        idempotency_key=attempt.idempotency_key,
        amount_cents=attempt.amount_cents,
        currency=attempt.currency,
        destination=attempt.destination,
        source_id=payout.stripe_transfer_id if attempt.kind is AttemptKind.REVERSAL else None,
    )


async def _locked(session: AsyncSession, attempt_id: UUID) -> tuple[Payout, Attempt]:
    attempt = await session.get_one(Attempt, attempt_id)
    payout = await queries.payouts.lock_payout(session, attempt.payout_id)
    await session.refresh(attempt, with_for_update=True)
    return payout, attempt


async def _succeeded(session: AsyncSession, payout: Payout, attempt: Attempt, stripe_id: str, now: datetime) -> None:
    attempt.outcome, attempt.stripe_id, attempt.settled_at = AttemptOutcome.SUCCEEDED, stripe_id, now
    if attempt.kind is AttemptKind.REVERSAL:
        note_reversed(session, payout, attempt, stripe_id)
    else:
        await note_sent(session, payout, stripe_id, now)


def _refused(session: AsyncSession, payout: Payout, attempt: Attempt, code: str, now: datetime) -> None:
    """Nothing moved. A refused reversal leaves the payout sent; a refused transfer waits, is held or has failed."""
    if attempt.kind is AttemptKind.REVERSAL:
        return
    match state_after_refusal(code):
        case PayoutState.ON_HOLD:
            hold(session, payout, code, now)
        case PayoutState.FAILED:
            fail(session, payout, code, now)
        case _:
            # It only waits for the balance, as the sweep's figures show: nothing has failed that anybody must see to.
            let_wait(payout, now, code)


async def _new_attempt(
    session: AsyncSession, payout: Payout, expert: Expert, terms: Terms, kind: AttemptKind, amount_cents: int
) -> Attempt:
    attempt_no = await queries.attempts.last_attempt_no(session, payout.id, kind) + 1
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


def _begun(attempt: Attempt, payout: Payout) -> Begun:
    return Begun(attempt.id, order_of(attempt, payout), attempt.created_at)


def _refuse_another(earlier: Attempt, reversal: Reversal) -> None:
    known = (earlier.kind, earlier.payout_id, earlier.amount_cents, earlier.reason)
    if known != (AttemptKind.REVERSAL, reversal.payout_id, reversal.amount_cents, reversal.reason):
        raise _taken(reversal)


def _taken(reversal: Reversal) -> ReversalIdTaken:
    return ReversalIdTaken("the id stands for a reversal of another payout, amount or reason", reversal_id=reversal.id)


async def _audit_reversal(session: AsyncSession, reversal: Reversal, actor: Actor) -> None:
    await audit.record(
        session,
        actor=actor,
        action="reverse_payout",
        subject=Subject("payout", reversal.payout_id),
        after={"amount_cents": reversal.amount_cents, "reversal_id": reversal.id},
        reason_text=reversal.reason,
    )
