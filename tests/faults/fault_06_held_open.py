"""Transactions that are held open while others go by."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from statistics import quantiles
from time import monotonic
from uuid import UUID

from sqlalchemy import text

from chassis.outbox import write_pending
from tests.faults.client_stream import ClientStream, client_stream, held_snapshot
from tests.faults.fault import Fault, Round
from tests.kit.eventually import eventually

EVENTS_PER_SECOND = {"short": 200, "campaign": 400, "long": 800}
BURST = {"short": 500, "campaign": 4_000, "long": 4_000}
LONG_HOLD_SECONDS = 300
LARGEST_GROWTH = 1.2
WARM_UP_SECONDS = 1

SIZE = """
    SELECT pg_total_relation_size('outbox') + coalesce(
        (SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'outbox'::regclass), 0)
"""
WRITTEN = "SELECT event_id, extract(epoch FROM written_at)::float8 AS at FROM witness.events WHERE seq > $1"
LAST = "SELECT coalesce(max(seq), 0) FROM witness.events"


@dataclass(frozen=True, slots=True)
class Measured:
    """Latency is from the write to the producer's sending; `size_bytes` is of the outbox with its indexes."""

    events: int
    p50_seconds: float
    p99_seconds: float
    drain_per_second: float
    size_bytes: int


class HeldOpen(Fault):
    """What both have in common: the same stream and the same burst without and with what is held, compared."""

    number = 6
    is_alone = True

    async def inject(self, at: Round) -> None:
        async with at.load.paused(), client_stream(at.rig, at.chance) as stream:
            # The first time everything is slower.
            await self._measure(at, stream, WARM_UP_SECONDS, set())
            without = await self._measure(at, stream, min(at.scale.hold_seconds, 30), set())
            async with self._held(at, stream) as late:
                held = await self._measure(at, stream, at.scale.hold_seconds, late)
        at.ratios["latency p50"] = held.p50_seconds / without.p50_seconds
        at.ratios["latency p99"] = held.p99_seconds / without.p99_seconds
        at.ratios["drain rate"] = held.drain_per_second / without.drain_per_second
        at.ratios["table size"] = held.size_bytes / max(1, without.size_bytes)
        at.note("events while it was held", held.events)
        if at.scale.hold_seconds >= LONG_HOLD_SECONDS:
            growth = at.ratios["table size"]
            at.require(growth <= LARGEST_GROWTH, f"the outbox grew to {growth:.1f} times its size")

    @abstractmethod
    def _held(self, at: Round, stream: ClientStream) -> AbstractAsyncContextManager[set[bytes]]:
        """Gives the keys whose events can come at the end of the block alone."""

    async def _measure(self, at: Round, stream: ClientStream, seconds: float, late: set[bytes]) -> Measured:
        start = await at.rig.number("intake", LAST)
        events = await stream.run(seconds, EVENTS_PER_SECOND[at.scale.name])
        await self._all_published(at, late)
        latencies = await self._latencies(at, start)
        began = monotonic()
        burst = BURST[at.scale.name]
        await stream.burst(burst)
        await self._all_published(at, late)
        drain_per_second = burst / (monotonic() - began)
        cuts = quantiles(latencies, n=100)
        return Measured(events, cuts[49], cuts[98], drain_per_second, await at.rig.number("intake", SIZE))

    async def _all_published(self, at: Round, late: set[bytes]) -> None:
        """All but those that are held: whatever is held keeps nobody else waiting."""

        async def published() -> bool:
            return not {at.checker.committed[id_].key for id_ in await at.checker.read()} - late

        await eventually(published, at.scale.settle_seconds)

    async def _latencies(self, at: Round, start: int) -> list[float]:
        rows = await at.rig.pools["intake"].fetch(WRITTEN, start)
        written: dict[UUID, float] = {row["event_id"]: row["at"] for row in rows}
        return [
            at.checker.published[event_id].timestamp / 1_000 - seconds
            for event_id, seconds in written.items()
            if event_id in at.checker.published
        ]


class HeldWriter(HeldOpen):
    injects = "a transaction that has written an event is held open while others are written, in the long form 800/s"
    holds = "the others are published as ever, its own when it commits (I2); the outbox does not grow"

    @asynccontextmanager
    async def _held(self, at: Round, stream: ClientStream) -> AsyncIterator[set[bytes]]:
        """Of a client that the stream leaves alone from now on, as its row is locked."""
        client, *stream.clients = stream.clients
        async with stream.database.transaction() as session:
            # A service's session would be ended after a minute of this.
            await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            await stream.change(session, [client])
            # What the unit of work does last, before its COMMIT.
            await session.run_sync(write_pending)
            yield {str(client).encode()}


class HeldSnapshot(HeldOpen):
    injects = "a snapshot is held open, so that no dead row can go, while events are written as fast"
    holds = "events are published as ever (I2); the outbox does not grow"

    @asynccontextmanager
    async def _held(self, at: Round, stream: ClientStream) -> AsyncIterator[set[bytes]]:
        async with held_snapshot(at.rig, "intake"):
            yield set()
