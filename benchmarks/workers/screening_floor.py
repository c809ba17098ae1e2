"""The second commit of a lead's way in, by hand: what came in is sent on, many at a time, each with its event.

The guarantees are the product's: one screens at a time, the step and the event are there with the change of the lead,
each lead passes once, and its person goes out sealed under a key of the lead's own, told on a topic of its own.
"""

import json
import os
from base64 import b64encode
from typing import Any
from uuid import UUID
from zlib import crc32

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
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
    SELECT id, outbox_segment(id), shard, event_id, topic, key, headers, body, now()
      FROM (SELECT nextval('outbox_ids') AS id, *
              FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::bytea[], $5::bytea[], $6::bytea[])
                AS e (shard, event_id, topic, key, headers, body)) AS drawn
"""
GIVE_KEYS = """
    INSERT INTO lead_keys (lead_id, key, created_at, version)
    SELECT lead_id, key, now(), 1 FROM unnest($1::uuid[], $2::bytea[]) AS k (lead_id, key)
"""
CONTACT = ("name", "email", "phone", "street")
Row = tuple[int, UUID, str, bytes, bytes, bytes]


async def screen(pool: Any) -> bool:
    """Whether there was any."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK)
        leads = await connection.fetch(RECEIVED)
        if not leads:
            return False
        await connection.execute(LET_IN, [lead["id"] for lead in leads], [uuid7() for _ in leads])
        keys = [AESGCM.generate_key(256) for _ in leads]
        await connection.execute(GIVE_KEYS, [lead["id"] for lead in leads], keys)
        events = [event for lead, key in zip(leads, keys, strict=True) for event in _events(lead, key)]
        await connection.execute(PUBLISH, *map(list, zip(*events, strict=True)))
    return True


def _events(lead: Any, key: bytes) -> tuple[Row, Row]:
    """The outbox rows of the lead and of its key, as `chassis/outbox.py` writes them."""
    lead_id, instant = str(lead["id"]), lead["received_at"].isoformat()
    told = {"lead_id": lead_id, "key_base64": b64encode(key).decode(), "created_at": instant}
    contact, nonce = json.dumps({name: lead[name] for name in CONTACT}).encode(), os.urandom(12)
    body = {
        "lead_id": lead_id,
        "source_id": str(lead["source_id"]),
        "selected_path": lead["selected_path"],
        "service": lead["service"],
        "location": {name: lead[name] for name in ("suburb", "state", "postcode")},
        "sealed_contact": b64encode(nonce + AESGCM(key).encrypt(nonce, contact, lead_id.encode())).decode(),
        "received_at": instant,
    }
    return (
        _row("intake.lead_keys", "lead_key.created", lead_id, instant, told),
        _row("intake.leads", "lead.created", lead_id, instant, body),
    )


def _row(topic: str, type_: str, key: str, instant: str, body: dict[str, Any]) -> Row:
    event_id = uuid7()
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event_id).encode()),
        ("ce_type", type_.encode()),
        ("ce_source", b"/waybill/intake"),
        ("ce_time", instant.encode()),
        ("ce_subject", key.encode()),
        ("ce_dataschema", f"urn:waybill:schema:{type_}:1".encode()),
        ("ce_aggregateversion", b"1"),
        ("ce_correlationid", str(event_id).encode()),
        ("content-type", b"application/json"),
    ]
    raw_key = key.encode()
    return crc32(raw_key) % 64, event_id, topic, raw_key, pack_headers(headers), json.dumps(body).encode()
