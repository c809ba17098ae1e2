"""The independent reader: proves I1 to I8 over databases, topics and Stripe, and says what it saw.

Connections of its own; no line of the services or the chassis. Each check reads what is new since the one before and
holds it against everything known so far, so that a campaign of a thousand kills is checked after every round.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from aiokafka import ConsumerRecord
from msgspec import msgpack

from tests.faults.effects import EFFECTS, NOTHING
from tests.faults.facts import AGGREGATES, FACTS
from tests.faults.log_reader import LogReader
from tests.faults.subscriptions import SUBSCRIPTIONS, Subscription
from tests.faults.witness import APPLIED, EVENTS

SHOWN = 3
"""Examples of what does not hold."""

READING_SECONDS = 0.1
"""No oftener than that: a reading costs the servers that are under load."""

Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Committed:
    """An event as the witness saw it."""

    service: str
    topic: str
    key: bytes
    headers: tuple[tuple[str, bytes | None], ...]
    body: bytes
    type: str
    version: int


@dataclass
class Verdict:
    """What does not hold, by invariant, and what was seen."""

    broken: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def refuse(self, invariant: str, what: str, examples: Iterable[Any]) -> None:
        found = list(examples)
        if found:
            self.broken.append(f"{invariant}: {len(found)} {what}: {', '.join(map(str, found[:SHOWN]))}")

    def __str__(self) -> str:
        return ", ".join(f"{name} {count:,}" for name, count in self.seen.items())


@dataclass
class Checker:
    """`injected` are places of records that a test put into a topic itself, and who has to park each."""

    pools: Mapping[str, asyncpg.Pool]
    log: LogReader
    client: httpx.AsyncClient
    stripe_url: str
    injected: dict[Place, frozenset[str]] = field(default_factory=dict)
    committed: dict[UUID, Committed] = field(default_factory=dict)
    published: dict[UUID, ConsumerRecord] = field(default_factory=dict)
    """First occurrences."""
    applied: dict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    """By consumer."""
    duplicates: Counter[str] = field(default_factory=Counter)
    """Records that came again, by the service whose they are."""
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _began: float = float("-inf")
    _unpublished: set[UUID] = field(default_factory=set)
    _found: Verdict = field(default_factory=Verdict)
    """What was seen not to hold while reading."""
    _last_version: dict[tuple[str, bytes], int] = field(default_factory=dict)
    _last_applied: dict[tuple[str, str, bytes], int] = field(default_factory=dict)

    async def read(self) -> set[UUID]:
        """Reads on; returns the events that are committed, not published, and not parked by their relay.

        One reading at a time, which serves all who asked before it began: many wait for something at once.
        """
        asked = monotonic()
        async with self._reading:
            if self._began <= asked:
                await asyncio.sleep(self._began + READING_SECONDS - monotonic())
                self._began = monotonic()
                self._unpublished = await self._read_on()
            return self._unpublished

    @property
    def moved(self) -> int:
        """How many times something was committed or applied, as far as it was read."""
        return len(self.committed) + sum(map(len, self.applied.values()))

    async def lags(self, subscriptions: Iterable[Subscription] = SUBSCRIPTIONS) -> dict[str, int]:
        """Records that a consumer has not settled, by consumer; who has none is left out."""
        async with self._reading:
            return await self.log.lags([(one.consumer, one.topic) for one in subscriptions])

    async def _read_on(self) -> set[UUID]:
        # The topics first: what is in them was committed before, so that its witness is there to be read.
        records = await self.log.fresh()
        for service, pool in self.pools.items():
            self._note_committed(service, await pool.fetch(EVENTS))
        for record in records:
            self._note_record(record)
        for pool in self.pools.values():
            self._note_applied(await pool.fetch(APPLIED))
        return self.committed.keys() - self.published.keys() - await self._refused_by_the_broker()

    def take_found(self) -> Verdict:
        """What was seen not to hold since this was asked last."""
        found, self._found = self._found, Verdict()
        return found

    async def check(self, answers: Mapping[str, set[str]]) -> Verdict:
        """`answers` are the ids that each submission got with a 2xx."""
        unpublished = await self.read()
        verdict = self.take_found()
        verdict.refuse("I2", "events that are in no topic", unpublished)
        verdict.seen.update(
            {
                "committed": len(self.committed),
                "published": len(self.published),
                "published again": self.duplicates.total(),
                "applied": sum(map(len, self.applied.values())),
            }
        )
        await self._every_fact_has_its_event(verdict)
        await self._every_version_has_its_event(verdict)
        for subscription in SUBSCRIPTIONS:
            await self._every_event_is_settled(verdict, subscription)
        self._nobody_else_applied(verdict)
        await self._every_effect_is_there_once(verdict)
        await self._nothing_is_found(verdict)
        await self._money_is_the_same_at_stripe(verdict)
        await self._every_answer_has_its_row(verdict, answers)
        return verdict

    # --- reading

    def _note_committed(self, service: str, rows: list[asyncpg.Record]) -> None:
        for row in rows:
            event = _committed(service, row)
            # A replay from the parked events commits the same event once more.
            if self.committed.setdefault(row["event_id"], event) != event:
                self._found.refuse("I1", "events with other bytes under one id", [row["event_id"]])

    async def _refused_by_the_broker(self) -> set[UUID]:
        query = "SELECT event_id FROM parked_events WHERE consumer = 'relay' AND state <> 'replayed'"
        return {row["event_id"] for pool in self.pools.values() for row in await pool.fetch(query)}

    def _note_record(self, record: ConsumerRecord) -> None:
        """First occurrences in version order; whatever comes again is the same to the byte."""
        place = (record.topic, record.partition, record.offset)
        if place in self.injected:
            return
        event_id = _id_of(record)
        event = self.committed.get(event_id) if event_id else None
        if event is None or event_id is None:
            self._found.refuse("I2", "records that nobody committed", [place])
            return
        if not _is_same(event, record):
            self._found.refuse("I2", "records that differ from what was committed", [place])
        if event_id in self.published:
            self.duplicates[event.service] += 1
            return
        self.published[event_id] = record
        self._note_order(event, place)

    def _note_order(self, event: Committed, place: Place) -> None:
        lane = (event.topic, event.key)
        if event.version <= self._last_version.get(lane, 0):
            self._found.refuse("I2", "events published after a later version of their key", [(*place, event.version)])
        self._last_version[lane] = max(event.version, self._last_version.get(lane, 0))

    def _note_applied(self, rows: list[asyncpg.Record]) -> None:
        """Transactions apply the versions of a key in order; within one the order is its handler's."""
        by_transaction: dict[str, list[asyncpg.Record]] = defaultdict(list)
        for row in rows:
            by_transaction[row["transaction"]].append(row)
        for batch in by_transaction.values():
            self._note_batch(batch)

    def _note_batch(self, batch: list[asyncpg.Record]) -> None:
        reached: dict[tuple[str, str, bytes], int] = {}
        for row in batch:
            consumer, event_id = row["consumer"], row["event_id"]
            if event_id in self.applied[consumer]:
                self._found.refuse("I3", "events applied twice", [(consumer, event_id)])
            self.applied[consumer].add(event_id)
            event = self.committed.get(event_id)
            if event is None:
                continue
            lane = (consumer, event.topic, event.key)
            if event.version < self._last_applied.get(lane, 0):
                self._found.refuse("I3", "events applied after a later version", [(consumer, event_id, event.version)])
            reached[lane] = max(event.version, reached.get(lane, 0))
        self._last_applied.update(reached)

    # --- what must hold

    async def _every_fact_has_its_event(self, verdict: Verdict) -> None:
        events: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for event in self.committed.values():
            events[event.service, event.type][event.key.decode()] += 1
        for fact in FACTS:
            rows = Counter(str(row[0]) for row in await self.pools[fact.service].fetch(fact.rows))
            seen = events[fact.service, fact.type]
            verdict.refuse("I1", f"facts without their {fact.type}", (rows - seen).elements())
            verdict.refuse("I1", f"{fact.type} without their fact", (seen - rows).elements())
            verdict.seen["facts"] += rows.total()

    async def _every_version_has_its_event(self, verdict: Verdict) -> None:
        versions: dict[str, Counter[tuple[str, int]]] = defaultdict(Counter)
        for event in self.committed.values():
            versions[event.topic][event.key.decode(), event.version] += 1
        for aggregate in AGGREGATES:
            rows = await self.pools[aggregate.service].fetch(aggregate.rows)
            due = Counter((str(key), version) for key, last in rows for version in range(aggregate.first, last + 1))
            seen = versions[aggregate.topic]
            verdict.refuse("I1", f"versions without an event in {aggregate.topic}", (due - seen).elements())
            verdict.refuse("I1", f"versions told twice or of nothing in {aggregate.topic}", (seen - due).elements())

    async def _every_event_is_settled(self, verdict: Verdict, subscription: Subscription) -> None:
        """Seen = applied + duplicate + parked, and nothing applied that was not to be."""
        parked = await self._parked(subscription)
        due = {
            event_id
            for event_id, event in self.committed.items()
            if event.topic == subscription.topic and event.type in subscription.types
        }
        applied, consumer = self.applied[subscription.consumer], subscription.consumer
        left = due - applied - {row["event_id"] for row in parked}
        verdict.refuse("I8", f"events neither applied nor parked by {consumer}", left)
        verdict.refuse("I3", f"events applied by {consumer} that are not its own", applied - due)
        places = {(subscription.topic, row["partition"], row["record_offset"]) for row in parked}
        poison = {place for place, parked_by in self.injected.items() if consumer in parked_by}
        verdict.refuse("I8", f"injected records dropped by {consumer}", poison - places)
        verdict.seen["parked"] += sum(row["state"] == "parked" for row in parked)

    async def _parked(self, subscription: Subscription) -> list[asyncpg.Record]:
        found: list[asyncpg.Record] = await self.pools[subscription.service].fetch(
            "SELECT event_id, state, partition, record_offset FROM parked_events "
            "WHERE consumer = $1 AND state <> 'replayed'",
            subscription.consumer,
        )
        return found

    def _nobody_else_applied(self, verdict: Verdict) -> None:
        known = {subscription.consumer for subscription in SUBSCRIPTIONS}
        verdict.refuse("I3", "consumers that are not written down here", self.applied.keys() - known)

    async def _every_effect_is_there_once(self, verdict: Verdict) -> None:
        for effect in EFFECTS:
            causes = Counter(str(row[0]) for row in await self.pools[effect.cause_service].fetch(effect.cause))
            rows = Counter(str(row[0]) for row in await self.pools[effect.service].fetch(effect.rows))
            verdict.refuse("I3", f"missing: {effect.name}", (causes - rows).elements())
            verdict.refuse("I3", f"too many: {effect.name}", (rows - causes).elements())
            verdict.seen["effects"] += rows.total()

    async def _nothing_is_found(self, verdict: Verdict) -> None:
        for nothing in NOTHING:
            found = await self.pools[nothing.service].fetch(nothing.rows)
            verdict.refuse(nothing.invariant, nothing.name, [row[0] for row in found])

    async def _money_is_the_same_at_stripe(self, verdict: Verdict) -> None:
        state = (await self.client.get(f"{self.stripe_url}/_control/state")).raise_for_status().json()
        paid = "SELECT coalesce(sum(amount_cents), 0) FROM payments WHERE external_payment_ref IS NOT NULL"
        sent = "SELECT coalesce(sum(amount_cents - reversed_cents), 0) FROM payouts WHERE state IN ('sent', 'reversed')"
        ours = {
            "paid": int(await self.pools["billing"].fetchval(paid)),
            "transferred": int(await self.pools["payouts"].fetchval(sent)),
        }
        theirs = {
            "paid": state["paid_cents"],
            "transferred": state["transferred_cents"] - state["reversed_cents"],
        }
        apart = [f"{name} {ours[name]} and {theirs[name]}" for name in ours if ours[name] != theirs[name]]
        verdict.refuse("I5", "sums of cents that differ from Stripe's", apart)
        verdict.seen["cents at Stripe"] = sum(theirs.values())

    async def _every_answer_has_its_row(self, verdict: Verdict, answers: Mapping[str, set[str]]) -> None:
        rows = await self.pools["intake"].fetch("SELECT submission_key, id FROM leads")
        leads = {row["submission_key"]: str(row["id"]) for row in rows}
        verdict.refuse("I6", "submissions that got two ids", [key for key, ids in answers.items() if len(ids) > 1])
        lost = [key for key, ids in answers.items() if leads.get(key) not in ids]
        verdict.refuse("I6", "submissions answered with 2xx that have no row", lost)
        verdict.seen["leads answered"] = len(answers)


def _committed(service: str, row: asyncpg.Record) -> Committed:
    # The column is MessagePack of pairs: a format of its own, for which there are readers by the dozen.
    headers = tuple((name, raw) for name, raw in msgpack.decode(row["headers"]))
    said = {name: raw.decode() for name, raw in headers if raw is not None}
    version = int(said["ce_aggregateversion"])
    return Committed(service, row["topic"], row["key"], headers, row["body"], said["ce_type"], version)


def _id_of(record: ConsumerRecord) -> UUID | None:
    raw = dict(record.headers).get("ce_id")
    try:
        return UUID(raw.decode()) if raw else None
    except ValueError:
        return None


def _is_same(event: Committed, record: ConsumerRecord) -> bool:
    return (event.topic, event.key, event.body, event.headers) == (
        record.topic,
        record.key,
        record.value,
        tuple(record.headers),
    )
