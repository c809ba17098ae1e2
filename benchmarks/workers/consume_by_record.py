"""The usual way with FastStream: a typed handler, and a transaction of its own for each record.

Its guarantees are made the product's: the offset is committed after the handler, the event's id is claimed in the
transaction of its effects.
"""

from argparse import Namespace
from datetime import datetime
from uuid import UUID

from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from sqlalchemy import DateTime, Text, Uuid, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.workers.deciding import decision
from benchmarks.workers.outbox_row import ADD
from benchmarks.workers.tally import Tally, run
from chassis import tables
from chassis.ids import new_id
from chassis.outbox import pack_headers, slot_of
from contracts.intake import LeadCreated
from contracts.routing import DispatchDecided


class Base(DeclarativeBase):
    type_annotation_map = {str: Text(), UUID: Uuid(), datetime: DateTime(timezone=True)}


class Decision(Base):
    __tablename__ = "decisions"

    lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    decision_id: Mapped[UUID]
    service: Mapped[str]
    postcode: Mapped[str]
    decided_at: Mapped[datetime]


async def apply(session: AsyncSession, consumer: str, event_id: UUID, event: LeadCreated) -> None:
    claim = insert(tables.inbox).values(event_id=event_id, consumer=consumer, received_at=func.now())
    if await session.scalar(claim.on_conflict_do_nothing().returning(tables.inbox.c.event_id)) is None:
        return
    made = decision(event)
    session.add(
        Decision(
            lead_id=event.lead_id,
            decision_id=made.decision_id,
            service=event.service,
            postcode=event.location.postcode,
            decided_at=made.decided_at,
        )
    )
    await session.execute(ADD, _row(made, event_id))


def _row(made: DispatchDecided, cause: UUID) -> dict[str, object]:
    event_id, key = new_id(), str(made.lead_id).encode()
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(event_id),
        "ce_type": made.type,
        "ce_source": "/waybill/bench",
        "ce_time": made.decided_at.isoformat(),
        "ce_subject": str(made.lead_id),
        "ce_dataschema": made.dataschema(),
        "ce_aggregateversion": "1",
        "ce_correlationid": str(cause),
        "content-type": "application/json",
        "ce_causationid": str(cause),
    }
    return {
        "shard": slot_of(key),
        "event_id": event_id,
        "topic": made.topic.name,
        "key": key,
        "headers": pack_headers([(name, text.encode()) for name, text in headers.items()]),
        "body": made.model_dump_json().encode(),
        "created_at": made.decided_at,
    }


async def consume(options: Namespace) -> dict[str, float]:
    tally = Tally(options.events)
    engine = create_async_engine(options.database.replace("postgresql://", "postgresql+asyncpg://"))
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    broker = KafkaBroker(options.kafka, logger=None)

    async def decide(event: LeadCreated, message: KafkaMessage) -> None:
        tally.arrived()
        async with sessions.begin() as session:
            await apply(session, options.group, UUID(message.headers["ce_id"]), event)
        tally.settled(1)

    subscriber = broker.subscriber(
        options.topic, group_id=options.group, auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR
    )
    subscriber(decide)
    await broker.start()
    try:
        return await tally.result()
    finally:
        await broker.stop()
        await engine.dispose()


if __name__ == "__main__":
    run(consume, "--database")
