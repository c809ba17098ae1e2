"""Ours without a database: records are decoded and handed over as the consumer runtime does it, and nothing is kept."""

from argparse import Namespace
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.workers.service import compose
from benchmarks.workers.tally import Tally, run
from chassis.consumer import Consumer
from chassis.ordering import sort
from chassis.records import Record, decode
from chassis.runtime import ConsumerRuntime
from chassis.subscribers import Subscription, kafka_broker
from contracts.envelope import Incoming
from contracts.intake import LeadCreated
from contracts.topics import Topic


class Undurable(ConsumerRuntime):
    """What `ConsumerRuntime` does between the record and the handler."""

    tally: Tally

    async def process(self, records: Sequence[Record]) -> None:
        self.tally.arrived()
        handlers = self.consumer.by_type()
        arrivals = [decode(record, handlers, self.max_event_bytes) for record in records]
        sorting = sort(arrivals, {}, {})
        assert not sorting.held
        self.tally.settled(await self.hand_over(cast(AsyncSession, None), sorting.flowing))


async def take(_session: AsyncSession, _batch: list[Incoming[LeadCreated]]) -> None:
    pass


async def consume(options: Namespace) -> dict[str, float]:
    consumer = Consumer(Topic(options.topic, "bench", "lead_id", ""), {LeadCreated: take})
    service = compose("postgresql://nobody@127.0.0.1/nothing", options.kafka, [consumer])
    broker: Any = kafka_broker(service.settings, f"waybill-{service.name}")
    runtime = Undurable(options.group, consumer, service.database, service.settings.max_event_bytes)
    runtime.tally = Tally(options.events)
    Subscription(broker, runtime, service.settings)
    await broker.start()
    try:
        return await runtime.tally.result()
    finally:
        await broker.stop()
        await service.database.close()


if __name__ == "__main__":
    run(consume)
