"""What billing says of the deliveries of our leads: held without a price, billable, credited, or not billed at all;
and what became of the credits that were asked for.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import Consumer
from contracts.billing import DeliveryCreditAnswered, DeliveryCredited, DeliveryHeld, DeliveryRecorded, DeliveryVoided
from contracts.envelope import Incoming
from contracts.topics import DELIVERIES
from services.intake.commands.crediting import Answer, keep_answers
from services.intake.commands.following import Told, follow_deliveries
from services.intake.consumers.remembered import remembered


async def on_held(session: AsyncSession, batch: list[Incoming[DeliveryHeld]]) -> None:
    await follow_deliveries(session, [_held(incoming) for incoming in batch])


async def on_recorded(session: AsyncSession, batch: list[Incoming[DeliveryRecorded]]) -> None:
    await follow_deliveries(session, [_recorded(incoming) for incoming in batch])


async def on_credited(session: AsyncSession, batch: list[Incoming[DeliveryCredited]]) -> None:
    await follow_deliveries(session, [_credited(incoming) for incoming in batch])


async def on_voided(session: AsyncSession, batch: list[Incoming[DeliveryVoided]]) -> None:
    await follow_deliveries(session, [_voided(incoming) for incoming in batch])


async def on_credit_answered(session: AsyncSession, batch: list[Incoming[DeliveryCreditAnswered]]) -> None:
    await keep_answers(session, [_answer(incoming) for incoming in batch])


def _answer(incoming: Incoming[DeliveryCreditAnswered]) -> Answer:
    event = incoming.event
    return Answer(
        request_id=event.request_id,
        version=incoming.envelope.aggregate_version,
        result=event.result,
        detail=event.detail,
        adjustment_id=event.adjustment_id,
        invoice_id=event.invoice_id,
        amount_cents=event.amount_cents,
        answered_at=event.answered_at,
    )


def _held(incoming: Incoming[DeliveryHeld]) -> Told:
    event = incoming.event
    facts = {"state": "held", "reason_code": event.reason_code, "since": event.delivered_at}
    return Told(event.assignment_id, incoming.envelope.aggregate_version, facts, {"lead_id": event.lead_id})


def _recorded(incoming: Incoming[DeliveryRecorded]) -> Told:
    event = incoming.event
    facts = {
        "state": "billable",
        "delivery_event_id": event.delivery_event_id,
        "unit_price_cents": event.unit_price_cents,
        "currency": event.currency,
        "recorded_at": event.delivered_at,
        "since": event.delivered_at,
    }
    return Told(event.assignment_id, incoming.envelope.aggregate_version, facts, {"lead_id": event.lead_id})


def _credited(incoming: Incoming[DeliveryCredited]) -> Told:
    event = incoming.event
    facts = {"state": "credited", "reason_code": event.reason_code, "since": event.credited_at}
    assumed = {"delivery_event_id": event.delivery_event_id}
    return Told(event.assignment_id, incoming.envelope.aggregate_version, facts, assumed)


def _voided(incoming: Incoming[DeliveryVoided]) -> Told:
    event = incoming.event
    facts = {"state": "void", "reason_code": event.reason_code, "since": event.voided_at}
    assumed = {"delivery_event_id": event.delivery_event_id}
    return Told(event.assignment_id, incoming.envelope.aggregate_version, facts, assumed)


CONSUMER = Consumer(
    DELIVERIES,
    remembered(
        {
            DeliveryHeld: on_held,
            DeliveryRecorded: on_recorded,
            DeliveryCredited: on_credited,
            DeliveryVoided: on_voided,
            DeliveryCreditAnswered: on_credit_answered,
        }
    ),
)
