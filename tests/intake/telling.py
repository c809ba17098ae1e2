"""The other services' events as intake hears them, and a lead of whom all of them have told."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from chassis.database import Database
from chassis.ids import new_id
from contracts.envelope import Incoming
from contracts.registry import EVENTS
from services.intake.work import CONSUMERS
from tests.intake.samples import NOW
from tests.kit.records import incoming

EXAMPLES = Path(__file__).parents[2] / "contracts" / "examples"
HANDLERS = {type_: handler for consumer in CONSUMERS for type_, handler in consumer.by_type().items()}
ASSIGNMENT, INSTALLER, LEAD, INVOICE = new_id(), new_id(), new_id(), new_id()


def told(type_: str, version: int, **changed: Any) -> Incoming[Any]:
    """The golden example of the event, of our assignment, lead or invoice, with fields changed."""
    model = EVENTS[type_]
    body = json.loads((EXAMPLES / f"{type_}.{model.schema_version}.json").read_text())["body"]
    ours = {"assignment_id": ASSIGNMENT, "installer_id": INSTALLER, "lead_id": LEAD, "invoice_id": INVOICE}
    known = {name: value for name, value in ours.items() if name in model.model_fields}
    return incoming(model.model_validate(body | known | changed), version)


async def take(database: Database, *events: Incoming[Any]) -> None:
    """One after the other, each in a batch of its own."""
    for event in events:
        await take_batch(database, event)


async def take_batch(database: Database, *events: Incoming[Any]) -> None:
    async with database.transaction() as session:
        await HANDLERS[events[0].envelope.type](session, list(events))


BRIGHT, SUNNY, BRIGHTS_MAIL = new_id(), new_id(), new_id()
AFTER = timedelta(minutes=1)


async def tell_all(database: Database, lead_id: UUID, dispatch_version: int = 1) -> None:
    """Two of nine installers were chosen: one was mailed and is billed, the other's mail failed."""
    at = NOW - timedelta(hours=2)
    of_bright = {"assignment_id": BRIGHT, "lead_id": lead_id, "installer_name": "Bright Roofs"}
    of_sunny = {"assignment_id": SUNNY, "lead_id": lead_id, "installer_name": "Sunny Side Solar"}
    mail = {"purpose": "lead_delivery", "subject_kind": "assignment"}
    await take(
        database,
        told(
            "dispatch.decided",
            dispatch_version,
            lead_id=lead_id,
            assignment_ids=(BRIGHT, SUNNY),
            candidates_count=9,
            decided_at=at,
        ),
        told("assignment.created", 1, **of_bright, created_at=at),
        told("assignment.created", 1, **of_sunny, created_at=at),
        told("message.accepted", 1, subject_id=BRIGHT, message_id=BRIGHTS_MAIL, **mail, accepted_at=at + AFTER),
        told(
            "message.failed",
            1,
            subject_id=SUNNY,
            message_id=new_id(),
            **mail,
            reason_code="mailbox_unknown",
            smtp_status=550,
            failed_at=at + AFTER,
        ),
        told("assignment.sent", 2, assignment_id=BRIGHT, lead_id=lead_id, sent_at=at + AFTER),
        told("assignment.failed", 2, assignment_id=SUNNY, lead_id=lead_id, failed_at=at + 2 * AFTER),
        told("dispatch.delivered", dispatch_version + 1, lead_id=lead_id, delivered_at=at + AFTER),
        told("delivery.recorded", 1, assignment_id=BRIGHT, lead_id=lead_id, unit_price_cents=8_500, delivered_at=at),
        told("invoice.issued", 2, invoice_id=INVOICE, number="WB-000031", issued_at=NOW - AFTER),
        told(
            "invoice.deliveries_listed",
            3,
            invoice_id=INVOICE,
            number="WB-000031",
            assignment_ids=(BRIGHT,),
            adjustment_id=None,
            listed_at=NOW - AFTER,
        ),
        told("invoice.paid", 4, invoice_id=INVOICE, number="WB-000031", paid_at=NOW),
    )
