"""Records that are no events of ours, in the topics that the services consume."""

from functools import partial

from aiokafka import AIOKafkaProducer

from contracts.topics import TOPICS
from tests.faults.fault import Fault, Round
from tests.faults.subscriptions import SUBSCRIPTIONS
from tests.flows.poison import POISONS, Poison, Sent, send_poison
from tests.flows.poison import Subscription as Poisoned
from tests.kit.eventually import eventually

OF_A_BODY = frozenset({"json_invalid", "schema_invalid", "body_null", "body_too_large"})
"""Found by who takes the type; who does not, has no use for the body."""
TOPIC = {topic.name: topic for topic in TOPICS}


class PoisonRecords(Fault):
    number = 11
    injects = "records of bad JSON, unknown type, wrong schema, no body, null or non-UTF-8 headers, a body too large"
    holds = "each is parked by all whom it concerns, none skipped (I8); the partitions' lag goes back to 0 (I7)"

    async def inject(self, at: Round) -> None:
        self._parked: list[tuple[Sent, frozenset[str]]] = []
        producer = AIOKafkaProducer(
            bootstrap_servers=at.rig.bootstrap_servers, acks="all", max_request_size=2 * 1024 * 1024
        )
        async with producer:
            for _ in range(at.scale.times):
                for poison in POISONS:
                    await self._poison(at, producer, poison)
        for sent, parked_by in self._parked:
            for consumer in parked_by:
                await eventually(partial(_parked, at, sent, consumer), at.scale.settle_seconds)

    async def _poison(self, at: Round, producer: AIOKafkaProducer, poison: Poison) -> None:
        one = at.chance.choice(SUBSCRIPTIONS)
        type_ = at.chance.choice(sorted(one.types))
        sent = await send_poison(producer, Poisoned(one.service, TOPIC[one.topic], type_), poison)
        parked_by = frozenset(
            other.consumer
            for other in SUBSCRIPTIONS
            if other.topic == one.topic and (poison.reason not in OF_A_BODY or type_ in other.types)
        )
        at.checker.injected[one.topic, sent.partition, sent.offset] = parked_by
        self._parked.append((sent, parked_by))
        at.note("poison records")
        at.note("parked by a consumer", len(parked_by))

    async def verify(self, at: Round) -> None:
        behind = await at.checker.lags()
        at.require(not behind, f"poison keeps {behind} behind")
        for sent, parked_by in self._parked:
            for consumer in parked_by:
                row = await _parked(at, sent, consumer)
                at.require(bool(row), f"{consumer} has not parked {sent.poison.kind}")
                if row:
                    await self._give_up(at, consumer, row, sent)

    async def _give_up(self, at: Round, consumer: str, row: tuple[str, str], sent: Sent) -> None:
        """As an operator does; it stays in the table with the reason."""
        id_, reason = row
        at.require(reason == sent.poison.reason, f"{consumer} parked {sent.poison.kind} for {reason}")
        path = f"/admin/parked-events/{id_}/discard"
        await at.rig.told("POST", consumer.split(".")[1], path, {"reason": "No event of ours"})


async def _parked(at: Round, sent: Sent, consumer: str) -> tuple[str, str] | None:
    row = await at.rig.pools[consumer.split(".")[1]].fetchrow(
        "SELECT id, reason_code FROM parked_events "
        "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND record_offset = $4",
        consumer,
        sent.subscription.topic.name,
        sent.partition,
        sent.offset,
    )
    return (str(row["id"]), row["reason_code"]) if row else None
