"""Brokers that go away: all of them, the one that leads partitions, the one that coordinates a group."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local.kafka import KafkaCluster, KafkaServer
from tests.faults.fault import Fault, Round
from tests.faults.subscriptions import SUBSCRIPTIONS
from tests.kit.eventually import eventually

LEADS = "intake.leads"


class BrokerDown(Fault):
    number = 7
    injects = "the only broker is killed under load and stays away"
    holds = "intake keeps answering; nothing is lost (I2), all is settled soon after it is back (I7)"
    is_alone = True

    async def inject(self, at: Round) -> None:
        (broker,) = at.rig.kafka.servers
        await asyncio.to_thread(broker.kill)
        began, before = monotonic(), at.load.accepted
        await asyncio.sleep(at.scale.down_seconds)
        await at.load.send(10)
        for service, process in at.rig.processes.items():
            fault = await process.fault_of("/health/live")
            at.require(not fault, f"{service} asks to be restarted for a broker that is away: {fault}")
        taken = at.load.accepted - before
        at.require(taken >= 10, f"intake took {taken} leads while the broker was away")
        at.note("leads taken without a broker", taken)
        at.note_seconds("away", began)
        await at.rig.start_broker(broker)


class OneOfThreeMoves(Fault):
    """What both moves have in common: the broker dies or leaves in good order, and comes back."""

    number = 7
    needs_cluster = True
    is_alone = True

    async def _away(self, at: Round, broker: KafkaServer, moved: Callable[[], Awaitable[bool]]) -> None:
        leave = at.chance.choice((broker.kill, broker.stop))
        await asyncio.to_thread(leave)
        await eventually(moved, at.scale.settle_seconds)
        await at.load.send(10)
        await at.rig.start_broker(broker)
        at.note("moves")


class LeaderMoved(OneOfThreeMoves):
    injects = "the broker that leads a partition of the leads is killed, or leaves in good order"
    holds = "nothing is lost or reordered (I2), all is settled (I7)"

    async def inject(self, at: Round) -> None:
        for _ in range(max(1, at.scale.times // 3)):
            partition = at.chance.randrange(6)
            leader = await _leader_of(at, partition)

            async def moved(partition: int = partition, leader: int = leader) -> bool:
                return await _leader_of(at, partition) not in (leader, -1)

            await self._away(at, _cluster(at).server(leader), moved)


class CoordinatorMoved(OneOfThreeMoves):
    injects = "the broker that coordinates a consumer's group is killed, or leaves in good order"
    holds = "the group goes on with another coordinator: nothing is skipped (I8), all is settled (I7)"

    async def inject(self, at: Round) -> None:
        for _ in range(max(1, at.scale.times // 3)):
            group = at.chance.choice(SUBSCRIPTIONS).consumer
            coordinator = await _coordinator_of(at, group)

            async def moved(group: str = group, coordinator: int = coordinator) -> bool:
                return await _coordinator_of(at, group) not in (coordinator, -1)

            await self._away(at, _cluster(at).server(coordinator), moved)


def _cluster(at: Round) -> KafkaCluster:
    assert isinstance(at.rig.kafka, KafkaCluster)
    return at.rig.kafka


async def _leader_of(at: Round, partition: int) -> int:
    """-1 while nobody leads, or who was asked does not answer."""
    admin = AIOKafkaAdminClient(bootstrap_servers=at.rig.bootstrap_servers)
    try:
        await admin.start()
        (topic,) = await admin.describe_topics([LEADS])
    except KafkaError:
        return -1
    else:
        return next(int(found["leader"]) for found in topic["partitions"] if found["partition"] == partition)
    finally:
        await admin.close()


async def _coordinator_of(at: Round, group: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=at.rig.bootstrap_servers)
    try:
        await admin.start()
        return int(await admin.find_coordinator(group))
    except KafkaError:
        return -1
    finally:
        await admin.close()
