"""The consumer runtime: a batch in one transaction with its inbox and outbox rows; what fails is parked by its key.

Order within a key is kept whatever happens: once one event of a key waits, all later ones of that key wait behind it.
The caller commits the offsets when `process` has returned; it never returns before every record is applied, seen
before, ignored or parked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import inbox, parking, positions
from chassis.causation import Cause, caused_by
from chassis.consumer import Consumer
from chassis.database import Database
from chassis.errors import Refusal
from chassis.event_metrics import BATCH_SECONDS, BATCH_SIZE, PARKED, RETRIES, SEEN
from chassis.faults import is_passing
from chassis.ordering import sort, waves
from chassis.pacing import Patience
from chassis.parking import BEHIND, Parking
from chassis.positions import Position
from chassis.records import Arrival, Lane, Record, Suspect, decode
from chassis.telemetry.traces import consumed
from contracts.envelope import Event, Incoming

HandOver = Callable[[AsyncSession, list[Arrival]], Awaitable[int]]
log = structlog.get_logger(__name__)


class Stopping(Exception):
    """The process is to end: what is not committed will be delivered again."""


@dataclass
class ConsumerRuntime:
    """Applies batches of one consumer. Not re-entrant: one batch at a time."""

    name: str
    consumer: Consumer
    database: Database
    max_event_bytes: int = 512 * 1024
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        self._handlers = self.consumer.by_type()
        self._topic = self.consumer.topic.name
        self.has_versions = not self.consumer.topic.compacted
        self._stop = asyncio.Event()
        self.last_progress = monotonic()
        self.is_busy = False

    def stop(self) -> None:
        """Waits between tries end at once; a running transaction is left to finish."""
        self._stop.set()

    async def process(self, records: Sequence[Record]) -> None:
        """Settles every record of the batch, in order per key. Raises Stopping alone, with nothing half-done."""
        if self._stop.is_set():
            # The batch before may have been given up: one that comes after it must not have its offsets committed.
            raise Stopping
        started = monotonic()
        self.is_busy = True
        try:
            await self._settle([decode(record, self._handlers, self.max_event_bytes) for record in records])
        finally:
            self.is_busy = False
        self.last_progress = monotonic()
        BATCH_SIZE.labels(self._topic).observe(len(records))
        BATCH_SECONDS.labels(self._topic).observe(self.last_progress - started)

    async def _settle(self, arrivals: list[Arrival]) -> None:
        suspects: dict[Lane, Suspect] = {}
        await self._apply(arrivals, suspects)
        for attempt in range(1, self.patience.attempts):
            if not any(self._deserves_another_try(suspect) for suspect in suspects.values()):
                break
            await self._pause(attempt, "handler")
            suspects = await self._try_again(suspects)
        await self._park(await self._without_last_resort(suspects))

    async def _apply(self, arrivals: list[Arrival], suspects: dict[Lane, Suspect]) -> None:
        """All in one transaction; where that fails, by halves, until the events that fail stand alone in `suspects`."""
        arrivals = _not_behind(arrivals, suspects)
        if not arrivals:
            return
        fault = await self._attempt_patiently(arrivals)
        if fault is None:
            return
        if len(arrivals) == 1:
            arrivals[0].attempts += 1
            suspects[arrivals[0].lane] = Suspect(fault, arrivals)
            return
        middle = len(arrivals) // 2
        await self._apply(arrivals[:middle], suspects)
        await self._apply(arrivals[middle:], suspects)

    async def _attempt_patiently(self, arrivals: list[Arrival], hand_over: HandOver | None = None) -> Exception | None:
        """Tries until it succeeds or fails for a reason of its own, which is returned."""
        attempt = 0
        while True:
            try:
                await self._attempt(arrivals, hand_over or self.hand_over)
            except Exception as fault:
                if not is_passing(fault):
                    log.info("batch_failed", consumer=self.name, events=len(arrivals), fault=type(fault).__name__)
                    return fault
                attempt += 1
                log.warning("database_away", consumer=self.name, attempt=attempt, fault=type(fault).__name__)
                await self._pause(attempt, "database")
            else:
                return None

    async def _attempt(self, arrivals: list[Arrival], hand_over: HandOver) -> None:
        async with self.database.transaction() as session:
            sorting = sort(
                arrivals, await self._blocked_for_good(session, arrivals), await self._read(session, arrivals)
            )
            await parking.park(session, self.name, sorting.held)
            handled = [arrival for arrival in sorting.flowing if arrival.incoming]
            fresh = await self._claim(session, handled)
            applied = await hand_over(session, fresh)
            await positions.advance(session, self.name, sorting.reached)
        self._count("applied", applied)
        self._count("ignored", len(sorting.flowing) - len(handled))
        self._count("duplicate", len(handled) - applied + sorting.duplicates)
        self._count_parked(sorting.held)

    async def _read(self, session: AsyncSession, arrivals: list[Arrival]) -> dict[bytes, Position] | None:
        if not self.has_versions:
            return None
        keys = {arrival.record.key for arrival in arrivals if arrival.record.key is not None}
        return await positions.read(session, self.name, keys)

    async def _claim(self, session: AsyncSession, arrivals: list[Arrival]) -> list[Arrival]:
        """The fresh ones, each once: a batch can hold the same event twice."""
        if not arrivals:
            return []
        ids = {envelope.id for arrival in arrivals if (envelope := arrival.envelope)}
        left = await inbox.claim(session, self.name, ids)
        if len(left) == len(arrivals):
            return arrivals
        fresh: list[Arrival] = []
        for arrival in arrivals:
            if arrival.envelope and arrival.envelope.id in left:
                left.discard(arrival.envelope.id)
                fresh.append(arrival)
        return fresh

    async def _blocked_for_good(
        self, session: AsyncSession, arrivals: list[Arrival]
    ) -> Mapping[tuple[str, bytes], bool]:
        """Asks again under the lanes' locks: a replay may just be emptying one of them."""
        blocked = await parking.blocked_lanes(session, self.name, arrivals)
        if blocked:
            await parking.lock_lanes(session, self.name, blocked)
            blocked = await parking.blocked_lanes(session, self.name, arrivals)
        return blocked

    async def hand_over(self, session: AsyncSession, arrivals: list[Arrival]) -> int:
        for type_, batch in waves(arrivals):
            # One event has one cause; a handler that takes many gives each event's cause itself.
            with consumed(self.name, batch) as traced, caused_by(_only_cause(traced)):
                await self._handlers[type_](session, traced)
        return len(arrivals)

    def _deserves_another_try(self, suspect: Suspect) -> bool:
        return not isinstance(suspect.fault, Refusal)

    async def _try_again(self, suspects: dict[Lane, Suspect]) -> dict[Lane, Suspect]:
        """Each lane alone: its first event, then those that waited behind it."""
        still: dict[Lane, Suspect] = {}
        for lane, suspect in suspects.items():
            if not self._deserves_another_try(suspect):
                still[lane] = suspect
                continue
            head, *behind = suspect.arrivals
            await self._apply([head], still)
            await self._apply(behind, still)
        return still

    async def _without_last_resort(self, suspects: dict[Lane, Suspect]) -> dict[Lane, Suspect]:
        """Those that are still to be parked; what waited behind the others has gone its way."""
        left: dict[Lane, Suspect] = {}
        for lane, suspect in suspects.items():
            if not await self._resort(suspect):
                left[lane] = suspect
            elif len(suspect.arrivals) > 1:
                await self._settle(suspect.arrivals[1:])
        return left

    async def _resort(self, suspect: Suspect) -> bool:
        """Whether the first event was seen to in another way."""
        arrival, fault = suspect.arrivals[0], suspect.fault
        resort = self.consumer.last_resorts.get(type(arrival.incoming.event)) if arrival.incoming else None
        if resort is None:
            return False

        async def hand_over(session: AsyncSession, arrivals: list[Arrival]) -> int:
            for each in arrivals:
                if each.incoming:
                    with caused_by(Cause.of(each.incoming.envelope)):
                        await resort(session, each.incoming, fault)
            return len(arrivals)

        own_fault = await self._attempt_patiently([arrival], hand_over)
        log.error("last_resort", consumer=self.name, fault=type(fault).__name__, has_helped=own_fault is None)
        return own_fault is None

    async def _park(self, suspects: dict[Lane, Suspect]) -> None:
        if not suspects:
            return
        attempt = 0
        while True:
            try:
                await self._park_once(suspects)
            except Exception as fault:
                if not is_passing(fault):
                    raise
                attempt += 1
                await self._pause(attempt, "database")
            else:
                return

    async def _park_once(self, suspects: dict[Lane, Suspect]) -> None:
        parkings = [p for suspect in suspects.values() for p in _parkings(suspect)]
        ids = [p.arrival.incoming.envelope.id for p in parkings if p.arrival.incoming]
        async with self.database.transaction() as session:
            # Another member of the group may have applied it since: then there is nothing to wait for.
            seen = await inbox.seen(session, self.name, ids)
            unseen = [p for p in parkings if not p.arrival.incoming or p.arrival.incoming.envelope.id not in seen]
            await parking.park(session, self.name, unseen)
        self._count("duplicate", len(parkings) - len(unseen))
        self._count_parked(unseen)

    async def _pause(self, attempt: int, reason: str) -> None:
        RETRIES.labels(self._topic, reason).inc()
        # Trying again is progress: ending a process does not bring a database back.
        self.last_progress = monotonic()
        try:
            await asyncio.wait_for(self._stop.wait(), self.patience.delay(attempt))
        except TimeoutError:
            return
        raise Stopping

    def _count(self, outcome: str, number: int) -> None:
        if number:
            SEEN.labels(self._topic, outcome).inc(number)

    def _count_parked(self, parkings: list[Parking]) -> None:
        self._count("parked", len(parkings))
        for parked in parkings:
            record = parked.arrival.record
            PARKED.labels(self._topic, parked.reason_code).inc()
            log.error(
                "event_parked",
                consumer=self.name,
                reason=parked.reason_code,
                partition=record.partition,
                offset=record.offset,
                event_id=str(parked.arrival.envelope.id) if parked.arrival.envelope else None,
            )


def _only_cause(batch: Sequence[Incoming[Event]]) -> Cause | None:
    return Cause.of(batch[0].envelope) if len(batch) == 1 else None


def _not_behind(arrivals: list[Arrival], suspects: dict[Lane, Suspect]) -> list[Arrival]:
    """Sends those whose lane has failed to wait there; returns the others."""
    free: list[Arrival] = []
    for arrival in arrivals:
        suspect = suspects.get(arrival.lane)
        if suspect is None:
            free.append(arrival)
        else:
            suspect.arrivals.append(arrival)
    return free


def _parkings(suspect: Suspect) -> list[Parking]:
    fault = suspect.fault
    code = fault.code if isinstance(fault, Refusal) else "handler_failed"
    # A refusal's sentence is written for people; any other message may hold a value, so its type alone is kept.
    detail = fault.detail if isinstance(fault, Refusal) else type(fault).__name__
    head, *behind = suspect.arrivals
    return [Parking(head, code, detail), *(Parking(arrival, BEHIND) for arrival in behind)]
