"""What became of webhooks: recorded once, however often and by whomever it was sent.

An acceptance counts whoever brings it, also a process whose lease ran out meanwhile: the installer has the lead. All
else counts from the newest claim alone. Deliveries are locked before dispatches; claims take them past locks, so that
nobody waits in a circle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import SYSTEM, Subject
from services.routing.commands.channels import Try, note_tries
from services.routing.commands.deliveries import Delivery, DeliveryFailure, mark_failed, mark_sent
from services.routing.commands.publishing import publish
from services.routing.domain.states import Channel, DeliveryStep
from services.routing.domain.webhooks import (
    DOWN,
    EXHAUSTED,
    LONGEST_WAIT,
    UNKNOWN,
    DeliveryState,
    Judgement,
    Verdict,
    next_try,
)
from services.routing.models import WebhookDelivery, WebhookTest
from services.routing.queries import installers
from services.routing.queries.sending import endpoints_of, lock_deliveries, lock_waiting_in_vain

_FINISH_ATTEMPTS = text(
    """
    UPDATE webhook_attempts SET finished_at = :finished_at, outcome = :outcome, http_status = :http_status,
        reason_code = :reason_code, duration_ms = :duration_ms, answer_bytes = :answer_bytes
    WHERE assignment_id = :assignment_id AND attempt_no = :attempt_no AND (finished_at IS NULL OR outcome = 'unknown')
    """
).bindparams(bindparam("http_status"), bindparam("duration_ms"), bindparam("answer_bytes"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try, which lasted from `begun_at` until `at` by the business clock."""

    assignment_id: UUID
    attempt_no: int
    judgement: Judgement
    begun_at: datetime
    at: datetime
    http_status: int | None = None
    duration_ms: int | None = None
    answer_bytes: int | None = None

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict

    @property
    def wait(self) -> timedelta | None:
        """How long until the next try; None where there is none."""
        return next_try(self.attempt_no, self.judgement.not_before) if self.verdict.is_retried else None


def unknown(assignment_id: UUID, attempt_no: int, at: datetime) -> Outcome:
    """Of a try whose process never came back."""
    return Outcome(assignment_id, attempt_no, Judgement(Verdict.UNKNOWN, UNKNOWN), at, at)


async def record_accepted(session: AsyncSession, outcomes: Sequence[Outcome], now: datetime) -> None:
    """The billable event, once: an assignment that is sent already stays as it is."""
    deliveries = await lock_deliveries(session, {outcome.assignment_id for outcome in outcomes})
    fresh = [o for o in outcomes if deliveries[o.assignment_id].state is not DeliveryState.ACCEPTED]
    for outcome in fresh:
        _settle(deliveries[outcome.assignment_id], DeliveryState.ACCEPTED, None, outcome.http_status, now)
    await _finish(session, outcomes)
    once = {outcome.assignment_id: outcome for outcome in fresh}
    await mark_sent(session, [_delivery(outcome) for outcome in once.values()], now)


def _delivery(outcome: Outcome) -> Delivery:
    return Delivery(outcome.assignment_id, outcome.at, status=outcome.http_status, begun_at=outcome.begun_at)


async def record_others(session: AsyncSession, outcomes: Sequence[Outcome], now: datetime) -> None:
    """What was not accepted is tried again, or fails; a claim that another has taken the place of changes nothing.

    Those that fail and those that are tried again are for a call each: their endpoints are locked in one go.
    """
    deliveries = await lock_deliveries(session, {outcome.assignment_id for outcome in outcomes})
    await _finish(session, outcomes)
    newest = [outcome for outcome in outcomes if _is_newest(outcome, deliveries[outcome.assignment_id])]
    failing = [outcome for outcome in newest if outcome.wait is None]
    failed = await mark_failed(session, [_failure(outcome) for outcome in failing], now)
    for outcome in failing:
        state = DeliveryState.FAILED if outcome.assignment_id in failed else DeliveryState.CANCELLED
        _settle(deliveries[outcome.assignment_id], state, _reason(outcome), outcome.http_status, now)
    again = [(outcome, wait) for outcome in newest if (wait := outcome.wait) is not None]
    for outcome, wait in again:
        _put_off(outcome, deliveries[outcome.assignment_id], wait)
    await note_tries(session, [_tried(outcome, deliveries[outcome.assignment_id]) for outcome, _ in again], now)


def _is_newest(outcome: Outcome, delivery: WebhookDelivery) -> bool:
    return delivery.state is DeliveryState.SENDING and delivery.attempts == outcome.attempt_no


def _put_off(outcome: Outcome, delivery: WebhookDelivery, wait: timedelta) -> None:
    delivery.state, delivery.lease_until = DeliveryState.WAITING, None
    delivery.reason_code, delivery.http_status = outcome.judgement.reason, outcome.http_status
    delivery.next_attempt_at = outcome.at + wait


def _reason(outcome: Outcome) -> str:
    return EXHAUSTED if outcome.verdict is Verdict.AGAIN else outcome.judgement.reason


def _failure(outcome: Outcome) -> DeliveryFailure:
    return DeliveryFailure(
        outcome.assignment_id, _reason(outcome), outcome.at, outcome.http_status, begun_at=outcome.begun_at
    )


def _tried(outcome: Outcome, delivery: WebhookDelivery) -> Try:
    return Try(
        outcome.assignment_id,
        delivery.installer_id,
        Channel.WEBHOOK,
        DeliveryStep.TRIED,
        outcome.begun_at,
        outcome.judgement.reason,
        outcome.http_status,
    )


def _settle(
    delivery: WebhookDelivery, state: DeliveryState, reason: str | None, status: int | None, now: datetime
) -> None:
    delivery.state, delivery.lease_until, delivery.settled_at = state, None, now
    delivery.reason_code, delivery.http_status = reason, status


async def _finish(session: AsyncSession, outcomes: Sequence[Outcome]) -> None:
    """A try that was told as unknown, and has come back after all, is told as what it was."""
    await session.flush()
    await session.execute(_FINISH_ATTEMPTS, [_finished(outcome) for outcome in outcomes])


def _finished(outcome: Outcome) -> dict[str, object]:
    return {
        "assignment_id": outcome.assignment_id,
        "attempt_no": outcome.attempt_no,
        "finished_at": outcome.at,
        "outcome": outcome.verdict.value,
        "http_status": outcome.http_status,
        "reason_code": outcome.judgement.reason,
        "duration_ms": outcome.duration_ms,
        "answer_bytes": outcome.answer_bytes,
    }


async def give_up_waiting(session: AsyncSession, now: datetime, most: int) -> int:
    """Leads that have waited behind an open breaker for too long are the operators' now; returns how many."""
    waiting = await lock_waiting_in_vain(session, now - LONGEST_WAIT, now, most)
    failures = [DeliveryFailure(each.assignment_id, DOWN, now) for each in waiting]
    failed = await mark_failed(session, failures, now)
    for each in waiting:
        state = DeliveryState.FAILED if each.assignment_id in failed else DeliveryState.CANCELLED
        _settle(each, state, DOWN, None, now)
    return len(waiting)


async def fall_back_to_mail(session: AsyncSession, installer_id: UUID, url: str, now: datetime) -> None:
    """The receiver wants no more: leads go by mail from now on. Done twice it is done once.

    Unless the address was changed meanwhile: then it was another that said so.
    """
    installer = await installers.locked(session, installer_id)
    endpoint = (await endpoints_of(session, installer_id)).get(Channel.WEBHOOK)
    if installer.channel is not Channel.WEBHOOK or endpoint is None or endpoint.url != url:
        return
    installer.channel = Channel.MAIL
    await publish(session, installer, now, "channel")
    await audit.record(
        session,
        actor=SYSTEM,
        action="set_channel",
        subject=Subject("installer", installer.id),
        before={"channel": Channel.WEBHOOK},
        after={"channel": Channel.MAIL},
        reason_code="gone",
    )


async def record_test(session: AsyncSession, test_id: UUID, outcome: Outcome, url: str) -> None:
    """A test moves no breaker, and is remembered at the address that took it."""
    test = await session.get_one(WebhookTest, test_id, with_for_update=True)
    test.finished_at, test.lease_until = outcome.at, None
    test.outcome, test.reason_code = outcome.verdict, outcome.judgement.reason
    test.http_status, test.duration_ms = outcome.http_status, outcome.duration_ms
    endpoint = (await endpoints_of(session, test.installer_id)).get(Channel.WEBHOOK)
    if endpoint is not None and endpoint.url == url and outcome.verdict is Verdict.ACCEPTED:
        endpoint.tested_at = outcome.at
