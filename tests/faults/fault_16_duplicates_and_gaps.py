"""Topics that hold records again, in another order, and one that has lost a record of one key."""

from typing import Any
from uuid import UUID

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from tests.faults.fault import Fault, Round
from tests.faults.fault_23_offsets_gone import give_back, trim
from tests.faults.subscriptions import SUBSCRIPTIONS
from tests.kit.eventually import eventually

COPIES = 3
MOST = {"short": 100, "campaign": 1_000, "long": 10_000}
"""Records that come again, each three times, at any distance from their first time that the rig's life allows."""
INVOICES = "billing.invoices"
TAKER = next(one for one in SUBSCRIPTIONS if one.service == "notifications" and one.topic == INVOICES)


class RecordsComeAgain(Fault):
    number = 16
    injects = f"records of every topic come {COPIES} times more, late, and in an order that mixes keys and versions"
    holds = "each copy is absorbed: what was applied stays applied once, in version order (I3)"

    async def inject(self, at: Round) -> None:
        await at.checker.read()
        known = sorted(at.checker.published.values(), key=lambda one: (one.topic, one.partition, one.offset))
        chosen = at.chance.sample(known, k=min(len(known), MOST[at.scale.name])) * COPIES
        at.chance.shuffle(chosen)
        await give_back(at, chosen)
        at.note("copies", len(chosen))


class OneKeysGap(Fault):
    number = 16
    injects = "one event of an invoice is lost from its topic before a consumer has it, while later ones are there"
    holds = "the later ones are parked with an alarm, and heal by themselves when it comes; each is applied once (I3)"

    async def inject(self, at: Round) -> None:
        async with at.rig.hold("notifications"):
            invoice_id = await at.load.boards.invoiced()
            await at.load.boards.send(invoice_id)
            await eventually(lambda: self._has_all(at, invoice_id), at.scale.settle_seconds)
            await at.rig.processes["notifications"].kill()
            await at.load.boards.mark_paid(invoice_id)
            lost = await self._lose_the_first(at, invoice_id)
            await at.rig.start("notifications")
            await eventually(lambda: self._waiting(at, invoice_id), at.scale.settle_seconds)
            await self._alarms(at)
            await give_back(at, lost)
            await eventually(lambda: self._healed(at, invoice_id), at.scale.settle_seconds)
            at.note("events behind a gap")

    async def _has_all(self, at: Round, invoice_id: UUID) -> bool:
        """The taker has every event of the invoice that there is, the one that tells of its mail included."""
        key = str(invoice_id).encode()
        if any(at.checker.committed[event_id].key == key for event_id in await at.checker.read()):
            return False
        sent = [one for one in await self._records(at, invoice_id) if _type_of(one) == "invoice.sent"]
        return bool(sent) and not await at.checker.lags([TAKER])

    async def _lose_the_first(self, at: Round, invoice_id: UUID) -> list[ConsumerRecord]:
        """Trims the partition up to and with the payment's event; what went with it and is not ours is lost as well."""
        (paid,) = await eventually(lambda: self._payment(at, invoice_id), at.scale.settle_seconds)
        others = [one for one in SUBSCRIPTIONS if one.topic == INVOICES and one is not TAKER]

        async def only_ours_is_behind() -> bool:
            return not await at.checker.lags(others)

        await eventually(only_ours_is_behind, at.scale.settle_seconds)
        settled = await _settled(at, paid.partition)
        lost = [
            one
            for one in await self._records(at)
            if one.partition == paid.partition and settled <= one.offset <= paid.offset
        ]
        await trim(at, [paid])
        return lost

    async def _records(self, at: Round, invoice_id: UUID | None = None) -> list[ConsumerRecord]:
        """Of the topic, or of one invoice, in the order of their partitions."""
        found = [
            one
            for one in at.checker.published.values()
            if one.topic == INVOICES and (invoice_id is None or one.key == str(invoice_id).encode())
        ]
        return sorted(found, key=lambda one: (one.partition, one.offset))

    async def _payment(self, at: Round, invoice_id: UUID) -> list[ConsumerRecord]:
        """Once the one that follows it is in the topic as well."""
        await at.checker.read()
        records = await self._records(at, invoice_id)
        types = [_type_of(one) for one in records]
        if "invoice.paid" not in types:
            return []
        return [records[types.index("invoice.payment_recorded")]]

    async def _waiting(self, at: Round, invoice_id: UUID) -> list[dict[str, Any]]:
        rows = await at.rig.pools["notifications"].fetch(
            "SELECT reason_code FROM parked_events WHERE consumer = $1 AND key = $2 AND state = 'parked'",
            TAKER.consumer,
            str(invoice_id).encode(),
        )
        reasons = {row["reason_code"] for row in rows}
        at.require(reasons <= {"version_gap"}, f"parked for {reasons}")
        return [dict(row) for row in rows]

    async def _alarms(self, at: Round) -> None:
        async def told() -> bool:
            metrics = await at.rig.running.metrics("notifications")
            return any("parked" in name and value >= 1 for (name, _), value in metrics.items())

        await eventually(told, at.scale.settle_seconds)

    async def _healed(self, at: Round, invoice_id: UUID) -> bool:
        return not await self._waiting(at, invoice_id)


def _type_of(record: ConsumerRecord) -> str:
    return str(dict(record.headers)["ce_type"].decode())


async def _settled(at: Round, partition: int) -> int:
    """The first offset that the taker has not settled."""
    place = TopicPartition(INVOICES, partition)
    admin = AIOKafkaAdminClient(bootstrap_servers=at.rig.bootstrap_servers)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(TAKER.consumer, partitions=[place])
    finally:
        await admin.close()
    return max(0, int(offsets[place].offset))
