"""What billing says of deliveries: what they cost, and that an invalid lead costs nothing, which frees its place."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause
from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts import topics
from contracts.billing import DeliveryCredited, DeliveryRecorded, DeliveryVoided
from contracts.envelope import Incoming
from contracts.values import CapReleaseReason
from services.routing.commands.assignments import ReleaseCap, release_caps_for_credits
from services.routing.commands.prices import Price, keep_prices
from services.routing.domain.counting import frees_the_cap


def of_deliveries(clock: Clock) -> Consumer:
    async def on_delivery_credited(session: AsyncSession, batch: list[Incoming[DeliveryCredited]]) -> None:
        credits_ = [_release(i) for i in batch if frees_the_cap(i.event.reason_code)]
        await release_caps_for_credits(session, credits_, clock.now())
        await session.flush()

    async def on_delivery_voided(session: AsyncSession, batch: list[Incoming[DeliveryVoided]]) -> None:
        voids = [_release(i) for i in batch if frees_the_cap(i.event.reason_code)]
        await release_caps_for_credits(session, voids, clock.now())
        await session.flush()

    async def on_delivery_recorded(session: AsyncSession, batch: list[Incoming[DeliveryRecorded]]) -> None:
        await keep_prices(session, [_price(incoming.event) for incoming in batch])

    return Consumer(
        topics.DELIVERIES,
        {
            DeliveryCredited: on_delivery_credited,
            DeliveryRecorded: on_delivery_recorded,
            DeliveryVoided: on_delivery_voided,
        },
    )


def _price(event: DeliveryRecorded) -> Price:
    return Price(event.installer_id, event.product_type, event.unit_price_cents, event.delivered_at)


def _release(incoming: Incoming[DeliveryCredited] | Incoming[DeliveryVoided]) -> ReleaseCap:
    event = incoming.event
    done = "credited" if isinstance(event, DeliveryCredited) else "voided"
    note = f"{done}: {event.reason_code}"
    return ReleaseCap(event.assignment_id, CapReleaseReason.CREDIT_LINKED, note, cause=Cause.of(incoming.envelope))
