"""The floor under a consumer: aiokafka and asyncpg, a batch in one transaction, and nothing around it.

The guarantees are the product's: an event is applied once however often it comes, its effect and what it publishes are
committed with it, the offsets after that. Left out is what they do not need: validation, parking, retries, types.
"""

import json
from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zlib import crc32

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from uuid_utils.compat import uuid7

from benchmarks.workers.tally import Tally, run
from chassis.outbox import pack_headers

BATCH, POLL_MS = 500, 5
CLAIM = """
    INSERT INTO inbox (event_id, consumer, received_at) SELECT event_id, $1, now() FROM unnest($2::uuid[]) AS event_id
    ON CONFLICT DO NOTHING RETURNING event_id
"""
KEEP = """
    INSERT INTO decisions (lead_id, decision_id, service, postcode, decided_at)
    SELECT lead_id, decision_id, service, postcode, $5
      FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS d (lead_id, decision_id, service, postcode)
    ON CONFLICT DO NOTHING
"""
PUBLISH = """
    INSERT INTO outbox (id, segment, shard, event_id, topic, key, headers, body, created_at)
    SELECT id, outbox_segment(id), shard, event_id, 'routing.dispatches', key, headers, body, $6
      FROM (SELECT nextval('outbox_ids') AS id, *
              FROM unnest($1::smallint[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[])
                AS e (shard, event_id, key, headers, body)) AS drawn
"""
Event = tuple[UUID, dict[str, Any]]
"""The id of a `lead.created`, and its body."""


async def apply(connection: Any, group: str, records: Sequence[ConsumerRecord]) -> None:
    events = [(UUID(dict(record.headers)["ce_id"].decode()), json.loads(record.value)) for record in records]
    async with connection.transaction():
        claimed = await connection.fetch(CLAIM, group, [event_id for event_id, _ in events])
        fresh = {row["event_id"] for row in claimed}
        # A batch can hold the same event twice.
        taken = list({event_id: (event_id, lead) for event_id, lead in events if event_id in fresh}.values())
        if taken:
            await _decide(connection, taken)


async def _decide(connection: Any, taken: Sequence[Event]) -> None:
    now = datetime.now(UTC)
    decisions = [(uuid7(), cause, lead) for cause, lead in taken]
    await connection.execute(
        KEEP,
        [lead["lead_id"] for _, _, lead in decisions],
        [decision_id for decision_id, _, _ in decisions],
        [lead["service"] for _, _, lead in decisions],
        [lead["location"]["postcode"] for _, _, lead in decisions],
        now,
    )
    rows = [_row(decision_id, cause, lead["lead_id"], now.isoformat()) for decision_id, cause, lead in decisions]
    await connection.execute(PUBLISH, *map(list, zip(*rows, strict=True)), now)


def _row(decision_id: UUID, cause: UUID, lead_id: str, now: str) -> tuple[int, UUID, bytes, bytes, bytes]:
    """The outbox row of `dispatch.decided`, as `chassis/outbox.py` writes it."""
    event_id, key = uuid7(), lead_id.encode()
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event_id).encode()),
        ("ce_type", b"dispatch.decided"),
        ("ce_source", b"/waybill/bench"),
        ("ce_time", now.encode()),
        ("ce_subject", lead_id.encode()),
        ("ce_dataschema", b"urn:waybill:schema:dispatch.decided:1"),
        ("ce_aggregateversion", b"1"),
        ("ce_correlationid", str(cause).encode()),
        ("content-type", b"application/json"),
        ("ce_causationid", str(cause).encode()),
    ]
    body = {
        "lead_id": lead_id,
        "decision_id": str(decision_id),
        "attempt_no": 1,
        "assignment_ids": [],
        "candidates_count": 3,
        "decided_at": now,
    }
    return crc32(key) % 64, event_id, key, pack_headers(headers), json.dumps(body).encode()


async def consume(options: Namespace) -> dict[str, float]:
    tally = Tally(options.events)
    connection = await asyncpg.connect(options.database)
    consumer = AIOKafkaConsumer(
        options.topic,
        bootstrap_servers=options.kafka,
        group_id=options.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=2 * 1024 * 1024,
    )
    await consumer.start()
    left = options.events
    try:
        while left > 0:
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
            records = [record for of_partition in fetched.values() for record in of_partition]
            if records:
                tally.arrived()
                await apply(connection, options.group, records)
                tally.settled(len(records))
                await consumer.commit({place: some[-1].offset + 1 for place, some in fetched.items()})
                left -= len(records)
        return await tally.result()
    finally:
        await consumer.stop()
        await connection.close()


if __name__ == "__main__":
    run(consume, "--database")
