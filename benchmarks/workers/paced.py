"""A service that publishes at a steady pace and relays what it publishes, and how long each event waited.

From the return of the commit to the broker's acknowledgement, as the client library hands it to the relay: written
down per batch by its offset. Which event has which offset is read from the topic afterwards.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.producer.message_accumulator import MessageBatch

from benchmarks.leads import lead_created
from benchmarks.pacing import paced
from benchmarks.workers.service import compose, serve_while_working
from chassis import outbox
from chassis.database import Database
from chassis.service import Service
from contracts.intake import LeadCreated

Offset = tuple[int, int]


async def work(service: Service, options: argparse.Namespace) -> dict[str, list[float]]:
    committed: dict[UUID, float] = {}
    with acknowledgements() as acknowledged:
        events = round(options.seconds * options.per_second)
        await paced(events, options.per_second, lambda: _publish(service.database, committed))
        await _all_of(acknowledged, events)
    offsets = await _offsets(options.kafka, acknowledged)
    # Whatever is slow because it is the first is not what is asked for.
    counted = list(committed)[round(options.warm_up_seconds * options.per_second) :]
    return {"latencies": [acknowledged[offsets[event]] - committed[event] for event in counted]}


async def _publish(database: Database, committed: dict[UUID, float]) -> None:
    async with database.transaction() as session:
        event_id = outbox.add(session, lead_created(), version=1)
    committed[event_id] = time.monotonic()


@contextmanager
def acknowledgements() -> Iterator[dict[Offset, float]]:
    """When each record was acknowledged, by partition and offset; fills while the block runs."""
    at: dict[Offset, float] = {}
    done = MessageBatch.done

    def note(batch: Any, base_offset: int, *arguments: Any, **named: Any) -> None:
        now = time.monotonic()
        at.update({(batch.tp.partition, base_offset + number): now for number in range(batch.record_count)})
        done(batch, base_offset, *arguments, **named)

    with patch.object(MessageBatch, "done", note):
        yield at


async def _all_of(acknowledged: dict[Offset, float], events: int) -> None:
    async with asyncio.timeout(30):
        while len(acknowledged) < events:  # noqa: ASYNC110  # nothing tells the library's batches from outside
            await asyncio.sleep(0.05)


async def _offsets(kafka: str, acknowledged: dict[Offset, float]) -> dict[UUID, Offset]:
    """Which event has which offset, from the records themselves."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await consumer.start()
    try:
        starts: dict[int, int] = {}
        for partition, offset in acknowledged:
            starts[partition] = min(offset, starts.get(partition, offset))
        consumer.assign([TopicPartition(LeadCreated.topic.name, partition) for partition in starts])
        for partition, offset in starts.items():
            consumer.seek(TopicPartition(LeadCreated.topic.name, partition), offset)
        found: dict[UUID, Offset] = {}
        while len(found) < len(acknowledged):
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                found.update({UUID(dict(r.headers)["ce_id"].decode()): (r.partition, r.offset) for r in records})
    finally:
        await consumer.stop()
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--per-second", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True, help="with the warm-up")
    parser.add_argument("--warm-up-seconds", type=float, required=True)
    options = parser.parse_args()
    service = compose(options.database, options.kafka, http_port=0)
    print(json.dumps(serve_while_working(service, lambda _: work(service, options))), flush=True)


if __name__ == "__main__":
    main()
