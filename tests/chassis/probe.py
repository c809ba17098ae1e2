"""A smallest service for the proofs of the event path: one event, one effect, everything else the chassis's own."""

from collections.abc import Awaitable, Callable
from typing import ClassVar
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import Integer, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.consumer import Consumer, LastResort
from chassis.database import Database, create_engine
from chassis.pacing import Patience
from chassis.pending import Shard
from chassis.publishing import kafka_producer
from chassis.relay import Relay
from chassis.runtime import ConsumerRuntime
from chassis.settings import ServiceSettings
from contracts.envelope import Event, Incoming
from contracts.registry import EVENTS
from contracts.topics import Topic
from deploy.local.kafka import create_topics

QUICK = Patience(first_seconds=0.01, longest_seconds=0.05, attempts=4)


class ProbeMoved(Event):
    """`note` lets a test tell events apart; `step` is what the aggregate's version must be."""

    type: ClassVar[str] = "probe.moved"
    topic: ClassVar[Topic] = Topic("probe.moves", "probe", "probe_id", "")

    probe_id: UUID
    step: int
    note: str = ""


def register() -> None:
    """Makes the event known in a process of its own; in a test run the fixture of conftest.py does."""
    EVENTS[ProbeMoved.type] = ProbeMoved


def use_topic(name: str, bootstrap_servers: str | None = None, partitions: int = 3) -> Topic:
    """A topic of its own for each test; created where a broker is given."""
    ProbeMoved.topic = Topic(name, "probe", "probe_id", "", partitions=partitions)
    if bootstrap_servers is not None:
        create_topics(bootstrap_servers, [ProbeMoved.topic])
    return ProbeMoved.topic


EFFECTS = "CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY, event_id uuid, probe_id uuid, step int)"


async def create_tables(url: str, *statements: str) -> None:
    """The effects, and before them whatever else is given."""
    connection = await asyncpg.connect(url)
    try:
        for statement in (*statements, EFFECTS):
            await connection.execute(statement)
    finally:
        await connection.close()


def database(url: str, max_event_bytes: int = 512 * 1024) -> Database:
    return Database(create_engine(url, pool_size=4), "/waybill/probe", max_event_bytes=max_event_bytes)


async def publish(database: Database, probes: int, steps: int, note: str = "") -> None:
    """`probes` aggregates of `steps` events each, one transaction per step over all of them."""
    ids = [uuid4() for _ in range(probes)]
    for step in range(1, steps + 1):
        async with database.transaction() as session:
            for probe_id in ids:
                outbox.add(session, ProbeMoved(probe_id=probe_id, step=step, note=note), version=step)


async def apply(session: AsyncSession, batch: list[Incoming[ProbeMoved]]) -> None:
    """The effect: a row per event, so that a second application or a wrong order shows."""
    await session.execute(
        text("INSERT INTO effects (event_id, probe_id, step) SELECT * FROM unnest(:ids, :probes, :steps)").bindparams(
            bindparam("ids", type_=ARRAY(Uuid)),
            bindparam("probes", type_=ARRAY(Uuid)),
            bindparam("steps", type_=ARRAY(Integer)),
        ),
        {
            "ids": [incoming.envelope.id for incoming in batch],
            "probes": [incoming.event.probe_id for incoming in batch],
            "steps": [incoming.event.step for incoming in batch],
        },
    )


Handler = Callable[[AsyncSession, list[Incoming[ProbeMoved]]], Awaitable[None]]


def runtime(database: Database, handler: Handler = apply, last_resort: LastResort | None = None) -> ConsumerRuntime:
    resorts: dict[type[Event], LastResort] = {ProbeMoved: last_resort} if last_resort else {}
    consumer = Consumer(ProbeMoved.topic, {ProbeMoved: handler}, last_resorts=resorts)
    return ConsumerRuntime(
        f"consumer.{ProbeMoved.topic.name}", consumer, database, max_event_bytes=100_000, patience=QUICK
    )


def relay(url: str, bootstrap_servers: str, batch_size: int = 100) -> Relay:
    return Relay(url, Shard(0, 1), kafka_producer(bootstrap_servers, "probe"), batch_size)


def settings(url: str, bootstrap_servers: str) -> ServiceSettings:
    return ServiceSettings(
        database_url=url,
        kafka_bootstrap_servers=bootstrap_servers,
        consumer_batch_size=100,
        session_timeout_ms=6_000,
        # Static membership: who comes back after a kill takes its place at once.
        consumer_instance="one",
    )


async def verdict(url: str) -> dict[str, int]:
    """What an independent reader sees; the last four are zero where nothing was doubled, lost or reordered."""
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(
            """
            SELECT (SELECT count(*) FROM effects) AS applied,
                   (SELECT count(*) FROM inbox) AS remembered,
                   (SELECT count(*) FROM outbox) AS unsent,
                   (SELECT count(*) FROM parked_events WHERE state = 'parked') AS parked,
                   (SELECT count(*) - count(DISTINCT event_id) FROM effects) AS doubled,
                   (SELECT count(*) FROM (
                       SELECT step, row_number() OVER (PARTITION BY probe_id ORDER BY id) AS place FROM effects
                    ) AS ordered WHERE step <> place) AS out_of_order
            """
        )
        return dict(row)
    finally:
        await connection.close()
