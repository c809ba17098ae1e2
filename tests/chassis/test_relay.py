"""The relay: what is committed is published, in order per key, and deleted only once it is acknowledged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis import outbox, parking
from chassis.pending import Shard
from chassis.publishing import kafka_producer
from chassis.relay import Relay
from chassis.replay import Replayer
from contracts.envelope import Envelope, from_headers, to_headers
from contracts.topics import Topic
from tests.chassis import probe
from tests.chassis.arrangements import rows
from tests.chassis.conftest import Bench
from tests.chassis.probe import ProbeMoved
from tests.kit.eventually import eventually
from tests.kit.kafka import KafkaAddress

Seen = list[tuple[bytes, UUID, int]]


@pytest.fixture
def topic(bench: Bench, kafka: KafkaAddress) -> Topic:
    return probe.use_topic(f"relay.{uuid4()}", kafka.bootstrap_servers)


@asynccontextmanager
async def relaying(bench: Bench, kafka: KafkaAddress, shards: int = 1, each: int = 1) -> AsyncIterator[list[Relay]]:
    producer = kafka_producer(kafka.bootstrap_servers, "probe")
    relays = [Relay(bench.url, Shard(n, shards), producer, 50) for n in range(shards) for _ in range(each)]
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield relays
    finally:
        for relay in relays:
            relay.stop()
        await asyncio.wait_for(asyncio.gather(*tasks), 30)


async def drained(bench: Bench) -> None:
    async def is_empty() -> bool:
        return (await probe.verdict(bench.url))["unsent"] == 0

    await eventually(is_empty, 30)


async def read_all(kafka: KafkaAddress, topic: Topic) -> Seen:
    """Every record of the topic: key, event id and version, in the order of its partition."""
    partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap_servers, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        seen: Seen = []
        while sum([await consumer.position(partition) for partition in partitions]) < sum(ends.values()):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    envelope = from_headers(record.headers)
                    seen.append((record.key, envelope.id, envelope.aggregate_version))
        return seen
    finally:
        await consumer.stop()


def first_occurrences(seen: Seen) -> dict[bytes, list[int]]:
    known: set[UUID] = set()
    versions: dict[bytes, list[int]] = {}
    for key, event_id, version in seen:
        if event_id not in known:
            known.add(event_id)
            versions.setdefault(key, []).append(version)
    return versions


class TestPublishing:
    async def test_sends_everything_once_and_in_order(self, bench: Bench, kafka: KafkaAddress, topic: Topic) -> None:
        await probe.publish(bench.database, probes=30, steps=10)
        async with relaying(bench, kafka):
            await drained(bench)
        seen = await read_all(kafka, topic)
        assert len(seen) == 300
        assert all(versions == list(range(1, 11)) for versions in first_occurrences(seen).values())

    async def test_over_several_shards_keeps_the_order_of_each_key(
        self, bench: Bench, kafka: KafkaAddress, topic: Topic
    ) -> None:
        await probe.publish(bench.database, probes=30, steps=10)
        async with relaying(bench, kafka, shards=3):
            await drained(bench)
        versions = first_occurrences(await read_all(kafka, topic))
        assert len(versions) == 30
        assert all(seen == list(range(1, 11)) for seen in versions.values())

    async def test_of_two_relays_of_one_shard_only_one_leads(
        self, bench: Bench, kafka: KafkaAddress, topic: Topic
    ) -> None:
        async with relaying(bench, kafka, each=2) as relays:
            await probe.publish(bench.database, probes=10, steps=10)
            await drained(bench)
            assert sum(relay.is_leading for relay in relays) == 1
        assert len(await read_all(kafka, topic)) == 100

    async def test_the_other_takes_over_when_the_leader_loses_its_session(
        self, bench: Bench, kafka: KafkaAddress, topic: Topic
    ) -> None:
        async with relaying(bench, kafka, each=2) as relays:
            await eventually(lambda: _leads(relays))
            await _end_sessions(bench, "relay")
            await probe.publish(bench.database, probes=10, steps=10)
            await drained(bench)
        assert all(v == list(range(1, 11)) for v in first_occurrences(await read_all(kafka, topic)).values())

    async def test_finds_an_event_whose_transaction_commits_after_later_ones(
        self, bench: Bench, kafka: KafkaAddress, topic: Topic
    ) -> None:
        async with relaying(bench, kafka):
            slow = await asyncpg.connect(bench.url)
            transaction = slow.transaction()
            await transaction.start()
            await _insert(slow)
            await probe.publish(bench.database, probes=5, steps=2)
            await _published(bench, kafka, topic, 10)
            await transaction.commit()
            await slow.close()
            await drained(bench)
        assert len(await read_all(kafka, topic)) == 11


class TestAnEventThatTheBrokerRefuses:
    async def test_that_is_replayed_and_refused_again_is_parked_again(
        self, bench: Bench, kafka: KafkaAddress, topic: Topic
    ) -> None:
        bad = uuid4()
        await _publish_sized(bench, bad, [3_000_000, 10])
        async with relaying(bench, kafka):
            for _ in range(2):
                await drained(bench)
                (first, second) = await rows(bench, "SELECT id, state FROM parked_events ORDER BY record_offset")
                assert (first["state"], second["state"]) == ("parked", "parked")
                await Replayer(bench.database, {}).replay(first["id"], by="robin")
            await drained(bench)
        assert await read_all(kafka, topic) == []

    async def test_is_parked_with_what_comes_behind_it_and_other_keys_flow(
        self, bench: Bench, kafka: KafkaAddress, topic: Topic
    ) -> None:
        bad = uuid4()
        await _publish_sized(bench, bad, [10, 3_000_000, 10])
        await probe.publish(bench.database, probes=5, steps=2)
        async with relaying(bench, kafka):
            await drained(bench)
            await _publish_sized(bench, bad, [10], first_version=4)
            await drained(bench)
        seen = first_occurrences(await read_all(kafka, topic))
        assert seen.pop(str(bad).encode()) == [1]
        assert all(versions == [1, 2] for versions in seen.values())
        reasons = await rows(bench, "SELECT reason_code FROM parked_events ORDER BY record_offset")
        assert [row[0] for row in reasons] == [
            "refused_by_the_broker",
            "behind_a_parked_event",
            "behind_a_parked_event",
        ]

    async def test_after_a_discard_its_followers_are_replayed_in_their_old_order(
        self, bench: Bench, kafka: KafkaAddress, topic: Topic
    ) -> None:
        bad = uuid4()
        await _publish_sized(bench, bad, [3_000_000, *([10] * 30)])
        async with relaying(bench, kafka):
            await drained(bench)
            await _discard_first(bench)
            (second, *_) = await rows(
                bench, "SELECT id FROM parked_events WHERE state = 'parked' ORDER BY record_offset"
            )
            await Replayer(bench.database, {}).replay(second["id"], by="robin")
            await drained(bench)
        assert first_occurrences(await read_all(kafka, topic)) == {str(bad).encode(): list(range(2, 32))}


async def _leads(relays: list[Relay]) -> bool:
    return any(relay.is_leading for relay in relays)


async def _end_sessions(bench: Bench, application: str) -> None:
    await rows(
        bench,
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = $1 AND datname = current_database()
        """,
        application,
    )


async def _publish_sized(bench: Bench, probe_id: UUID, sizes: list[int], first_version: int = 1) -> None:
    """Events of these sizes; as a limit that grew since would let them through the outbox."""
    large = probe.database(bench.url, max_event_bytes=10_000_000)
    for version, size in enumerate(sizes, first_version):
        async with large.transaction() as session:
            outbox.add(session, ProbeMoved(probe_id=probe_id, step=version, note="x" * size), version=version)
    await large.close()


async def _published(bench: Bench, kafka: KafkaAddress, topic: Topic, number: int) -> None:
    """A row that is not committed does not count as pending; what is committed is out when nothing is pending."""
    await drained(bench)
    assert len(await read_all(kafka, topic)) == number


async def _insert(connection: asyncpg.Connection) -> None:
    """One more event in the open transaction, whose id is drawn before others are committed."""
    probe_id = uuid4()
    event = ProbeMoved(probe_id=probe_id, step=1)
    envelope = Envelope(uuid4(), event.type, "/waybill/probe", datetime.now(UTC), str(probe_id), "", 1, "c")
    await connection.execute(
        """
        INSERT INTO outbox SELECT id, outbox_segment(id), 0, $1, $2, $3, $4, $5, now()
        FROM nextval('outbox_ids') AS id
        """,
        envelope.id,
        event.topic.name,
        str(probe_id).encode(),
        outbox.pack_headers(to_headers(envelope)),
        event.model_dump_json().encode(),
    )


async def _discard_first(bench: Bench) -> None:
    (first, *_) = await rows(bench, "SELECT id FROM parked_events ORDER BY record_offset")
    async with bench.database.transaction() as session:
        await parking.discard(session, first["id"], by="robin", reason="too large to ever go")
