"""Topics that are full of leads before anything is measured."""

import asyncio
from typing import Any

from benchmarks.leads import rows
from benchmarks.stage import Stage
from chassis.publishing import kafka_producer
from contracts.topics import LEADS, Topic

IN_FLIGHT = 1_000


async def full_topic(stage: Stage, events: int) -> Topic:
    """A topic with as many partitions as the product's own, and `events` leads in it as the relay publishes them."""
    topic = await asyncio.to_thread(stage.topic, LEADS.partitions)
    await fill(stage, topic, events)
    return topic


async def fill(stage: Stage, topic: Topic, events: int) -> None:
    producer: Any = kafka_producer(stage.kafka(), "bench-fill")()
    await producer.start()
    try:
        sent = []
        for row in rows(events):
            sent.append(await producer.send(topic.name, row.body, row.key, headers=row.headers))
            if len(sent) == IN_FLIGHT:
                await asyncio.gather(*sent)
                sent.clear()
        await asyncio.gather(*sent)
    finally:
        await producer.stop()
