"""The floor of POST /leads: an ASGI function and asyncpg, with the durable work of intake and nothing around it.

    DATABASE_URL_INTAKE=postgresql://… python -m benchmarks.workers.intake_floor --port 8000 [--one-statement]

The guarantees are the product's: the statement that takes the lead proves that the key works, the lead is one lead per
source and submission key for ever, with its consent, in one commit before the answer. What sends it on is the work of
another process, here as there (`screening_floor`).
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

import asyncpg
from uuid_utils.compat import uuid7

from benchmarks.workers.uvicorn_as_ours import serve

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Values = tuple[Any, ...]

SOURCE = "SELECT source_id FROM lead_source_keys WHERE prefix = $1 AND key_sha256 = $2"
LEAD = """
    INSERT INTO leads (id, source_id, status_since, submission_key, fingerprint, accepted_as, status,
                       selected_path, service, name, email, email_match, phone, street, suburb, state, postcode,
                       received_at)
    SELECT $1, s.id, $2, $3, $4, 'received', 'received', $5, $6, $7, $8, $8, $9, $10, $11, $12, $13, $2
      FROM lead_source_keys k JOIN lead_sources s ON s.id = k.source_id
     WHERE k.prefix = $14 AND k.key_sha256 = $15 AND s.revoked_at IS NULL
       AND (k.expires_at IS NULL OR k.expires_at > now())
    ON CONFLICT (source_id, submission_key) DO NOTHING
    RETURNING id
"""
CONSENT = "INSERT INTO consents (lead_id, text, url, remote_address, given_at) VALUES ($1, $2, $3, $4, $5)"
TAKE = f"""
    WITH lead AS ({LEAD}), consent AS (
        INSERT INTO consents (lead_id, text, url, remote_address, given_at) SELECT id, $16, $17, $18, $2 FROM lead
    ) SELECT id FROM lead
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
        row = (*_lead(lead, lead_id, now, fingerprint), *key)
        taken = await self._write(row, _consent(lead, peer), now)
        if taken is None:
            return await self._first_answer(source_id, lead["client_submission_key"], fingerprint)
        return 202, _receipt(lead_id)

    async def _in_two_statements(self, row: Values, consent: Values, now: datetime) -> UUID | None:
        async with self._pool.acquire() as connection, connection.transaction():
            taken: UUID | None = await connection.fetchval(LEAD, *row)
            if taken is not None:
                await connection.execute(CONSENT, taken, *consent, now)
        return taken

    async def _in_one_statement(self, row: Values, consent: Values, _now: datetime) -> UUID | None:
        taken: UUID | None = await self._pool.fetchval(TAKE, *row, *consent)
        return taken

    async def _first_answer(self, source_id: UUID, submission_key: str, said: bytes) -> tuple[int, bytes]:
        first = await self._pool.fetchrow(FIRST, source_id, submission_key)
        if first is None:
            return 401, b"{}"
        return (202, _receipt(first["id"])) if first["fingerprint"] == said else (409, b"{}")


async def nothing_to_reset(_connection: Any) -> None:
    pass


def _receipt(lead_id: UUID) -> bytes:
    return b'{"id":"%b","status":"received"}' % str(lead_id).encode()


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
