"""Records as others publish them, handed to routing's consumers under the real runtime."""

from collections.abc import Sequence
from itertools import count
from typing import Any
from uuid import UUID

from chassis.ids import new_id
from chassis.pacing import Patience
from chassis.parking import list_parked
from chassis.replay import Replayer
from chassis.runtime import ConsumerRuntime
from contracts.billing import DeliveryCredited, DeliveryVoided
from contracts.envelope import Event
from contracts.intake import LeadClosed, LeadCreated
from contracts.notifications import MessageAccepted, MessageBounced, MessageFailed
from contracts.values import BounceClass, CreditReason, MessagePurpose
from services.routing.consumers import consumers
from tests.kit.records import KafkaRecord, record_of
from tests.routing.arrangements import MARRICKVILLE, MIA, NOW, SHARED, Floor

OFFSETS = count()


def record(event: Event, **facts: Any) -> KafkaRecord:
    """The next of its topic."""
    return record_of(event, offset=next(OFFSETS), **facts)


class Feed:
    """Hands records of any of our topics to the consumer that takes them."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.runtimes = {
            consumer.topic.name: ConsumerRuntime(
                name=f"waybill.routing.{consumer.topic.name}",
                consumer=consumer,
                database=floor.database,
                patience=Patience(first_seconds=0.001, attempts=2),
            )
            for consumer in consumers(floor.clock)
        }

    async def take(self, *records: KafkaRecord) -> None:
        await self.runtimes[records[0].topic].process(records)

    async def replay(self, parked_id: UUID) -> None:
        by_name = {runtime.name: runtime for runtime in self.runtimes.values()}
        await Replayer(self.floor.database, by_name).replay(parked_id, by="Robin Field", despite_gap=True)

    async def parked(self) -> Sequence[Any]:
        async with self.floor.database.reading() as session:
            return await list_parked(session)


def created(**changes: Any) -> LeadCreated:
    given: dict[str, Any] = {
        "lead_id": new_id(),
        "source_id": new_id(),
        "selected_path": SHARED,
        "service": "solar-battery",
        "location": MARRICKVILLE,
        "contact": MIA,
        "received_at": NOW,
        **changes,
    }
    return LeadCreated(**given)


def closed(lead_id: UUID) -> LeadClosed:
    return LeadClosed(lead_id=lead_id, reason_code="withdrawn", closed_at=NOW)


def accepted(assignment_id: UUID, **changes: Any) -> MessageAccepted:
    given: dict[str, Any] = {
        "message_id": new_id(),
        "purpose": MessagePurpose.LEAD_DELIVERY,
        "subject_kind": "assignment",
        "subject_id": assignment_id,
        "accepted_at": NOW,
        **changes,
    }
    return MessageAccepted(**given)


def failed(assignment_id: UUID, **changes: Any) -> MessageFailed:
    given: dict[str, Any] = {
        "message_id": new_id(),
        "purpose": MessagePurpose.LEAD_DELIVERY,
        "subject_kind": "assignment",
        "subject_id": assignment_id,
        "reason_code": "recipient_refused",
        "smtp_status": 550,
        "failed_at": NOW,
        **changes,
    }
    return MessageFailed(**given)


def bounced(assignment_id: UUID, **changes: Any) -> MessageBounced:
    given: dict[str, Any] = {
        "message_id": new_id(),
        "purpose": MessagePurpose.LEAD_DELIVERY,
        "subject_kind": "assignment",
        "subject_id": assignment_id,
        "bounce_class": BounceClass.PERMANENT,
        "enhanced_status": "5.1.1",
        "reason_code": "no_such_mailbox",
        "bounced_at": NOW,
        **changes,
    }
    return MessageBounced(**given)


def voided(assignment_id: UUID, installer_id: UUID, reason: CreditReason) -> DeliveryVoided:
    return DeliveryVoided(
        assignment_id=assignment_id,
        delivery_event_id=new_id(),
        installer_id=installer_id,
        reason_code=reason,
        voided_at=NOW,
    )


def credited(assignment_id: UUID, installer_id: UUID, reason: CreditReason) -> DeliveryCredited:
    return DeliveryCredited(
        assignment_id=assignment_id,
        delivery_event_id=new_id(),
        installer_id=installer_id,
        invoice_id=new_id(),
        reason_code=reason,
        credited_at=NOW,
    )
