"""Consumer groups as the broker sees them: where they stand, and where they are made to begin."""

from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from contracts.topics import Topic

Offsets = Mapping[TopicPartition, int]


async def end_of(kafka: str, topic: Topic) -> Offsets:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await consumer.start()
    try:
        ends: Offsets = await consumer.end_offsets([TopicPartition(topic.name, n) for n in range(topic.partitions)])
        return ends
    finally:
        await consumer.stop()


async def begin_at(kafka: str, group: str, offsets: Offsets) -> None:
    """Whoever joins this new group begins there, as a group that has consumed all before it."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(list(offsets))
        await consumer.commit(dict(offsets))
    finally:
        await consumer.stop()


async def committed(admin: AIOKafkaAdminClient, group: str) -> int:
    """How many records the group has done with, over all partitions."""
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:
        # The first group that a broker hears of makes the topic of the offsets.
        return 0
    return sum(max(0, each.offset) for each in offsets.values())
