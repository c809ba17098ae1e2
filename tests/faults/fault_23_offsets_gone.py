"""A group whose offsets are not there any more, and a topic whose records are not."""

from collections.abc import Iterable
from uuid import UUID

from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import for_code
from aiokafka.protocol.admin import DeleteGroupsRequest

from tests.faults.fault import Fault, Round
from tests.faults.subscriptions import SUBSCRIPTIONS, Subscription
from tests.kit.eventually import eventually

CONSUMERS = ("routing", "notifications", "billing", "intake")
SENT = next(one for one in SUBSCRIPTIONS if one.service == "billing" and one.topic == "routing.assignments")
NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND = 68, 69


class OffsetsExpired(Fault):
    number = 23
    injects = "a service's groups lose their offsets while it is down and events come in, as when they expire"
    holds = "it starts at the earliest record, never at the latest: nothing is skipped (I8), all is there once (I3)"

    async def inject(self, at: Round) -> None:
        for _ in range(max(1, at.scale.times // 3)):
            service = at.chance.choice(CONSUMERS)
            async with at.rig.hold(service):
                await at.rig.processes[service].kill()
                if service != "intake":
                    await at.load.send(10)
                groups = [one.consumer for one in SUBSCRIPTIONS if one.service == service]
                await forget(at, groups)
                at.note("groups without offsets", len(groups))
                await at.rig.start(service)


class TopicTrimmed(Fault):
    number = 23
    injects = "a topic is trimmed to beyond the offsets that a group has committed, while its service is down"
    holds = (
        "it goes on at the earliest record that is left, never at the latest; given back, the others are applied too"
    )
    is_alone = True

    async def inject(self, at: Round) -> None:
        async with at.rig.hold("billing"), at.load.paused():
            await at.rig.processes["billing"].kill()
            await at.load.send(25)
            await eventually(lambda: self._only_billing_is_behind(at), at.scale.settle_seconds)
            waiting = await self._not_applied(at)
            lost, left = waiting[: len(waiting) // 2], waiting[len(waiting) // 2 :]
            await trim(at, lost)
            await at.rig.start("billing")
            await eventually(lambda: self._applied(at, left), at.scale.settle_seconds)
            at.note("records trimmed away", len(lost))
            at.note("records applied after them", len(left))
            # From a copy, as an operator would: the reader has one.
            await give_back(at, lost)

    async def _only_billing_is_behind(self, at: Round) -> bool:
        """Who else takes the topic has all of it, and no event is still on its way to it; billing's own may wait."""
        if any(at.checker.committed[event_id].service != "billing" for event_id in await at.checker.read()):
            return False
        others = [one for one in SUBSCRIPTIONS if one.topic == SENT.topic and one is not SENT]
        pending = await at.rig.number("routing", "SELECT count(*) FROM assignments WHERE status = 'pending'")
        return not pending and not await at.checker.lags(others)

    async def _not_applied(self, at: Round) -> list[ConsumerRecord]:
        """Billing's own records that it has not seen, in the order of their partitions."""
        applied = await _inbox(at, SENT)
        records = [
            record
            for event_id, record in at.checker.published.items()
            if record.topic == SENT.topic
            and at.checker.committed[event_id].type in SENT.types
            and event_id not in applied
        ]
        return sorted(records, key=lambda record: (record.partition, record.offset))

    async def _applied(self, at: Round, records: Iterable[ConsumerRecord]) -> bool:
        ids = {UUID(dict(record.headers)["ce_id"].decode()) for record in records}
        return ids <= await _inbox(at, SENT)


async def _inbox(at: Round, subscription: Subscription) -> set[UUID]:
    query = "SELECT event_id FROM inbox WHERE consumer = $1"
    rows = await at.rig.pools[subscription.service].fetch(query, subscription.consumer)
    return {row["event_id"] for row in rows}


async def forget(at: Round, groups: list[str]) -> None:
    """Once the last member's session has ended, as a group that has members keeps its offsets."""
    admin = AIOKafkaAdminClient(bootstrap_servers=at.rig.bootstrap_servers)
    await admin.start()
    try:
        for group in groups:
            await eventually(lambda group=group: _forgotten(admin, group), at.scale.settle_seconds)  # type: ignore[misc]
    finally:
        await admin.close()


async def _forgotten(admin: AIOKafkaAdminClient, group: str) -> bool:
    coordinator = await admin.find_coordinator(group)
    answer = await admin._send_request(DeleteGroupsRequest([group]), coordinator)
    ((_, code, *_),) = answer.results
    if code not in (0, NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND):
        raise for_code(code)(group)
    return bool(code != NON_EMPTY_GROUP)


async def trim(at: Round, records: list[ConsumerRecord]) -> None:
    """Each partition from its beginning to behind the last of the records in it."""
    ends = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
    admin = AIOKafkaAdminClient(bootstrap_servers=at.rig.bootstrap_servers)
    await admin.start()
    try:
        await admin.delete_records({place: RecordsToDelete(before_offset=end) for place, end in ends.items()})
    finally:
        await admin.close()


async def give_back(at: Round, records: list[ConsumerRecord]) -> None:
    """Each once more, as it was, at the end of its partition."""
    async with AIOKafkaProducer(bootstrap_servers=at.rig.bootstrap_servers, acks="all") as producer:
        for record in records:
            await producer.send_and_wait(
                record.topic,
                record.value,
                record.key,
                partition=record.partition,
                headers=list(record.headers),
            )
