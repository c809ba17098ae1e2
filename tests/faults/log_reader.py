"""The topics as the checker reads them: every record once, from where the reading before stopped."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from chassis.ending import ended_within

CLOSING_SECONDS = 5.0
Group = tuple[str, str]
"""Its name, and the topic that it reads."""


@dataclass
class LogReader:
    """Its clients stay open until a broker goes away under them: it is asked many times a second."""

    servers: str
    topics: Sequence[str]
    _places: dict[TopicPartition, int] = field(default_factory=dict)
    _consumer: AIOKafkaConsumer | None = None
    _admin: AIOKafkaAdminClient | None = None

    async def fresh(self) -> list[ConsumerRecord]:
        """What was appended since, in the order of each partition. One at a time."""
        async with self._open() as (consumer, _):
            ends = await consumer.end_offsets(await self._partitions(consumer, self.topics))
            behind = {place: end for place, end in ends.items() if self._places.get(place, 0) < end}
            return await self._read(consumer, behind) if behind else []

    async def lags(self, groups: Sequence[Group]) -> dict[str, int]:
        """Records that a group has not settled, by group, by the broker's own account; who has none is left out."""
        async with self._open() as (consumer, admin):
            places = await self._partitions(consumer, sorted({topic for _, topic in groups}))
            ends = await consumer.end_offsets(places)
            behind: dict[str, int] = {}
            for group, topic in groups:
                ours = [place for place in places if place.topic == topic]
                settled = await admin.list_consumer_group_offsets(group, partitions=ours)
                behind[group] = sum(ends[place] - max(0, settled[place].offset) for place in ours)
            return {group: lag for group, lag in behind.items() if lag}

    async def close(self) -> None:
        consumer, admin, self._consumer, self._admin = self._consumer, self._admin, None, None
        if consumer is not None:
            await ended_within(CLOSING_SECONDS, consumer.stop)
        if admin is not None:
            await admin.close()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[tuple[AIOKafkaConsumer, AIOKafkaAdminClient]]:
        try:
            if self._consumer is None or self._admin is None:
                self._consumer = AIOKafkaConsumer(bootstrap_servers=self.servers, enable_auto_commit=False)
                self._admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
                await self._consumer.start()
                await self._admin.start()
            yield self._consumer, self._admin
        except BaseException:
            await self.close()
            raise

    async def _partitions(self, consumer: AIOKafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
        found: list[TopicPartition] = []
        for topic in topics:
            if not consumer.partitions_for_topic(topic):
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
        consumer.unsubscribe()
        return records
