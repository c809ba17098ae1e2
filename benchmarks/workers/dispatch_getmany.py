"""The floor under any consumer on aiokafka: records are fetched in batches of the product's size, offsets committed."""

from argparse import Namespace

from aiokafka import AIOKafkaConsumer

from benchmarks.workers.consume_floor import BATCH, POLL_MS
from benchmarks.workers.tally import Tally, run


async def consume(options: Namespace) -> dict[str, float]:
    tally = Tally(options.events)
    consumer = AIOKafkaConsumer(
        options.topic,
        bootstrap_servers=options.kafka,
        group_id=options.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=2 * 1024 * 1024,
    )
    await consumer.start()
    left = options.events
    try:
        while left > 0:
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
            if fetched:
                tally.arrived()
                records = sum(map(len, fetched.values()))
                tally.settled(records)
                await consumer.commit({place: some[-1].offset + 1 for place, some in fetched.items()})
                left -= records
        return await tally.result()
    finally:
        await consumer.stop()


if __name__ == "__main__":
    run(consume)
