"""The topics as the checker reads them: every record once, from where the reading before stopped."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient


@dataclass
class LogReader:
    servers: str
    topics: Sequence[str]
    _places: dict[TopicPartition, int] = field(default_factory=dict)

    async def fresh(self) -> list[ConsumerRecord]:
        """What was appended since, in the order of each partition."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.servers, enable_auto_commit=False)
        await consumer.start()
        try:
            ends = await consumer.end_offsets(await self._partitions(consumer))
            behind = {place: end for place, end in ends.items() if self._places.get(place, 0) < end}
            return await self._read(consumer, behind) if behind else []
        finally:
            await consumer.stop()

    async def _partitions(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        await consumer._client.force_metadata_update()
        found: list[TopicPartition] = []
        for topic in self.topics:
            await consumer._client.add_topic(topic)
            found += [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        return found

    async def _read(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> list[ConsumerRecord]:
        consumer.assign(list(ends))
        for place in ends:
            consumer.seek(place, self._places.get(place, 0))
        records: list[ConsumerRecord] = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=200, max_records=5_000)).values():
                records += batch
        for place in ends:
            self._places[place] = await consumer.position(place)
        return records


async def lags(servers: str, groups: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Records that a group has not settled, by group, by the broker's own account; who has none is left out."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    reader = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    await admin.start()
    await reader.start()
    try:
        behind: dict[str, int] = {}
        for group, topic in groups:
            await reader._client.add_topic(topic)
            places = [TopicPartition(topic, number) for number in reader.partitions_for_topic(topic) or ()]
            settled = await admin.list_consumer_group_offsets(group, partitions=places)
            ends = await reader.end_offsets(places)
            behind[group] = sum(end - max(0, settled[place].offset) for place, end in ends.items())
        return {group: lag for group, lag in behind.items() if lag}
    finally:
        await reader.stop()
        await admin.close()
