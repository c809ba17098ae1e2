"""What became of a credit that was asked for, told to whoever asked: by the delivery's next version, with the change.

Voids, credits and refusals call this themselves, whoever made them: a request never hears of its end from elsewhere.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.causation import Cause
from contracts.billing import DeliveryCreditAnswered
from services.billing.domain import gst
from services.billing.domain.credit_requests import CreditResult, Why
from services.billing.domain.journal import CURRENCY
from services.billing.models import Adjustment, CreditRequest, DeliveryEvent, HeldDelivery
from services.billing.queries import credit_requests, deliveries
from services.billing.queries.rows import INTEGERS, UUIDS, rows


@dataclass(frozen=True, slots=True)
class Answer:
    """`amount_cents` is ex GST, of what is credited or voided, or will be once it is agreed to."""

    request: CreditRequest
    result: CreditResult
    detail: str | None = None
    adjustment_id: UUID | None = None
    invoice_id: UUID | None = None
    amount_cents: int | None = None

    @property
    def is_news(self) -> bool:
        return not self.request.is_final and (self.request.result, self.request.detail) != (self.result, self.detail)


async def give(
    session: AsyncSession, answers: Iterable[Answer], now: datetime, causes: Mapping[UUID, Cause] | None = None
) -> None:
    """Those that say something new. `causes` is by assignment; the deliveries are locked."""
    news = [answer for answer in answers if answer.is_news]
    # What was changed of the deliveries and of the invoice comes first: an answer takes the version after it.
    await session.flush()
    if not news:
        return
    for answer in news:
        request = answer.request
        request.result, request.detail, request.answered_at = answer.result, answer.detail, now
        request.adjustment_id, request.invoice_id = answer.adjustment_id, answer.invoice_id
        request.amount_cents = answer.amount_cents
    await session.flush()
    versions = await _take_versions(session, [answer.request.assignment_id for answer in news])
    for answer in news:
        cause = (causes or {}).get(answer.request.assignment_id)
        version = next(versions[answer.request.assignment_id])
        outbox.add(session, _event(answer, now), version=version, cause=cause)


async def answer_credited(
    session: AsyncSession, adjustment: Adjustment, assignment_ids: Collection[UUID], now: datetime
) -> None:
    """Nothing is left of these deliveries' lines: who asked for this credit has it, the others need none."""
    answers = []
    for request in await credit_requests.lock_open(session, assignment_ids):
        if request.request_id == adjustment.id:
            answers.append(_of(request, CreditResult.CREDITED, adjustment))
        elif request.result is not CreditResult.PENDING_APPROVAL:
            # One that is pending is for the second operator to turn down.
            answers.append(Answer(request, CreditResult.NOT_CHARGED, Why.CREDITED))
    await give(session, answers, now)


async def answer_pending(session: AsyncSession, request: CreditRequest, adjustment: Adjustment, now: datetime) -> None:
    await give(session, [_of(request, CreditResult.PENDING_APPROVAL, adjustment)], now)


async def answer_rejected(session: AsyncSession, adjustment_ids: Collection[UUID], why: Why, now: datetime) -> None:
    """These adjustments never had an effect; most of them nobody asked for from elsewhere."""
    if not adjustment_ids:
        return
    asked = await credit_requests.lock_of_adjustments(session, adjustment_ids)
    refused = (Answer(it, CreditResult.REFUSED, why, it.adjustment_id, it.invoice_id) for it in asked)
    await give(session, refused, now)


async def answer_charged_late(session: AsyncSession, debit: Adjustment, now: datetime) -> None:
    """What the debit charges stands on no line: what waited to be credited there waits in vain."""
    charged = await deliveries.assignments_of_debit(session, debit.id)
    if not charged:
        return
    asked = await credit_requests.lock_open(session, charged)
    refused = (Answer(it, CreditResult.REFUSED, Why.BY_A_DEBIT, invoice_id=debit.invoice_id) for it in asked)
    await give(session, refused, now)


async def answer_voided(session: AsyncSession, delivery: DeliveryEvent, request_id: UUID | None, now: datetime) -> None:
    """The delivery is billed never: to the request that asked for it, if one did, and to the others."""
    cents = gst.split_gst([delivery.priced])[0].ex_gst_cents
    answers = [
        Answer(request, CreditResult.VOIDED, amount_cents=cents)
        if request.request_id == request_id
        else Answer(request, CreditResult.NOT_CHARGED, Why.VOID)
        for request in await credit_requests.lock_open(session, [delivery.assignment_id])
    ]
    await give(session, answers, now)


def _of(request: CreditRequest, result: CreditResult, adjustment: Adjustment) -> Answer:
    return Answer(request, result, None, adjustment.id, adjustment.invoice_id, adjustment.ex_gst_cents)


async def _take_versions(session: AsyncSession, assignment_ids: Sequence[UUID]) -> dict[UUID, Iterator[int]]:
    """As many of each delivery as it has answers; one without a price has the versions of the queue."""
    wanted = Counter(assignment_ids)
    taken: dict[UUID, Iterator[int]] = {}
    for table in (DeliveryEvent, HeldDelivery):
        missing = {id_: number for id_, number in wanted.items() if id_ not in taken}
        if not missing:
            break
        counts = rows("counts", assignment_id=(UUIDS, list(missing)), number=(INTEGERS, list(missing.values())))
        bumped = await session.execute(
            update(table)
            .where(table.assignment_id == counts.c.assignment_id)
            .values(version=table.version + counts.c.number)
            .returning(table.assignment_id, table.version)
            .execution_options(synchronize_session=False)
        )
        for id_, last in bumped:
            taken[id_] = iter(range(last - wanted[id_] + 1, last + 1))
    return taken


def _event(answer: Answer, now: datetime) -> DeliveryCreditAnswered:
    request = answer.request
    return DeliveryCreditAnswered(
        assignment_id=request.assignment_id,
        request_id=request.request_id,
        lead_id=request.lead_id,
        installer_id=request.installer_id,
        result=answer.result,
        reason_code=request.reason_code,
        detail=answer.detail,
        adjustment_id=answer.adjustment_id,
        invoice_id=answer.invoice_id,
        amount_cents=answer.amount_cents,
        currency=CURRENCY,
        answered_at=now,
    )
