"""What billing keeps about leads, column by column. No contact ever comes here; what operators typed is forgotten.

The books are not touched: what was delivered, at what price and to whom it was charged stays, and so do the notes that
stand on documents which were issued.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.forgetting import Harmless, Map, Place, forget
from chassis.redaction import redact_audit, scrub_parked, take_turn
from services.billing.models import DeliveryEvent

WORDS = "words of lists of ours"

PLACES: tuple[Place, ...] = ()
"""None yet: reasons are typed into the audit alone."""

KEPT = Map(
    places=PLACES,
    harmless=(
        Harmless("delivery_events", ("product_type", "currency", "gst_treatment", "event_status"), WORDS),
        Harmless("delivery_events", ("credit_reason_code", "cap_status", "cap_release_reason"), WORDS),
        Harmless("delivery_events", ("service", "locality"), "what was asked for and where, but for the street"),
        Harmless("held_deliveries", ("product_type", "reason_code", "cap_status", "cap_release_reason"), WORDS),
        Harmless("held_deliveries", ("service", "locality"), "what was asked for and where, but for the street"),
    ),
)


async def forget_leads(session: AsyncSession, lead_ids: Collection[UUID]) -> None:
    """Reasons that were given about the leads' deliveries. Done twice it changes nothing."""
    await take_turn(session)
    await forget(session, PLACES, lead_ids)
    deliveries = await session.scalars(select(DeliveryEvent.id).where(DeliveryEvent.lead_id.in_(lead_ids)))
    await redact_audit(session, _subjects(deliveries.all(), lead_ids), [])
    await scrub_parked(session, lead_ids, [])


def _subjects(delivery_ids: Sequence[UUID], lead_ids: Collection[UUID]) -> list[Subject]:
    return [*(Subject("delivery", id_) for id_ in delivery_ids), *(Subject("lead", id_) for id_ in lead_ids)]
