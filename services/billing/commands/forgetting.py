"""What billing keeps about leads, column by column. No contact ever comes here; what operators typed is forgotten.

The books are not touched: what was delivered, at what price and to whom it was charged stays, and so do the notes that
stand on documents which were issued.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.forgetting import BY_LEAD, NOTHING, SAID_SO, Harmless, Map, Place, forget
from chassis.redaction import redact_audit, scrub_parked, take_turn
from services.billing.models import CreditRequest, DeliveryEvent

WORDS = "words of lists of ours"

OURS = "names of operators, who are none of the lead's people"
IS_DECLINED = f"{BY_LEAD} AND decline_note IS NOT NULL"

PLACES = (
    Place("credit_requests", "note", NOTHING),
    Place("credit_requests", "decline_note", SAID_SO, IS_DECLINED),
)

KEPT = Map(
    places=PLACES,
    harmless=(
        Harmless("delivery_events", ("product_type", "currency", "gst_treatment", "event_status"), WORDS),
        Harmless("delivery_events", ("credit_reason_code", "cap_status", "cap_release_reason"), WORDS),
        Harmless("delivery_events", ("service", "locality"), "what was asked for and where, but for the street"),
        Harmless("held_deliveries", ("product_type", "reason_code", "cap_status", "cap_release_reason"), WORDS),
        Harmless("held_deliveries", ("service", "locality"), "what was asked for and where, but for the street"),
        Harmless("credit_requests", ("reason_code", "deed", "result"), WORDS),
        Harmless("credit_requests", ("detail",), "sentences of ours"),
        Harmless("credit_requests", ("asked_by_name", "decided_by_name"), OURS),
    ),
)


async def forget_leads(session: AsyncSession, lead_ids: Collection[UUID]) -> None:
    """Reasons that were given about the leads' deliveries. Done twice it changes nothing."""
    await take_turn(session)
    await forget(session, PLACES, lead_ids)
    deliveries = await session.scalars(select(DeliveryEvent.id).where(DeliveryEvent.lead_id.in_(lead_ids)))
    requests = await session.scalars(select(CreditRequest.request_id).where(CreditRequest.lead_id.in_(lead_ids)))
    subjects = {"delivery": deliveries.all(), "credit_request": requests.all(), "lead": lead_ids}
    await redact_audit(session, [Subject(kind, id_) for kind, ids in subjects.items() for id_ in ids], [])
    await scrub_parked(session, lead_ids, [])
