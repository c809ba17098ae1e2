"""What billing says of deliveries: what they cost, what of them is charged no more, and what it makes of returns.

A credit for an invalid lead frees its place under the caps, and so does a delivery that is voided for one.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause
from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts import topics
from contracts.billing import DeliveryCreditAnswered, DeliveryCredited, DeliveryRecorded, DeliveryVoided
from contracts.envelope import Incoming
from contracts.values import CapReleaseReason
from services.routing.commands.assignments import ReleaseCap, release_caps_for_credits
from services.routing.commands.credit_answers import CreditAnswer, keep_credit_answers
from services.routing.commands.prices import Price, keep_prices
from services.routing.domain.counting import frees_the_cap


def of_deliveries(clock: Clock) -> Consumer:
    async def on_charged_no_more(
        session: AsyncSession, batch: list[Incoming[DeliveryCredited]] | list[Incoming[DeliveryVoided]]
    ) -> None:
        credits_ = [_release(i) for i in batch if frees_the_cap(i.event.reason_code)]
        await release_caps_for_credits(session, credits_, clock.now())
        await session.flush()

    async def on_delivery_recorded(session: AsyncSession, batch: list[Incoming[DeliveryRecorded]]) -> None:
        await keep_prices(session, [_price(incoming.event) for incoming in batch])

    async def on_credit_answered(session: AsyncSession, batch: list[Incoming[DeliveryCreditAnswered]]) -> None:
        await keep_credit_answers(session, [_answer(incoming.event) for incoming in batch])

    return Consumer(
        topics.DELIVERIES,
        {
            DeliveryCredited: on_charged_no_more,
            DeliveryCreditAnswered: on_credit_answered,
            DeliveryRecorded: on_delivery_recorded,
            DeliveryVoided: on_charged_no_more,
        },
    )


def _price(event: DeliveryRecorded) -> Price:
    return Price(event.installer_id, event.product_type, event.unit_price_cents, event.delivered_at)


def _release(incoming: Incoming[DeliveryCredited] | Incoming[DeliveryVoided]) -> ReleaseCap:
    event = incoming.event
    what = "voided" if isinstance(event, DeliveryVoided) else "credited"
    note = f"{what}: {event.reason_code}"
    return ReleaseCap(event.assignment_id, CapReleaseReason.CREDIT_LINKED, note, cause=Cause.of(incoming.envelope))


def _answer(event: DeliveryCreditAnswered) -> CreditAnswer:
    return CreditAnswer(event.request_id, event.result, event.detail, event.invoice_id, event.answered_at)
