"""Produce requests that the broker refuses for good."""

from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local.kafka import MAX_MESSAGE_BYTES
from tests.faults.fault import Fault, Round
from tests.faults.writers import add_client, change_client
from tests.kit import kafka_wire
from tests.kit.eventually import eventually
from tests.kit.proxy import answers, rewrite

PUBLISHERS = ("intake", "routing", "notifications", "billing")
TOPIC_AUTHORIZATION_FAILED, OUT_OF_ORDER_SEQUENCE_NUMBER = 29, 45
CLIENTS = "intake.clients"
SMALL_BYTES = 1_200
LONG_ADDRESS = "Level 1, Example Tower. " * 20


class EventTooLarge(Fault):
    number = 9
    injects = "the topic's limit is lowered below the size of one event, later ones of its key and of others follow"
    holds = "the event is parked with an alarm, its key waits behind it, others flow; replayed, all are there in order"

    async def inject(self, at: Round) -> None:
        async with at.rig.hold("intake"):
            large, small = [await add_client(at.rig, at.chance.getrandbits(40)) for _ in range(2)]
            await self._until_published(at, large)
            await _limit(at, SMALL_BYTES)
            try:
                await change_client(at.rig, large, LONG_ADDRESS)
                await eventually(lambda: self._parked(at), at.scale.settle_seconds)
                await change_client(at.rig, large, "behind it")
                await change_client(at.rig, small, "of another key")
                await self._until_published(at, small)
                await eventually(lambda: self._both_are_parked(at), at.scale.settle_seconds)
                await self._alarms(at)
            finally:
                await _limit(at, MAX_MESSAGE_BYTES)
            await self._replay(at)
            await self._until_published(at, large)
            at.note("events refused for their size")

    async def _until_published(self, at: Round, client_id: str) -> None:
        async def published() -> bool:
            unpublished = await at.checker.read()
            return not any(at.checker.committed[event_id].key == client_id.encode() for event_id in unpublished)

        await eventually(published, at.scale.settle_seconds)

    async def _parked(self, at: Round) -> list[dict[str, Any]]:
        rows = await at.rig.pools["intake"].fetch(
            "SELECT id, reason_code FROM parked_events WHERE consumer = 'relay' AND state = 'parked' "
            "ORDER BY record_offset"
        )
        return [dict(row) for row in rows]

    async def _both_are_parked(self, at: Round) -> bool:
        return len(await self._parked(at)) == 2

    async def _alarms(self, at: Round) -> None:
        """The gauge that the alarm is on, and the reasons that an operator is shown."""
        reasons = [row["reason_code"] for row in await self._parked(at)]
        at.require(reasons == ["refused_by_the_broker", "behind_a_parked_event"], f"parked for {reasons}")

        async def told() -> bool:
            metrics = await at.rig.running.metrics("intake")
            return any("parked" in name and value >= 2 for (name, _), value in metrics.items())

        await eventually(told, at.scale.settle_seconds)

    async def _replay(self, at: Round) -> None:
        """As an operator does."""
        first, *_ = await self._parked(at)
        await at.rig.told("POST", "intake", f"/admin/parked-events/{first['id']}/replay")


class ProduceRefused(Fault):
    number = 9
    injects = "the broker answers that the topic is not allowed, then that the producer's sequence is out of order"
    holds = "the producer is made anew, nothing is parked for it, and order is kept (I2)"

    async def inject(self, at: Round) -> None:
        for _ in range(at.scale.times):
            service = at.chance.choice(PUBLISHERS)
            for code in (TOPIC_AUTHORIZATION_FAILED, OUT_OF_ORDER_SEQUENCE_NUMBER):
                refused = at.rig.order_of_relay(
                    service,
                    rewrite(kafka_wire.with_error(code)),
                    answers(kafka_wire.PRODUCE),
                    times=at.chance.randint(1, 3),
                )
                await refused.happened(at.scale.settle_seconds)
                at.note("requests refused")


async def _limit(at: Round, most_bytes: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=at.rig.bootstrap_servers)
    await admin.start()
    try:
        config = {"max.message.bytes": str(most_bytes), "cleanup.policy": "compact"}
        answer = await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, CLIENTS, config)])
        assert all(resource[0] == 0 for one in answer for resource in one.resources), answer
    finally:
        await admin.close()
