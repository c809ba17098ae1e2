"""The floors under a relay: rows that lie in memory, given to aiokafka; nothing is read, deleted or counted.

The producer is the product's own: idempotent, acknowledged by all.
"""

import argparse
import asyncio
import pickle
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.workers import until_stopped
from chassis.publishing import kafka_producer

IN_FLIGHT = 1_000

Rows = list[tuple[int, bytes, list[tuple[str, bytes]], bytes]]
"""Partition, key, headers and body."""


async def run(options: argparse.Namespace) -> None:
    rows = pickle.loads(options.rows.read_bytes())  # noqa: S301  # written by the program that started us
    producer: Any = kafka_producer(options.kafka, "floor")()
    await producer.start()
    try:
        await producer.partitions_for(options.topic)
        print("ready", flush=True)
        how = by_the_row if options.by_the_row else in_batches
        await how(producer, options.topic, rows)
        await until_stopped()
    finally:
        await producer.stop()


async def by_the_row(producer: Any, topic: str, rows: Rows) -> None:
    """One `send` each, a thousand in flight: how aiokafka is used as a rule."""
    for start in range(0, len(rows), IN_FLIGHT):
        sent = [
            await producer.send(topic, value=body, key=key, headers=headers)
            for _, key, headers, body in rows[start : start + IN_FLIGHT]
        ]
        await asyncio.gather(*sent)


async def in_batches(producer: Any, topic: str, rows: Rows) -> None:
    """Batches of its own making: neither a future nor the partitioner's hash for each row."""
    batches: dict[int, Any] = {}
    acknowledged = []
    for partition, key, headers, body in rows:
        batch = batches.get(partition)
        if batch is None or batch.append(timestamp=None, key=key, value=body, headers=headers) is None:
            if batch is not None:
                acknowledged.append(await producer.send_batch(batch, topic, partition=partition))
            batch = batches[partition] = producer.create_batch()
            batch.append(timestamp=None, key=key, value=body, headers=headers)
    for partition, batch in batches.items():
        acknowledged.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*acknowledged)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--by-the-row", action="store_true")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
