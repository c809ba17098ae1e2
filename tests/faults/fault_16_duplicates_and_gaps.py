"""Topics that hold records again, in another order, and one that has lost a record of one key."""

from abc import abstractmethod
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from tests.faults.fault import Fault, Round
from tests.faults.fault_23_offsets_gone import give_back, trim
from tests.faults.load import NOBODY_DOES
from tests.faults.subscriptions import SUBSCRIPTIONS, Subscription
from tests.kit.eventually import eventually

COPIES = 3
MOST = {"short": 100, "campaign": 1_000, "long": 10_000}
"""Records that come again, each three times, at any distance from their first time that the rig's life allows."""
HOUR = timedelta(hours=1)
"""How late records come by the business's clock, beside those that come at once."""
CHARGES = "SELECT count(*) FROM delivery_events WHERE assignment_id = $1"


def _taker(service: str, topic: str) -> Subscription:
    return next(one for one in SUBSCRIPTIONS if (one.service, one.topic) == (service, topic))


class RecordsComeAgain(Fault):
    number = 16
    injects = (
        f"records of every topic come {COPIES} times more, at once and an hour late, in an order that mixes keys and "
        "versions"
    )
    holds = "each copy is absorbed: what was applied stays applied once, in version order (I3)"

    async def inject(self, at: Round) -> None:
        await at.checker.read()
        known = sorted(at.checker.published.values(), key=lambda one: (one.topic, one.partition, one.offset))
        chosen = at.chance.sample(known, k=min(len(known), MOST[at.scale.name])) * COPIES
        at.chance.shuffle(chosen)
        half = len(chosen) // 2
        await give_back(at, chosen[:half])
        at.rig.pass_time(HOUR)
        await give_back(at, chosen[half:])
        at.note("copies", len(chosen))


class Gap(Fault):
    """One event of a key is lost from its topic while its taker is down; `known` is what that one has before, `later`
    the last of those that follow. It comes back when `late` has passed: at
    once where it is none, as others go on meanwhile.
    """

    number = 16
    holds = "the later ones are parked with an alarm, and heal by themselves when it comes; each is applied once (I3)"
    taker: ClassVar[Subscription]
    known: ClassVar[str]
    lost: ClassVar[str]
    later: ClassVar[str]
    late: ClassVar[timedelta] = HOUR

    @abstractmethod
    async def begin(self, at: Round) -> UUID:
        """The key of something new."""

    @abstractmethod
    async def go_on(self, at: Round, key: UUID) -> None:
        """What tells of it what is lost and what is later."""

    async def inject(self, at: Round) -> None:
        service = self.taker.service
        async with at.rig.hold(service):
            key = await self.begin(at)
            await eventually(lambda: self._has_all(at, key), at.scale.settle_seconds)
            await at.rig.processes[service].kill()
            await self.go_on(at, key)
            lost = await self._lose_the_first(at, key)
            await at.rig.start(service)
            await eventually(lambda: self._waiting(at, key), at.scale.settle_seconds)
            await self._alarms(at)
            if self.late:
                at.rig.pass_time(self.late)
            await give_back(at, lost)
            await eventually(lambda: self._healed(at, key), at.scale.settle_seconds)
            at.note("events behind a gap")

    async def _has_all(self, at: Round, key: UUID) -> bool:
        """The taker has every event of the key that there is, the one that it is to know included."""
        if any(at.checker.committed[event_id].key == _bytes(key) for event_id in await at.checker.read()):
            return False
        known = [one for one in self._records(at, key) if _type_of(one) == self.known]
        return bool(known) and not await at.checker.lags([self.taker])

    async def _lose_the_first(self, at: Round, key: UUID) -> list[ConsumerRecord]:
        """Trims the partition up to and with the lost event; what went with it and is not ours is lost as well."""
        (lost,) = await eventually(lambda: self._to_lose(at, key), at.scale.settle_seconds)
        others = [one for one in SUBSCRIPTIONS if one.topic == self.taker.topic and one is not self.taker]

        async def only_ours_is_behind() -> bool:
            return not await at.checker.lags(others)

        await eventually(only_ours_is_behind, at.scale.settle_seconds)
        settled = await self._settled(at, lost.partition)
        gone = [
            one for one in self._records(at) if one.partition == lost.partition and settled <= one.offset <= lost.offset
        ]
        await trim(at, [lost])
        return gone

    def _records(self, at: Round, key: UUID | None = None) -> list[ConsumerRecord]:
        """Of the topic, or of one key, in the order of their partitions."""
        found = [
            one
            for one in at.checker.published.values()
            if one.topic == self.taker.topic and (key is None or one.key == _bytes(key))
        ]
        return sorted(found, key=lambda one: (one.partition, one.offset))

    async def _to_lose(self, at: Round, key: UUID) -> list[ConsumerRecord]:
        """Once the ones that follow it are in the topic as well."""
        await at.checker.read()
        records = self._records(at, key)
        types = [_type_of(one) for one in records]
        return [records[types.index(self.lost)]] if self.later in types else []

    async def _waiting(self, at: Round, key: UUID) -> list[dict[str, Any]]:
        rows = await at.rig.pools[self.taker.service].fetch(
            "SELECT reason_code FROM parked_events WHERE consumer = $1 AND key = $2 AND state = 'parked'",
            self.taker.consumer,
            _bytes(key),
        )
        reasons = {row["reason_code"] for row in rows}
        at.require(reasons <= {"version_gap"}, f"parked for {reasons}")
        return [dict(row) for row in rows]

    async def _alarms(self, at: Round) -> None:
        async def told() -> bool:
            metrics = await at.rig.running.metrics(self.taker.service)
            return any("parked" in name and value >= 1 for (name, _), value in metrics.items())

        await eventually(told, at.scale.settle_seconds)

    async def _healed(self, at: Round, key: UUID) -> bool:
        return not await self._waiting(at, key)

    async def _settled(self, at: Round, partition: int) -> int:
        """The first offset that the taker has not settled."""
        place = TopicPartition(self.taker.topic, partition)
        admin = AIOKafkaAdminClient(bootstrap_servers=at.rig.bootstrap_servers)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(self.taker.consumer, partitions=[place])
        finally:
            await admin.close()
        return max(0, int(offsets[place].offset))


class OneKeysGap(Gap):
    injects = "one event of an invoice is lost from its topic before a consumer has it, while later ones are there"
    taker = _taker("notifications", "billing.invoices")
    known, lost, later = "invoice.sent", "invoice.payment_recorded", "invoice.paid"
    late = timedelta()

    async def begin(self, at: Round) -> UUID:
        invoice_id = await at.load.boards.invoiced()
        await at.load.boards.send(invoice_id)
        return invoice_id

    async def go_on(self, at: Round, key: UUID) -> None:
        await at.load.boards.mark_paid(key)


class GapInTheQuiet(Gap):
    """No lead comes meanwhile but its own: of a topic that never rests nobody could say that a service has all."""

    is_alone = True

    async def inject(self, at: Round) -> None:
        async with at.load.paused():
            await super().inject(at)


class OneLeadsGap(GapInTheQuiet):
    injects = "a lead's correction is lost from its topic before routing has it, which comes an hour late; it is closed"
    taker = _taker("routing", "intake.leads")
    known, lost, later = "lead.created", "lead.corrected", "lead.closed"

    async def begin(self, at: Round) -> UUID:
        return await at.load.one()

    async def go_on(self, at: Round, key: UUID) -> None:
        place = {"suburb": "Dulwich Hill", "postcode": "2203", "reason_code": "person_told"}
        await at.rig.told("POST", "intake", f"/admin/leads/{key}/corrections", place)
        await at.rig.told("POST", "intake", f"/admin/leads/{key}/close", {"reason_code": "withdrawn"})


class OneAssignmentsGap(GapInTheQuiet):
    injects = "a return is asked for and withdrawn, and intake gets the request an hour after the withdrawal"
    taker = _taker("intake", "routing.assignments")
    known, lost, later = "assignment.sent", "assignment.return_requested", "assignment.return_withdrawn"

    async def begin(self, at: Round) -> UUID:
        key = await _assigned(at)
        await _until_sent(at, key)
        return key

    async def go_on(self, at: Round, key: UUID) -> None:
        await _return_and_withdraw(at, key)


class OneChargesGap(GapInTheQuiet):
    """Whoever mails stands still until billing is down: the lead would have been sent and billed before."""

    injects = (
        "that a lead was sent is lost from its topic before billing has it; meanwhile its return is asked for and "
        "withdrawn, and the charge comes an hour late"
    )
    taker = _taker("billing", "routing.assignments")
    known, lost, later = "assignment.created", "assignment.sent", "assignment.return_withdrawn"
    _key: UUID | None = None

    async def inject(self, at: Round) -> None:
        async with at.rig.hold("notifications"):
            mailer = at.rig.processes["notifications"]
            await mailer.until_ready()
            mailer.pause()
            try:
                await super().inject(at)
            finally:
                mailer.resume()

    async def begin(self, at: Round) -> UUID:
        self._key = await _assigned(at)
        return self._key

    async def go_on(self, at: Round, key: UUID) -> None:
        at.require(not await at.rig.number("billing", CHARGES, key), "the lead was billed before it was sent")
        at.rig.processes["notifications"].resume()
        await _until_sent(at, key)
        await _return_and_withdraw(at, key)

    async def verify(self, at: Round) -> None:
        charges = await at.rig.number("billing", CHARGES, self._key)
        at.require(charges == 1, f"what came late was billed {charges} times")


class OneExceptionsGap(GapInTheQuiet):
    injects = (
        "that somebody has a lead's exception is lost from its topic before intake has it, which comes an hour late; "
        "it is snoozed"
    )
    taker = _taker("intake", "routing.dispatches")
    known, lost, later = (
        "dispatch.exception_raised",
        "dispatch.exception_owner_changed",
        "dispatch.exception_snoozed",
    )

    async def begin(self, at: Round) -> UUID:
        return await at.load.one(NOBODY_DOES)

    async def go_on(self, at: Round, key: UUID) -> None:
        query = "SELECT id FROM dispatch_exceptions WHERE lead_id = $1 AND resolved_at IS NULL"
        (item,) = await at.rig.rows("routing", query, key)
        path = f"/admin/dispatch-exceptions/{item['id']}"
        await at.rig.told("POST", "routing", f"{path}/claim")
        until = at.rig.system.clock.now() + timedelta(days=1)
        await at.rig.told("POST", "routing", f"{path}/snooze", {"until": until.isoformat(), "note": "Rings tomorrow"})


async def _assigned(at: Round) -> UUID:
    """The assignment of a new lead, which may not be sent yet."""
    lead_id = await at.load.one()
    query = "SELECT id FROM assignments WHERE lead_id = $1"
    (made,) = await eventually(lambda: at.rig.rows("routing", query, lead_id), at.scale.settle_seconds)
    return UUID(str(made["id"]))


async def _until_sent(at: Round, assignment_id: UUID) -> None:
    query = "SELECT id FROM assignments WHERE id = $1 AND status = 'sent'"
    await eventually(lambda: at.rig.rows("routing", query, assignment_id), at.scale.settle_seconds)


async def _return_and_withdraw(at: Round, assignment_id: UUID) -> None:
    return_id = str(uuid4())
    asked = {"id": return_id, "code": "outside_criteria", "words": "A flat without a roof of its own"}
    await at.rig.told("POST", "routing", f"/admin/assignments/{assignment_id}/returns", asked)
    # Accepted it would go to another installer, and an exclusive lead that is billed twice is wrong to who checks.
    await at.rig.told("POST", "routing", f"/admin/returns/{return_id}/withdraw")


def _bytes(key: UUID) -> bytes:
    return str(key).encode()


def _type_of(record: ConsumerRecord) -> str:
    return str(dict(record.headers)["ce_type"].decode())
