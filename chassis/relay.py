"""The relay: publishes the pending set of one shard in order, and deletes what the broker has acknowledged.

One is active per shard, guarded by an advisory lock of the very session that deletes: whoever loses the session
loses the lock and can delete nothing more. Two relays that overlap for a moment each send in order, so that the
first occurrence of every event of a key keeps its order; the second occurrence is the inbox's to absorb.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic

import structlog
from aiokafka.errors import KafkaError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.event_metrics import OUTBOX_AGE_SECONDS, OUTBOX_DEPTH, RELAY_FAULTS, RELAY_LEADS
from chassis.pacing import Pace
from chassis.pending import LOST, READ_BYTES, PendingSet, Shard
from chassis.publishing import PendingRow, Producer, ProducerFactory, Publisher, Unsendable

log = structlog.get_logger(__name__)

IDLE_SECONDS = (0.002, 0.1)
"""Between two looks into the outbox: after an event of another process, and after a second without. Commits of this
process announce theirs."""
FAULT_SECONDS = (0.1, 5.0)
STANDBY_SECONDS = 0.25

_DEPTH = text("SELECT count(*), extract(epoch FROM now() - min(created_at)) FROM outbox")


class Relay:
    """Runs until stopped; `wake` cuts the wait for the next poll short.

    `batch_size` is what one read takes; twice as many may be under way at once.
    """

    def __init__(self, dsn: str, shard: Shard, producer_factory: ProducerFactory, batch_size: int = 1_000) -> None:
        self._dsn = dsn
        self.shard = shard
        self._make_producer = producer_factory
        self._batch_size = batch_size
        self._woken = asyncio.Event()
        self._pace = Pace(*IDLE_SECONDS)
        self._stopped = asyncio.Event()
        self._stopping = False
        self._blocked: set[tuple[str, bytes]] = set()
        self.last_progress = monotonic()
        self.is_leading = False

    @property
    def name(self) -> str:
        return f"relay-{self.shard.number}"

    def wake(self) -> None:
        self._pace.announce()
        self._woken.set()

    def stop(self) -> None:
        """What is under way ends first: what was sent is deleted."""
        self._stopping = True
        self._stopped.set()
        self._woken.set()

    async def run(self) -> None:
        """Leads while it can; a lost database or broker is tried again for ever, with growing pauses."""
        wait = FAULT_SECONDS[0]
        while not self._stopping:
            started = monotonic()
            try:
                await self._lead()
            except (*LOST, KafkaError) as fault:
                RELAY_FAULTS.labels(type(fault).__name__).inc()
                log.warning("relay_fault", shard=self.shard.number, fault=type(fault).__name__)
                self.last_progress = monotonic()
                wait = FAULT_SECONDS[0] if monotonic() - started > FAULT_SECONDS[1] else wait
                await self._pause(wait)
                wait = min(FAULT_SECONDS[1], wait * 2)

    async def _lead(self) -> None:
        pending = await PendingSet.open(self._dsn, self.shard)
        try:
            if await self._take_shard(pending):
                self._set_leading(True)
                self._blocked = await pending.blocked_lanes()
                while not self._stopping:
                    await self._publish(pending)
        finally:
            self._set_leading(False)
            await pending.close()

    async def _take_shard(self, pending: PendingSet) -> bool:
        while not self._stopping:
            if await pending.take_shard():
                return True
            self.last_progress = monotonic()
            await self._pause(STANDBY_SECONDS)
        return False

    async def _publish(self, pending: PendingSet) -> None:
        """With one producer, until stopped or until the broker refuses an event for good, which is then parked."""
        async with self._publisher() as publisher:
            try:
                await self._publish_until_refused(pending, publisher)
            finally:
                # Whatever ended it: what is acknowledged need not go out a second time.
                await _delete_acknowledged(pending, publisher)
        if publisher.refused:
            await self._publish_one_by_one(pending, publisher.refused)

    async def _publish_until_refused(self, pending: PendingSet, publisher: Publisher) -> None:
        # What the last producer had in flight is read anew.
        self._pace.announce()
        while True:
            # Cleared before the read: a commit after it wakes the next wait, never none.
            self._woken.clear()
            if publisher.refused:
                return await publisher.settle()
            if publisher.fault is not None:
                raise publisher.fault
            deleted, found = await self._delete_and_read(pending, publisher)
            rows = await self._without_blocked(pending, found)
            await pending.reclaim()
            await publisher.submit(rows)
            self.last_progress = monotonic()
            if self._stopping and not publisher.in_flight:
                return None
            if not rows and not deleted:
                # Without room, what ends the wait is an acknowledgement.
                await self._rest(self._pace.wait_seconds() if self._may_read(publisher) else IDLE_SECONDS[1])

    async def _delete_and_read(self, pending: PendingSet, publisher: Publisher) -> tuple[int, Sequence[PendingRow]]:
        """How many were deleted, as they are acknowledged, and what comes next: the server does both at once."""
        if not publisher.has_acknowledged:
            return 0, await self._read(pending, publisher) if self._pace.is_due else []
        # Due or not: who commits while this deletes is not to wait for it.
        reading = asyncio.create_task(self._read(pending, publisher))
        try:
            return await _delete_acknowledged(pending, publisher), await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, pending: PendingSet, publisher: Publisher) -> Sequence[PendingRow]:
        """Half of what may be under way, once there is room for so many: reading is cheapest by the thousand."""
        if not self._may_read(publisher):
            return []
        with self._pace.look() as look:
            rows = await pending.read(self._batch_size, publisher.in_flight)
            look.found, look.left_some = bool(rows), pending.has_more
        return rows

    def _may_read(self, publisher: Publisher) -> bool:
        has_room = len(publisher.in_flight) <= self._batch_size and publisher.bytes_in_flight <= READ_BYTES
        return has_room and not self._stopping

    async def _without_blocked(self, pending: PendingSet, rows: Sequence[PendingRow]) -> Sequence[PendingRow]:
        """Parks what comes behind a parked event; what a replay has just freed is read again, in its order."""
        if not self._blocked or not rows:
            return rows
        # Only the leader parks, so that nothing is blocked unknown to it; a replay may have freed some. Its rows, which
        # go first, may have come after these were read.
        known, self._blocked = self._blocked, await pending.blocked_lanes()
        free: list[PendingRow] = []
        for row in rows:
            lane = (row[2], row[3])
            if lane not in known:
                free.append(row)
            elif lane not in self._blocked or not await pending.park_behind(row):
                self._pace.announce()
        return free

    async def _publish_one_by_one(self, pending: PendingSet, rows: Sequence[PendingRow]) -> None:
        """Finds the event that the broker refuses for good, parks it, and goes on with those behind it."""
        for row in await self._without_blocked(pending, rows):
            if (row[2], row[3]) in self._blocked:
                await pending.park_behind(row)
                continue
            try:
                async with self._publisher() as publisher:
                    await publisher.send_alone(row)
                await pending.delete([row])
            except Unsendable as refusal:
                await pending.park(row, refusal.reason, refusal.detail)
                self._blocked.add((row[2], row[3]))

    @asynccontextmanager
    async def _publisher(self) -> AsyncIterator[Publisher]:
        """With a producer of its own: after an error a producer's sequence numbers are in doubt."""
        producer = self._make_producer()
        try:
            await producer.start()
            publisher = Publisher(producer, self._woken.set)
            try:
                yield publisher
            finally:
                await publisher.close()
        finally:
            await _stop(producer)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)

    async def _pause(self, seconds: float) -> None:
        """Not cut short by a wake: a commit makes no standby a leader, and brings no broker back."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)

    def _set_leading(self, leads: bool) -> None:
        self.is_leading = leads
        RELAY_LEADS.labels(str(self.shard.number)).set(leads)


async def _delete_acknowledged(pending: PendingSet, publisher: Publisher) -> int:
    acknowledged = publisher.take_acknowledged()
    await pending.delete(acknowledged)
    publisher.forget(acknowledged)
    return len(acknowledged)


async def _stop(producer: Producer) -> None:
    with suppress(KafkaError, OSError, TimeoutError):
        await asyncio.wait_for(producer.stop(), 5)


async def measure_outbox(session: AsyncSession) -> None:
    """Depth and age of the pending set, for the gauges."""
    depth, age_seconds = (await session.execute(_DEPTH)).one()
    OUTBOX_DEPTH.set(depth)
    OUTBOX_AGE_SECONDS.set(age_seconds or 0)
