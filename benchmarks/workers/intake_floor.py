"""The floor of POST /leads: an ASGI function and asyncpg, with the durable work of intake and nothing around it.

    DATABASE_URL_INTAKE=postgresql://… python -m benchmarks.workers.intake_floor --port 8000 [--one-statement]

The guarantees are the product's: the statement that takes the lead proves that the key works, the lead is one lead per
source and submission key for ever, with its consent, its first step and its event, in one commit before the answer.
What a guarantee does not need is left out: no validation, no normal form, no telemetry, no log line, no problem
documents. It is a transaction of two statements as one writes it with asyncpg (four round trips); with
`--one-statement` all of it is one statement that commits by itself, which is the least that the protocol allows.
"""

import argparse
import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID
from zlib import crc32

import asyncpg
from uuid_utils.compat import uuid7

from benchmarks.workers.uvicorn_as_ours import serve
from chassis.outbox import pack_headers

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Values = tuple[Any, ...]

SOURCE = "SELECT source_id FROM lead_source_keys WHERE prefix = $1 AND key_sha256 = $2"
TAKE = """
    WITH lead AS (
        INSERT INTO leads (id, source_id, version, status_since, submission_key, fingerprint, accepted_as, status,
                           selected_path, service, name, email, email_match, phone, street, suburb, state, postcode,
                           received_at)
        SELECT $1, s.id, 1, $2, $3, $4, 'routable', 'routable', $5, $6, $7, $8, $8, $9, $10, $11, $12, $13, $2
          FROM lead_source_keys k JOIN lead_sources s ON s.id = k.source_id
         WHERE k.prefix = $14 AND k.key_sha256 = $15 AND s.revoked_at IS NULL
           AND (k.expires_at IS NULL OR k.expires_at > now())
        ON CONFLICT (source_id, submission_key) DO NOTHING
        RETURNING id
    ), consent AS (
        INSERT INTO consents (lead_id, text, url, remote_address, given_at) SELECT id, $16, $17, $18, $2 FROM lead
    ), step AS (
        INSERT INTO lead_status_changes (id, lead_id, from_status, to_status, changed_at)
        SELECT $19, id, 'received', 'routable', $2 FROM lead
    )
"""
TAKE_ALONE = f"{TAKE} SELECT id FROM lead"
TAKE_AND_PUBLISH = f"""{TAKE}, event AS (
        INSERT INTO outbox (id, segment, shard, event_id, topic, key, headers, body, created_at)
        SELECT id, outbox_segment(id), $20, $21, 'intake.leads', $22, $23, $24, $25
          FROM (SELECT nextval('outbox_ids') AS id FROM lead) AS drawn
    ) SELECT id FROM lead
"""
PUBLISH = """
    INSERT INTO outbox (id, segment, shard, event_id, topic, key, headers, body, created_at)
    SELECT id, outbox_segment(id), $1, $2, 'intake.leads', $3, $4, $5, $6 FROM nextval('outbox_ids') AS id
"""
FIRST = "SELECT id, fingerprint FROM leads WHERE source_id = $1 AND submission_key = $2"
SERVER_SETTINGS = {"application_name": "floor-intake", "statement_timeout": "30000", "timezone": "UTC"}


class Floor:
    """The ASGI application; the pool is opened when uvicorn starts it."""

    def __init__(self, dsn: str, pool_size: int, *, one_statement: bool) -> None:
        self._dsn = dsn
        self._pool_size = pool_size
        self._write = self._in_one_statement if one_statement else self._in_two_statements
        self._sources: dict[bytes, UUID] = {}
        self._pool: Any = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        status, answer = await self.take(dict(scope["headers"])[b"authorization"][7:], body, scope["client"][0])
        await send({"type": "http.response.start", "status": status, "headers": _headers(answer)})
        await send({"type": "http.response.body", "body": answer})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=self._pool_size,
            max_size=self._pool_size,
            server_settings=SERVER_SETTINGS,
            # What is returned is clean: no session state is ever set, so that no round trip has to take it back.
            reset=nothing_to_reset,
        )

    async def close(self) -> None:
        await self._pool.close()

    async def take(self, token: bytes, body: bytes, peer: str) -> tuple[int, bytes]:
        """Status and body of the answer."""
        key = (token[4:16].decode(), sha256(token).digest())
        source_id = self._sources.get(key[1])
        if source_id is None:
            source_id = self._sources[key[1]] = await self._pool.fetchval(SOURCE, *key)
        lead, now, lead_id, fingerprint = json.loads(body), datetime.now(UTC), uuid7(), sha256(body).digest()
        # Tables and events take numbers in E.164 alone.
        lead["phone"] = "+61" + lead["phone"].replace(" ", "")[1:]
        row = (*_lead(lead, lead_id, now, fingerprint), *key, *_consent(lead, peer), uuid7())
        taken = await self._write(row, _event(lead, lead_id, source_id, now))
        if taken is None:
            return await self._first_answer(source_id, lead["client_submission_key"], fingerprint)
        return 202, _receipt(lead_id)

    async def _in_two_statements(self, row: Values, event: Values) -> UUID | None:
        async with self._pool.acquire() as connection, connection.transaction():
            taken: UUID | None = await connection.fetchval(TAKE_ALONE, *row)
            if taken is not None:
                await connection.execute(PUBLISH, *event)
        return taken

    async def _in_one_statement(self, row: Values, event: Values) -> UUID | None:
        taken: UUID | None = await self._pool.fetchval(TAKE_AND_PUBLISH, *row, *event)
        return taken

    async def _first_answer(self, source_id: UUID, submission_key: str, said: bytes) -> tuple[int, bytes]:
        first = await self._pool.fetchrow(FIRST, source_id, submission_key)
        if first is None:
            return 401, b"{}"
        return (202, _receipt(first["id"])) if first["fingerprint"] == said else (409, b"{}")


async def nothing_to_reset(_connection: Any) -> None:
    pass


def _receipt(lead_id: UUID) -> bytes:
    return b'{"id":"%b","status":"routable"}' % str(lead_id).encode()


def _headers(answer: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]


def _lead(lead: dict[str, Any], lead_id: UUID, now: datetime, fingerprint: bytes) -> Values:
    address = lead["address"]
    return (
        *(lead_id, now, lead["client_submission_key"], fingerprint, lead["selected_path"], lead["service"]),
        *(lead["name"], lead["email"], lead["phone"], address["street"], address["suburb"], address["state"]),
        address["postcode"],
    )


def _consent(lead: dict[str, Any], peer: str) -> Values:
    return (lead["consent"]["text"], lead["consent"]["url"], peer)


def _event(lead: dict[str, Any], lead_id: UUID, source_id: UUID, now: datetime) -> Values:
    """The outbox row of `lead.created`, as `chassis/outbox.py` writes it."""
    event_id, key, instant, address = uuid7(), str(lead_id), now.isoformat(), lead["address"]
    body = {
        "lead_id": key,
        "source_id": str(source_id),
        "selected_path": lead["selected_path"],
        "service": lead["service"],
        "location": {name: address[name] for name in ("suburb", "state", "postcode")},
        "contact": {name: lead[name] for name in ("name", "email", "phone")} | {"street": address["street"]},
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
    return crc32(raw_key) % 64, event_id, raw_key, pack_headers(headers), json.dumps(body).encode(), now


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers.intake_floor")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pool-size", type=int, default=10)
    parser.add_argument("--one-statement", action="store_true")
    options = parser.parse_args()
    floor = Floor(os.environ["DATABASE_URL_INTAKE"], options.pool_size, one_statement=options.one_statement)
    serve(floor, options.port)


if __name__ == "__main__":
    main()
