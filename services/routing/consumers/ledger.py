"""What billing says of deliveries: a credit for an invalid lead frees its place under the caps."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause
from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts import topics
from contracts.billing import DeliveryCredited
from contracts.envelope import Incoming
from contracts.values import CapReleaseReason
from services.routing.commands.assignments import ReleaseCap, release_caps_for_credits
from services.routing.domain.counting import frees_the_cap


def of_deliveries(clock: Clock) -> Consumer:
    async def on_delivery_credited(session: AsyncSession, batch: list[Incoming[DeliveryCredited]]) -> None:
        credits_ = [_release(i) for i in batch if frees_the_cap(i.event.reason_code)]
        await release_caps_for_credits(session, credits_, clock.now())
        await session.flush()

    return Consumer(topics.DELIVERIES, {DeliveryCredited: on_delivery_credited})


def _release(incoming: Incoming[DeliveryCredited]) -> ReleaseCap:
    event = incoming.event
    note = f"credited: {event.reason_code}"
    return ReleaseCap(event.assignment_id, CapReleaseReason.CREDIT_LINKED, note, cause=Cause.of(incoming.envelope))
