"""A quorum of three brokers of our own: any one of them may die."""

import asyncio
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from contracts.topics import Topic
from deploy.local.kafka import KafkaCluster, KafkaNode, KafkaServer, answers, create_topics
from deploy.local.paths import close_workroom, free_port, open_workroom
from tests.kit.eventually import eventually

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("own-kafka")]

TOPIC = Topic("tests.replicated", "tests", "id", "", partitions=1)


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    room = open_workroom()
    cluster = KafkaCluster(room / "kafka")
    cluster.start()
    for server in cluster.servers:
        server.child.wait_until_ready()
    yield cluster
    cluster.kill()
    close_workroom(room)


async def leader_of(cluster: KafkaCluster, topic: str) -> int:
    """-1 where nobody leads, or who was asked is the one that died."""
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
    await admin.start()
    try:
        ((found,),) = [described["partitions"] for described in await admin.describe_topics([topic])]
    except KafkaError:
        return -1
    else:
        leader: int = found["leader"]
        return leader
    finally:
        await admin.close()


class TestKafkaCluster:
    async def test_moves_the_leader_and_keeps_what_it_acknowledged_where_one_broker_dies(
        self, cluster: KafkaCluster
    ) -> None:
        create_topics(cluster.bootstrap_servers, [TOPIC], replication_factor=cluster.replication_factor)
        async with AIOKafkaProducer(bootstrap_servers=cluster.bootstrap_servers, acks="all") as producer:
            await producer.send_and_wait(TOPIC.name, b"before")
            first = await leader_of(cluster, TOPIC.name)
            await asyncio.to_thread(cluster.server(first).kill)

            async def moved() -> bool:
                return await leader_of(cluster, TOPIC.name) not in (first, -1)

            await eventually(moved, 30)
            await producer.send_and_wait(TOPIC.name, b"after")
        await asyncio.to_thread(cluster.server(first).restart)
        async with AIOKafkaConsumer(bootstrap_servers=cluster.bootstrap_servers, enable_auto_commit=False) as consumer:
            partition = TopicPartition(TOPIC.name, 0)
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            assert [(await consumer.getone()).value for _ in range(2)] == [b"before", b"after"]


class TestProxiedListener:
    def test_sends_who_comes_in_by_it_to_the_proxy(self) -> None:
        """Where nothing listens at the proxy's port, who was sent there gets no answer."""
        room = open_workroom()
        proxied_port = free_port()
        server = KafkaServer(room / "kafka", node=KafkaNode(proxied_port=proxied_port, proxy_port=free_port()))
        server.start()
        try:
            server.child.wait_until_ready()
            assert answers(server.bootstrap_servers)
            assert not answers(f"127.0.0.1:{proxied_port}")
        finally:
            server.kill()
            close_workroom(room)
