"""The relay of faststream-outbox to Kafka by a stacked publisher, as its documentation shows it, all knobs turned.

At its best: types are not applied and bodies not decoded, rows are claimed and deleted by the hundred, many workers
keep many sends in flight, and autovacuum is set as its documentation recommends. The producer is as safe as ours.
"""

import argparse

import uvloop
from faststream.kafka import KafkaBroker, KafkaResponse
from faststream_outbox import OutboxBroker, make_outbox_table
from faststream_outbox.annotations import OutboxMessage
from faststream_outbox.autovacuum import outbox_autovacuum_ddl
from sqlalchemy import MetaData, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import CreateIndex, CreateTable, DDLElement

from benchmarks.workers import until_stopped

TABLE, QUEUE = "rival_queue", "leads"
WORKERS, CLAIMED_AT_ONCE, DELETED_AT_ONCE = 64, 2_000, 100


def table() -> Table:
    made: Table = make_outbox_table(MetaData(), table_name=TABLE)
    return made


def statements() -> list[str]:
    """Its table, made and kept clean as its documentation says."""
    made = table()
    parts: list[DDLElement] = [CreateTable(made), *(CreateIndex(index) for index in made.indexes)]
    return [*(str(part.compile(dialect=postgresql.dialect())) for part in parts), str(outbox_autovacuum_ddl(TABLE))]  # type: ignore[no-untyped-call]


async def run(options: argparse.Namespace) -> None:
    url = make_url(options.database).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, pool_size=options.workers + 4, max_overflow=0)
    outbox = OutboxBroker(engine, outbox_table=table(), apply_types=False, logger=None)
    kafka = KafkaBroker(
        options.kafka,
        acks="all",
        enable_idempotence=True,
        max_batch_size=512 * 1024,
        max_request_size=2 * 1024 * 1024,
        apply_types=False,
        logger=None,
    )

    async def relay(body: bytes) -> KafkaResponse:
        message = outbox.context.get_local("message")
        return KafkaResponse(body, headers=message.headers, key=message.headers["ce_subject"].encode())

    claim = outbox.subscriber(
        QUEUE,
        max_workers=options.workers,
        fetch_batch_size=options.claimed,
        terminal_flush_batch_size=options.deleted,
        min_fetch_interval=0.002,
        max_fetch_interval=0.02,
        decoder=undecoded,
    )
    kafka.publisher(options.topic)(claim(relay))
    await kafka.connect()
    print("ready", flush=True)
    await outbox.start()
    await until_stopped()
    await outbox.stop()
    await kafka.stop()
    await engine.dispose()


async def undecoded(message: OutboxMessage) -> bytes:
    """The bytes go on as they are."""
    body: bytes = message.body
    return body


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--claimed", type=int, default=CLAIMED_AT_ONCE)
    parser.add_argument("--deleted", type=int, default=DELETED_AT_ONCE)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
