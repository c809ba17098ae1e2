"""Bursts that wait in an outbox, ours and the rivals', written once and drained as often as is wanted.

Ours is written by the product into a database that is cloned for each run. Debezium reads the server's log: its burst
is written once behind a replication slot, and each run reads it again through a copy of that slot.
"""

import json
import pickle
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import asyncpg

from benchmarks.leads import portions, rows, write_burst
from benchmarks.stage import Stage
from benchmarks.workers import debezium
from chassis.publishing import partition_of
from contracts.topics import Topic
from deploy.local.postgres import ServiceDatabase

LOGICAL = {
    "max_replication_slots": "100",
    "max_wal_senders": "20",
    "wal_level": "logical",
    "max_wal_size": "8GB",
    "wal_sender_timeout": "0",
}
"""What Debezium asks of a server; nothing else differs from ours."""

_numbers = count(1)


async def ours(stage: Stage, events: int) -> ServiceDatabase:
    """A database whose outbox holds `events`, to be cloned."""
    database = stage.database()
    await write_burst(database.url, events)
    return database


def in_memory(stage: Stage, topic: Topic, events: int) -> Path:
    """The same rows as a file for the floors: partition, key, headers, body."""
    file = stage.room / f"rows-{events}.pickle"
    burst = [(partition_of(row.key, topic.partitions), row.key, row.headers, row.body) for row in rows(events)]
    file.write_bytes(pickle.dumps(burst))
    return file


async def of_faststream_outbox(stage: Stage, events: int) -> ServiceDatabase:
    """The same in the table of faststream-outbox; to be cloned."""
    # Importing this module must not ask for the rivals: whoever looks for a program imports all of them.
    from benchmarks.workers import faststream_outbox  # noqa: PLC0415

    database = stage.database()
    connection = await asyncpg.connect(database.owner_url)
    try:
        for statement in faststream_outbox.statements():
            await connection.execute(statement)
        for portion in portions(events):
            burst = [
                (faststream_outbox.QUEUE, row.body, json.dumps({name: raw.decode() for name, raw in row.headers}))
                for row in rows(portion)
            ]
            columns = ["queue", "payload", "headers"]
            await connection.copy_records_to_table(faststream_outbox.TABLE, columns=columns, records=burst)
    finally:
        await connection.close()
    return database


@dataclass(frozen=True)
class DebeziumBurst:
    """`events` behind a slot, of which the first `warm_up` are for the JVM to get warm."""

    url: str
    directory: Path
    warm_up: int

    async def arguments(self, events: int) -> list[object]:
        """For a run of the worker `debezium`, which reads all again."""
        return [*await copied_slot(self.url, self.directory), "--warm-up", self.warm_up, "--count", events]


def debezium_database(stage: Stage) -> str:
    """The URL of a database on a server of its own, with the outbox and the slot that Debezium reads."""
    address = stage.postgres("Debezium's", LOGICAL).address
    name = f"rival_{next(_numbers)}"
    address.execute(f"CREATE DATABASE {name}")
    address.execute(*debezium.STATEMENTS, database=name)
    return address.url(name)


async def of_debezium(stage: Stage, warm_up: int, events: int) -> DebeziumBurst:
    """The same in a table as the EventRouter reads it."""
    url = debezium_database(stage)
    connection = await asyncpg.connect(url)
    try:
        for portion in portions(warm_up + events):
            burst = [debezium.record(row) for row in rows(portion)]
            await connection.copy_records_to_table(debezium.TABLE, records=burst)
    finally:
        await connection.close()
    return DebeziumBurst(url, stage.room, warm_up)


async def copied_slot(url: str, directory: Path) -> list[object]:
    """Arguments for a run that reads all that the database's slot has kept, through a copy of it."""
    return await _with_slot(url, directory, f"SELECT pg_copy_logical_replication_slot('{debezium.ORIGIN}', $1)")


async def new_slot(url: str, directory: Path) -> list[object]:
    """Arguments for a run that reads what is written from now on."""
    return await _with_slot(url, directory, "SELECT pg_create_logical_replication_slot($1, 'pgoutput')")


async def _with_slot(url: str, directory: Path, make: str) -> list[object]:
    slot = f"run_{next(_numbers)}"
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(make, slot)
    finally:
        await connection.close()
    return ["--database", url, "--slot", slot, "--directory", directory]
