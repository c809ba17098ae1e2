"""A burst of leads through routing's consumer, and the same rows written by nothing but their statements."""

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from time import monotonic, process_time
from typing import Any

import asyncpg
import uvloop

from benchmarks.routing import installers, leads
from chassis.clock import SystemClock
from chassis.collecting import collect_less
from chassis.database import Database, create_engine
from chassis.ids import new_id
from chassis.runtime import ConsumerRuntime
from contracts.envelope import Envelope, to_headers
from contracts.intake import LeadCreated
from services.routing.commands.installers import add_installer
from services.routing.consumers.leads import of_leads

BATCH = 500


@dataclass(slots=True)
class BrokerRecord:
    """The part of aiokafka's ConsumerRecord that the consumer runtime reads."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes | None]]
    topic: str
    partition: int
    offset: int


def record_of(event: LeadCreated, offset: int) -> BrokerRecord:
    event_id = new_id()
    envelope = Envelope(
        id=event_id,
        type=event.type,
        source="/waybill/intake",
        time=event.received_at,
        subject=event.subject,
        dataschema=event.dataschema(),
        aggregate_version=1,
        correlation_id=str(event_id),
    )
    body = event.model_dump_json(exclude_none=True).encode()
    return BrokerRecord(event.subject.encode(), body, [*to_headers(envelope)], event.topic.name, 0, offset)


async def ours(database: Database, number: int, installers_count: int) -> dict[str, float]:
    clock = SystemClock()
    async with database.transaction() as session:
        for command in installers(installers_count):
            await add_installer(session, command, clock.now())
    runtime = ConsumerRuntime(name="waybill.routing.bench", consumer=of_leads(clock), database=database)
    records = [record_of(event, offset) for offset, event in enumerate(leads(number))]
    started, cpu = monotonic(), process_time()
    for first in range(0, number, BATCH):
        await runtime.process(records[first : first + BATCH])
    return _sample(number, monotonic() - started, process_time() - cpu)


@dataclass(frozen=True, slots=True)
class Portion:
    """The rows of one commit, by table; the events that came and those that went."""

    rows: Mapping[str, list[asyncpg.Record]]
    outbox: list[asyncpg.Record]
    inbox: list[asyncpg.Record]


BATCHES = "SELECT created_at, row_number() OVER (ORDER BY created_at) AS no FROM dispatches GROUP BY created_at"
OF_BATCH = {
    "dispatches": "SELECT t.*, no FROM dispatches t JOIN batches USING (created_at)",
    "lead_contacts": "SELECT t.*, no FROM lead_contacts t JOIN dispatches d USING (lead_id) JOIN batches b "
    "ON b.created_at = d.created_at",
    "decisions": "SELECT t.*, no FROM decisions t JOIN batches ON decided_at = batches.created_at",
    "assignments": "SELECT t.*, no FROM assignments t JOIN batches USING (created_at)",
}
EVENTS = "SELECT shard, event_id, topic, key, headers, body, created_at FROM outbox ORDER BY id"


async def captured(connection: asyncpg.Connection) -> list[Portion]:
    """What the burst has left, by the commits in which it came."""
    by_batch: dict[str, dict[int, list[asyncpg.Record]]] = {}
    for table, query in OF_BATCH.items():
        found = await connection.fetch(f"WITH batches AS ({BATCHES}) {query} ORDER BY no")
        by_batch[table] = {no: list(those) for no, those in groupby(found, key=lambda row: row["no"])}
    numbers = sorted(by_batch["dispatches"])
    outbox, inbox = await connection.fetch(EVENTS), await connection.fetch("SELECT event_id FROM inbox")
    return [
        Portion(
            {table: by_batch[table].get(no, []) for table in OF_BATCH},
            _part(outbox, place, len(numbers)),
            _part(inbox, place, len(numbers)),
        )
        for place, no in enumerate(numbers)
    ]


def _part(rows: Sequence[asyncpg.Record], place: int, of: int) -> list[asyncpg.Record]:
    return list(rows[len(rows) * place // of : len(rows) * (place + 1) // of])


OUTBOX = """
    INSERT INTO outbox (id, segment, shard, event_id, topic, key, headers, body, created_at)
    SELECT id, outbox_segment(id), shard, event_id, topic, key, headers, body, created_at
    FROM (SELECT nextval('outbox_ids') AS id, * FROM unnest(
        $1::smallint[], $2::uuid[], $3::text[], $4::bytea[], $5::bytea[], $6::bytea[], $7::timestamptz[]
    ) AS added (shard, event_id, topic, key, headers, body, created_at)) AS numbered
"""
INBOX = """
    INSERT INTO inbox (event_id, consumer, received_at)
    SELECT event_id, 'waybill.routing.bench', now() FROM unnest($1::uuid[]) AS event_id
"""
WINDOWS = """
    INSERT INTO cap_windows (installer_id, kind, window_start, window_end, reserved, used)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::int[], $6::int[])
    ON CONFLICT (installer_id, kind, window_start) DO UPDATE SET reserved = cap_windows.reserved + excluded.reserved
"""
TURNS = """
    UPDATE turns_taken SET last_assigned_at = g.at, last_assigned_place = g.place, balance_ppm = g.balance
    FROM unnest($1::uuid[], $2::timestamptz[], $3::int[], $4::bigint[]) AS g (id, at, place, balance)
    WHERE turns_taken.installer_id = g.id
"""


async def floor(url: str, number: int) -> dict[str, float]:
    """In as many commits, each table by one statement of many rows; nothing is read and nothing decided."""
    connection = await asyncpg.connect(url)
    portions = await captured(connection)
    windows = await connection.fetch(
        "SELECT installer_id, kind, window_start, window_end, 1, 0 FROM cap_windows ORDER BY installer_id"
    )
    turns = await connection.fetch(
        "SELECT installer_id, last_assigned_at, last_assigned_place, balance_ppm FROM turns_taken ORDER BY installer_id"
    )
    return await _written(connection, portions, _columns(windows), _columns(turns), number)


async def _written(
    connection: asyncpg.Connection, portions: list[Portion], windows: Any, turns: Any, number: int
) -> dict[str, float]:
    await _emptied(connection)
    started, cpu = monotonic(), process_time()
    for portion in portions:
        async with connection.transaction():
            await connection.execute(INBOX, [row["event_id"] for row in portion.inbox])
            for table, rows in portion.rows.items():
                await _insert(connection, table, rows)
            await connection.execute(WINDOWS, *windows)
            await connection.execute(TURNS, *turns)
            await connection.execute(OUTBOX, *_columns(portion.outbox))
    seconds = monotonic() - started
    await connection.close()
    return _sample(number, seconds, process_time() - cpu)


async def _emptied(connection: asyncpg.Connection) -> None:
    """By hand, as the serving role may not truncate: the program does it between the sides."""
    left = await connection.fetchval("SELECT count(*) FROM dispatches")
    if left:
        print("ready", flush=True)
        # The program is another process, and tells nobody.
        while await connection.fetchval("SELECT count(*) FROM dispatches"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def _insert(connection: asyncpg.Connection, table: str, rows: list[asyncpg.Record]) -> None:
    if not rows:
        return
    columns = [name for name in rows[0].keys() if name != "no"]  # noqa: SIM118  # a record is no dict
    marks = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
    await connection.executemany(sql, [[row[name] for name in columns] for row in rows])


def _columns(rows: Sequence[asyncpg.Record]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _sample(number: int, seconds: float, cpu_seconds: float) -> dict[str, float]:
    return {"leads/s": number / seconds, "cpu us": cpu_seconds / number * 1e6}


async def work(options: argparse.Namespace) -> dict[str, float]:
    collect_less()
    if options.side == "floor":
        return await floor(options.database, options.leads)
    database = Database(create_engine(options.database, pool_size=2), "/waybill/routing")
    try:
        return await ours(database, options.leads, options.installers)
    finally:
        await database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--side", choices=("ours", "floor"), required=True)
    parser.add_argument("--leads", type=int, required=True)
    parser.add_argument("--installers", type=int, default=500)
    print(json.dumps(uvloop.run(work(parser.parse_args()))))
