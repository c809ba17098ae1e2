"""The second commit of a lead's way in, by hand: what came in is sent on, many at a time, each with its event.

The guarantees are the product's: one screens at a time, the step and the event are there with the change of the lead,
and each lead passes once.
"""

import json
from typing import Any
from uuid import UUID
from zlib import crc32

from uuid_utils.compat import uuid7

from chassis.outbox import pack_headers

LOCK = "SELECT pg_advisory_xact_lock(2)"
RECEIVED = """
    SELECT id, source_id, selected_path, service, name, email, phone, street, suburb, state, postcode, received_at
      FROM leads WHERE status = 'received' ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED
"""
LET_IN = """
    WITH moved AS (
        UPDATE leads SET status = 'routable', status_since = now(), version = 1 WHERE id = ANY($1::uuid[])
    )
    INSERT INTO lead_status_changes (id, lead_id, from_status, to_status, changed_at)
    SELECT step_id, lead_id, 'received', 'routable', now() FROM unnest($2::uuid[], $1::uuid[]) AS s (step_id, lead_id)
"""
PUBLISH = """
    INSERT INTO outbox (id, segment, shard, event_id, topic, key, headers, body, created_at)
    SELECT id, outbox_segment(id), shard, event_id, 'intake.leads', key, headers, body, now()
      FROM (SELECT nextval('outbox_ids') AS id, *
              FROM unnest($1::smallint[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[])
                AS e (shard, event_id, key, headers, body)) AS drawn
"""


async def screen(pool: Any) -> bool:
    """Whether there was any."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK)
        leads = await connection.fetch(RECEIVED)
        if not leads:
            return False
        await connection.execute(LET_IN, [lead["id"] for lead in leads], [uuid7() for _ in leads])
        await connection.execute(PUBLISH, *map(list, zip(*map(_event, leads), strict=True)))
    return True


def _event(lead: Any) -> tuple[int, UUID, bytes, bytes, bytes]:
    """The outbox row of `lead.created`, as `chassis/outbox.py` writes it."""
    event_id, key, instant = uuid7(), str(lead["id"]), lead["received_at"].isoformat()
    body = {
        "lead_id": key,
        "source_id": str(lead["source_id"]),
        "selected_path": lead["selected_path"],
        "service": lead["service"],
        "location": {name: lead[name] for name in ("suburb", "state", "postcode")},
        "contact": {name: lead[name] for name in ("name", "email", "phone", "street")},
        "received_at": instant,
    }
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event_id).encode()),
        ("ce_type", b"lead.created"),
        ("ce_source", b"/waybill/intake"),
        ("ce_time", instant.encode()),
        ("ce_subject", key.encode()),
        ("ce_dataschema", b"urn:waybill:schema:lead.created:1"),
        ("ce_aggregateversion", b"1"),
        ("ce_correlationid", str(event_id).encode()),
        ("content-type", b"application/json"),
    ]
    raw_key = key.encode()
    return crc32(raw_key) % 64, event_id, raw_key, pack_headers(headers), json.dumps(body).encode()
