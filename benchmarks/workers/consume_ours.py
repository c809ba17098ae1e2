"""A consumer of the product: Kafka to inbox, effect and outbox in one commit, then the offsets."""

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from sqlalchemy import DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.workers.deciding import decision
from benchmarks.workers.service import compose
from benchmarks.workers.tally import Tally, run
from chassis import outbox
from chassis.causation import Cause
from chassis.consumer import Consumer
from chassis.process import runtimes_of
from chassis.records import Record
from chassis.runtime import ConsumerRuntime
from chassis.subscribers import Subscription, kafka_broker
from contracts.envelope import Incoming
from contracts.intake import LeadCreated
from contracts.topics import Topic

_KEEP = text(
    """
    INSERT INTO decisions (lead_id, decision_id, service, postcode, decided_at)
    SELECT * FROM unnest(:lead_ids, :decision_ids, :services, :postcodes, :decided_at) ON CONFLICT DO NOTHING
    """
).bindparams(
    bindparam("lead_ids", type_=ARRAY(Uuid)),
    bindparam("decision_ids", type_=ARRAY(Uuid)),
    bindparam("services", type_=ARRAY(Text)),
    bindparam("postcodes", type_=ARRAY(Text)),
    bindparam("decided_at", type_=ARRAY(DateTime(timezone=True))),
)


async def decide(session: AsyncSession, batch: list[Incoming[LeadCreated]]) -> None:
    """One statement for the batch, one event each: as `services/billing/commands/deliveries.py` does it."""
    made = [decision(incoming.event) for incoming in batch]
    await session.execute(
        _KEEP,
        {
            "lead_ids": [each.lead_id for each in made],
            "decision_ids": [each.decision_id for each in made],
            "services": [incoming.event.service for incoming in batch],
            "postcodes": [incoming.event.location.postcode for incoming in batch],
            "decided_at": [each.decided_at for each in made],
        },
    )
    for incoming, each in zip(batch, made, strict=True):
        outbox.add(session, each, version=1, cause=Cause.of(incoming.envelope))


def counted(runtime: ConsumerRuntime, tally: Tally) -> None:
    """`process` returns when all of a batch is committed."""
    process = runtime.process

    async def tallied(records: Sequence[Record]) -> None:
        tally.arrived()
        await process(records)
        tally.settled(len(records))

    setattr(runtime, "process", tallied)  # noqa: B010  # a method of one object


async def consume(options: Namespace) -> dict[str, float]:
    topic = Topic(options.topic, "bench", "lead_id", "")
    service = compose(options.database, options.kafka, [Consumer(topic, {LeadCreated: decide})], name=options.group)
    tally = Tally(options.events)
    broker: Any = kafka_broker(service.settings, f"waybill-{service.name}")
    for runtime in runtimes_of(service).values():
        counted(runtime, tally)
        Subscription(broker, runtime, service.settings)
    await broker.start()
    try:
        return await tally.result()
    finally:
        await broker.stop()
        await service.database.close()


if __name__ == "__main__":
    run(consume, "--database")
