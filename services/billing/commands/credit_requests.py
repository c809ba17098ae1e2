"""Credits that other services ask for: kept for ever, carried out as soon as they can be, each answered.

Locks are taken in one order everywhere: who records and who asks, the run of drafts, invoices, deliveries, requests.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.causation import Cause, caused_by, current_cause
from chassis.database import locked_by_name
from contracts.values import AdjustmentType, CreditReason
from services.billing.commands.adjusting import Decider
from services.billing.commands.adjustments import AddAdjustment, ApprovalRule, add_adjustment
from services.billing.commands.credit_answers import Answer, answer_pending, give
from services.billing.commands.drafts import wait_for_other_runs
from services.billing.commands.late_deliveries import VoidDelivery, void_delivery
from services.billing.domain.credit_requests import DONE_AT_ONCE, UNDER_WAY, CreditResult, road_of
from services.billing.domain.statuses import AdjustmentState, EventStatus
from services.billing.models import CreditRequest
from services.billing.queries import credit_requests
from services.billing.queries.credit_requests import Standing

_ASKING = "billing.credit_requests"


@dataclass(frozen=True, slots=True)
class AskedCredit:
    """That a delivery be credited, because of a deed elsewhere: a merge, a correction, a return."""

    request_id: UUID
    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    reason_code: CreditReason
    note: str | None
    deed: str
    deed_id: UUID
    asked_by_id: UUID | None
    asked_by_name: str
    is_proposal: bool
    cause: Cause | None = None


Causes = Mapping[UUID, Cause]
"""By assignment."""


async def ask_for_credits(
    session: AsyncSession, asked: Sequence[AskedCredit], rule: ApprovalRule, now: datetime
) -> None:
    """Keeps each request and does what can be done of it; one that is known by its id stays as it was asked first.

    What no person asks for waits for finance as a proposal does: nobody would answer for the money.
    """
    if not asked:
        return
    await wait_for_who_records(session)
    kept = [field.name for field in fields(AskedCredit) if field.name != "cause"]
    values = {
        it.request_id: {name: getattr(it, name) for name in kept}
        | {"is_proposal": it.is_proposal or it.asked_by_id is None, "asked_at": now}
        for it in reversed(asked)
    }
    await session.execute(insert(CreditRequest).values(list(values.values())).on_conflict_do_nothing())
    causes = {it.assignment_id: it.cause for it in asked if it.cause is not None}
    await settle(session, list(dict.fromkeys(it.assignment_id for it in asked)), rule, now, causes)


async def wait_for_who_asks(session: AsyncSession) -> None:
    """Begins what records deliveries, as many as do it at once: then each sees what the other did."""
    await session.execute(select(func.pg_advisory_xact_lock_shared(func.hashtextextended(_ASKING, 0))))


async def wait_for_who_records(session: AsyncSession) -> None:
    """Begins what asks for credits or decides on them."""
    await locked_by_name(session, _ASKING)


async def settle(
    session: AsyncSession,
    assignment_ids: Collection[UUID],
    rule: ApprovalRule,
    now: datetime,
    causes: Causes | None = None,
) -> None:
    """Every open request for these deliveries goes as far as it can; run again, nothing happens twice."""
    asked = await credit_requests.open_assignments(session, assignment_ids)
    if asked:
        await lock_around(session, asked)
        await _settle_locked(session, asked, rule, now, causes or {})


async def lock_around(session: AsyncSession, assignment_ids: Sequence[UUID]) -> None:
    """No draft takes the deliveries up, and no invoice that they stand on is issued or voided meanwhile."""
    await wait_for_other_runs(session)
    await credit_requests.lock_invoices_of(session, assignment_ids)


async def settle_issued(
    session: AsyncSession, invoice_ids: Collection[UUID], rule: ApprovalRule, now: datetime
) -> None:
    """The credits that waited for the issue of these invoices, which are locked."""
    waiting = await credit_requests.waiting_on(session, invoice_ids)
    if waiting:
        await _settle_locked(session, waiting, rule, now, {})


class _Step(NamedTuple):
    """A request that money moves for at once, and its delivery."""

    request: CreditRequest
    standing: Standing
    result: CreditResult


async def _settle_locked(
    session: AsyncSession, assignment_ids: Sequence[UUID], rule: ApprovalRule, now: datetime, causes: Causes
) -> None:
    standings = await credit_requests.lock_standings(session, assignment_ids)
    held = await credit_requests.lock_held(session, assignment_ids)
    requests = await credit_requests.lock_open(session, assignment_ids)
    steps, answers = _roads(requests, standings, held, rule.limit_cents)
    # Each is a void or an adjustment of its own, with its number and its posting; they come in ones and threes.
    for step in steps:
        with caused_by(causes.get(step.request.assignment_id) or current_cause()):
            await _carry_out(session, step, rule, now)
    await give(session, answers, now, causes)


def _roads(
    requests: Sequence[CreditRequest], standings: Mapping[UUID, Standing], held: Collection[UUID], limit_cents: int
) -> tuple[list[_Step], list[Answer]]:
    """What is to be done, and what is only to be said. Of several requests for one delivery the first one goes on."""
    under_way = {request.assignment_id for request in requests if request.result in UNDER_WAY}
    steps: list[_Step] = []
    answers: list[Answer] = []
    for request in requests:
        standing, id_ = standings.get(request.assignment_id), request.assignment_id
        road = road_of(
            standing.charge if standing else None,
            is_held=id_ in held,
            is_undecided=request.is_undecided,
            is_under_way=id_ in under_way and request.result not in UNDER_WAY,
            limit_cents=limit_cents,
        )
        if request.result is CreditResult.PENDING_APPROVAL or road.result is None:
            continue
        if standing is not None and road.result in DONE_AT_ONCE:
            steps.append(_Step(request, standing, road.result))
            under_way.add(id_)
        else:
            answers.append(Answer(request, road.result, road.why, invoice_id=standing.invoice_id if standing else None))
            under_way |= {id_} if road.result in UNDER_WAY else set()
    return steps, answers


async def _carry_out(session: AsyncSession, step: _Step, rule: ApprovalRule, now: datetime) -> None:
    request, by = step.request, _maker(step.request)
    if step.result is CreditResult.VOIDED:
        command = VoidDelivery(step.standing.delivery.id, request.reason_code, rule.limit_cents, request.request_id)
        await void_delivery(session, command, now)
        await _audit_void(session, step, by)
    elif step.standing.invoice_id is not None:
        await _credit(session, step, step.standing.invoice_id, by, rule, now)


async def _credit(
    session: AsyncSession, step: _Step, invoice_id: UUID, by: Decider, rule: ApprovalRule, now: datetime
) -> None:
    """All that is left of the delivery's line; limit, second operator and days are those of every credit."""
    command = AddAdjustment(
        adjustment_id=step.request.request_id,
        invoice_id=invoice_id,
        type=AdjustmentType.CREDIT,
        reason_code=step.request.reason_code,
        amount_cents=None,
        line_no=step.standing.line_no,
        notes=None,
        by=by,
        asked_at=step.request.asked_at,
    )
    adjustment = await add_adjustment(session, command, rule, now)
    if adjustment.state is AdjustmentState.PENDING:
        await answer_pending(session, step.request, adjustment, now)
    await audit.record(
        session,
        actor=by,
        action="add_adjustment",
        subject=Subject("invoice", invoice_id),
        after={
            "adjustment_id": adjustment.id,
            "type": adjustment.type,
            "inc_gst_cents": adjustment.inc_gst_cents,
            "state": adjustment.state,
        },
        reason_code=adjustment.reason_code,
    )


async def _audit_void(session: AsyncSession, step: _Step, by: Decider) -> None:
    await audit.record(
        session,
        actor=by,
        action="void_delivery",
        subject=Subject("delivery", step.standing.delivery.id),
        before={"event_status": EventStatus.BILLABLE},
        after={"event_status": EventStatus.VOID},
        reason_code=step.request.reason_code,
    )


def _maker(request: CreditRequest) -> Decider:
    """Who answers for the money: whoever agreed to the proposal, else whoever asked."""
    if request.decided_by_id is not None:
        return Decider(request.decided_by_id, request.decided_by_name or "")
    if request.asked_by_id is None:
        raise RuntimeError("a request that no person makes is a proposal")
    return Decider(request.asked_by_id, request.asked_by_name)
