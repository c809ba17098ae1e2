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
from aiokafka.partitioner import DefaultPartitioner

from benchmarks.leads import portions, rows, write_burst
from benchmarks.stage import Stage
from benchmarks.workers import debezium, faststream_outbox
from contracts.topics import Topic
from deploy.local.postgres import PostgresServer, ServiceDatabase

LOGICAL = {"wal_level": "logical", "max_wal_size": "8GB", "wal_sender_timeout": "0"}
"""What Debezium asks of a server; nothing else differs from ours."""

_numbers = count(1)


async def ours(stage: Stage, events: int) -> ServiceDatabase:
    """A database whose outbox holds `events`, to be cloned."""
    database = stage.database()
    await write_burst(database.url, events)
    return database


def in_memory(stage: Stage, topic: Topic, events: int) -> Path:
    """The same rows as a file for the floors: partition, key, headers, body."""
    partition_of, partitions = DefaultPartitioner(), list(range(topic.partitions))
    file = stage.room / f"rows-{events}.pickle"
    burst = [(partition_of(row.key, partitions, []), row.key, row.headers, row.body) for row in rows(events)]
    file.write_bytes(pickle.dumps(burst))
    return file


async def of_faststream_outbox(stage: Stage, events: int) -> ServiceDatabase:
    """The same in the table of faststream-outbox, made and kept clean as its documentation says; to be cloned."""
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
        slot = f"run_{next(_numbers)}"
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute("SELECT pg_copy_logical_replication_slot($1, $2)", debezium.ORIGIN, slot)
        finally:
            await connection.close()
        return [
            *("--database", self.url, "--slot", slot, "--directory", self.directory),
            *("--warm-up", self.warm_up, "--count", events),
        ]


def logical_server(stage: Stage) -> PostgresServer:
    return stage.postgres("Debezium's", LOGICAL)


async def of_debezium(stage: Stage, warm_up: int, events: int) -> DebeziumBurst:
    """The same in a table as the EventRouter reads it, on a server of its own."""
    address = logical_server(stage).address
    name = f"rival_{next(_numbers)}"
    address.execute(f"CREATE DATABASE {name}")
    address.execute(*debezium.STATEMENTS, database=name)
    connection = await asyncpg.connect(address.url(name))
    try:
        for portion in portions(warm_up + events):
            burst = [debezium.record(row) for row in rows(portion)]
            await connection.copy_records_to_table(debezium.TABLE, records=burst)
    finally:
        await connection.close()
    return DebeziumBurst(address.url(name), stage.room, warm_up)
