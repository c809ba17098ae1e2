"""Our runtime under FastStream: one batch subscriber per topic, raw records in, explicit offsets out.

Written against FastStream 0.7.8 and aiokafka 0.14.0, whose defaults would lose events: see docs/architecture.md.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from time import monotonic
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage

from chassis.event_metrics import CONSUMER_LAG, CONSUMER_PARTITIONS, OFFSET_COMMIT_FAULTS
from chassis.runtime import ConsumerRuntime, Stopping
from chassis.settings import ServiceSettings

log = structlog.get_logger(__name__)


class Subscription(ConsumerRebalanceListener):  # type: ignore[misc]
    """One runtime subscribed to its topic: hands batches over, then commits exactly what was settled."""

    def __init__(self, broker: KafkaBroker, runtime: ConsumerRuntime, settings: ServiceSettings) -> None:
        self.runtime = runtime
        self._topic = runtime.consumer.topic.name
        self._subscriber = broker.subscriber(
            self._topic,
            group_id=runtime.name,
            group_instance_id=f"{runtime.name}.{settings.consumer_instance}" if settings.consumer_instance else None,
            batch=True,
            max_records=settings.consumer_batch_size,
            batch_timeout_ms=settings.consumer_poll_ms,
            max_partition_fetch_bytes=2 * 1024 * 1024,
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.session_timeout_ms // 4,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            parser=_keep_raw,
            decoder=_raw_of,
            listener=self,
        )
        self._subscriber(self._consume)
        self._poll_ms, self._most = settings.consumer_poll_ms, settings.consumer_batch_size
        # FastStream's own rests after an empty poll for as long as that waited, and hears nothing meanwhile.
        self._subscriber.get_msg = self._next_batch  # type: ignore[method-assign]
        self.assigned_at = monotonic()
        self.is_assigned = False
        self._settled: dict[TopicPartition, int] = {}

    async def _next_batch(self, consumer: AIOKafkaConsumer) -> tuple[ConsumerRecord, ...]:
        found = await consumer.getmany(timeout_ms=self._poll_ms, max_records=self._most)
        return tuple(chain.from_iterable(found.values()))

    async def _consume(self, records: Sequence[ConsumerRecord]) -> None:
        try:
            await self.runtime.process(records)
        except Stopping:
            return
        except Exception as fault:
            # FastStream would swallow it and go on past the batch: the consumer goes back to it instead.
            log.exception("batch_not_settled", consumer=self.runtime.name, fault=type(fault).__name__)
            self._rewind(records)
            return
        await self._commit(records)

    async def _commit(self, records: Sequence[ConsumerRecord]) -> None:
        """A commit that fails costs duplicates, which the inbox absorbs: never an event."""
        offsets: dict[TopicPartition, int] = {}
        for record in records:
            offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1
        self._settled.update(offsets)
        try:
            await self._consumer.commit(offsets)
        except (KafkaError, IllegalStateError) as fault:
            OFFSET_COMMIT_FAULTS.labels(self._topic).inc()
            log.warning("offsets_not_committed", consumer=self.runtime.name, fault=type(fault).__name__)

    def _rewind(self, records: Sequence[ConsumerRecord]) -> None:
        first: dict[TopicPartition, int] = {}
        for record in records:
            first.setdefault(TopicPartition(record.topic, record.partition), record.offset)
        for partition, offset in first.items():
            if partition in self._consumer.assignment():
                self._consumer.seek(partition, offset)

    @property
    def _consumer(self) -> AIOKafkaConsumer:
        consumer = self._subscriber.consumer
        if consumer is None:
            raise RuntimeError("the subscriber is not started")
        return consumer

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self.is_assigned = False
        self.assigned_at = monotonic()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self.is_assigned = True
        self._settled = {partition: offset for partition, offset in self._settled.items() if partition in set(assigned)}
        self.assigned_at = monotonic()

    def is_stuck(self, within_seconds: float) -> bool:
        """Alive but not consuming: unassigned for too long, or behind (or in a batch) without progress for too long.

        A batch that waits for a database that is away is no progress either: another process may reach it.
        """
        now = monotonic()
        if not self.is_assigned:
            return now - self.assigned_at > within_seconds
        waiting = self.runtime.is_busy or self.measure() > 0
        return waiting and now - max(self.runtime.last_progress, self.assigned_at) > within_seconds

    def measure(self) -> int:
        """The lag over what is assigned here, for gauges and liveness: the last fetch's end less what is settled."""
        consumer: AIOKafkaConsumer | None = self._subscriber.consumer
        assigned = consumer.assignment() if consumer is not None else frozenset()
        lag = sum(self._behind(consumer, partition) for partition in assigned)
        CONSUMER_LAG.labels(self._topic).set(lag)
        CONSUMER_PARTITIONS.labels(self._topic).set(len(assigned))
        return lag

    def _behind(self, consumer: AIOKafkaConsumer | None, partition: TopicPartition) -> int:
        end: int | None = consumer.highwater(partition) if consumer is not None else None
        settled = self._settled.get(partition, end)
        return 0 if end is None or settled is None else max(0, int(end) - int(settled))


async def _keep_raw(records: Any) -> KafkaMessage:
    """FastStream's own parser drops batches with a null or non-UTF-8 header in silence: ours reads nothing."""
    return KafkaMessage(body=b"", raw_message=records, consumer=FAKE_CONSUMER)


async def _raw_of(message: KafkaMessage) -> Any:
    return message.raw_message


def kafka_broker(settings: ServiceSettings, client_id: str) -> KafkaBroker:
    """Consumes only: what is published goes through the relay's own producer."""
    return KafkaBroker(
        settings.kafka_bootstrap_servers.split(","),
        client_id=client_id,
        allow_auto_create_topics=False,
        consumer_only=True,
        graceful_timeout=settings.graceful_timeout_seconds,
        apply_types=False,
        logger=None,
    )
