"""The topics as anyone may read and write them, with no code of ours between."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient


async def records_of(servers: str, topic: str, key: bytes) -> list[ConsumerRecord]:
    """All that a topic holds under a key by now, in its order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = await _assigned(consumer, topic)
        ends = await consumer.end_offsets(partitions)
        return [record async for record in _up_to(consumer, ends) if record.key == key]
    finally:
        await consumer.stop()


async def _assigned(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    numbers = await _partitions_of(consumer, topic)
    partitions = [TopicPartition(topic, number) for number in numbers]
    consumer.assign(partitions)
    await consumer.seek_to_beginning(*partitions)
    return partitions


async def _partitions_of(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    await consumer._client.force_metadata_update()
    numbers: set[int] | None = consumer.partitions_for_topic(topic)
    if not numbers:
        raise AssertionError(f"there is no topic {topic}")
    return numbers


async def _up_to(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> AsyncIterator[ConsumerRecord]:
    while any([await consumer.position(partition) < end for partition, end in ends.items()]):
        for batch in (await consumer.getmany(timeout_ms=100)).values():
            for record in batch:
                yield record


async def lag(servers: str, group: str, topic: str) -> int:
    """Records of the topic that the group has not settled, by the broker's own account."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    reader = AIOKafkaConsumer(bootstrap_servers=servers)
    await admin.start()
    await reader.start()
    try:
        partitions = await _assigned(reader, topic)
        settled = await admin.list_consumer_group_offsets(group, partitions=partitions)
        ends = await reader.end_offsets(partitions)
        return sum(end - max(0, settled[partition].offset) for partition, end in ends.items())
    finally:
        await reader.stop()
        await admin.close()


@asynccontextmanager
async def producer(servers: str) -> AsyncIterator[AIOKafkaProducer]:
    """Takes records of up to two megabytes, more than any service does."""
    ours = AIOKafkaProducer(bootstrap_servers=servers, acks="all", max_request_size=2 * 1024 * 1024)
    await ours.start()
    try:
        yield ours
    finally:
        await ours.stop()
