"""The floor of a lead's way to the ledger: four small services with the product's commits and hops, and nothing else.

    python -m benchmarks.workers.flow_floor routing --database postgresql://… --kafka 127.0.0.1:9092

intake (raw ASGI) -> routing -> notifications -> the mail server -> routing -> billing; routing tells intake twice what
became of the lead. Each arrow over Kafka is an outbox row and a relay; each box is a commit.
"""

import argparse
import asyncio
import json
from base64 import b64decode
from collections import deque
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import uvloop
from aiosmtplib import SMTP
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from uuid_utils.compat import uuid7

from benchmarks.workers.flow_kit import Station, publish
from benchmarks.workers.intake_floor import Floor
from benchmarks.workers.screening_floor import screen
from benchmarks.workers.uvicorn_as_ours import serve

TABLES = {
    "routing": """
        CREATE TABLE dispatches (lead_id uuid PRIMARY KEY, lead jsonb NOT NULL, status text NOT NULL);
        CREATE TABLE assignments (id uuid PRIMARY KEY, lead_id uuid NOT NULL, installer_id uuid NOT NULL,
                                  status text NOT NULL, sent_at timestamptz)
    """,
    "notifications": """
        CREATE TABLE messages (id uuid PRIMARY KEY, assignment_id uuid NOT NULL UNIQUE, recipient text NOT NULL,
                               lead_id uuid NOT NULL, sealed text NOT NULL, state text NOT NULL,
                               created_at timestamptz NOT NULL);
        CREATE TABLE lead_keys (lead_id uuid PRIMARY KEY, key bytea NOT NULL);
        CREATE INDEX messages_waiting ON messages (created_at) WHERE state = 'queued';
        CREATE TABLE attempts (message_id uuid NOT NULL, reply text NOT NULL, at timestamptz NOT NULL)
    """,
    "billing": """
        CREATE TABLE delivery_events (assignment_id uuid PRIMARY KEY, lead_id uuid NOT NULL, price_cents int NOT NULL,
                                      recorded_at timestamptz NOT NULL)
    """,
}
"""Beside the chassis's own; intake's floor stands on the tables of intake itself."""
INSTALLER, MAILBOX = "0199a000-0000-7000-8000-0000000000a1", "leads@installer.example"
SENDER = "no-reply@waybill.example"
CONNECTIONS, PORTION = 8, 64

Bodies = list[dict[str, Any]]


class Intake(Station):
    async def on_dispatch(self, connection: Any, type_: str, bodies: Bodies) -> None:
        status = {"dispatch.decided": "dispatching", "dispatch.delivered": "delivered"}[type_]
        ids = [body["lead_id"] for body in bodies]
        await connection.execute(
            "UPDATE leads SET status = $2, status_since = now() WHERE id = ANY($1::uuid[])", ids, status
        )
        await connection.execute(
            """INSERT INTO lead_status_changes (id, lead_id, from_status, to_status, changed_at)
               SELECT gen_random_uuid(), id, 'routable', $2, now() FROM unnest($1::uuid[]) AS id""",
            ids,
            status,
        )


class TakingIn(Floor):
    """The ASGI half of intake: the floor of POST /leads, with what screens the leads and a relay beside it."""

    def __init__(self, dsn: str, station: Intake) -> None:
        super().__init__(dsn, pool_size=10, one_statement=True)
        self._station = station
        self._taken = asyncio.Event()

    async def open(self) -> None:
        await super().open()
        await self._station.open()
        self._station.spawn(self._screen_for_ever())
        handlers = {"dispatch.decided": self._station.on_dispatch, "dispatch.delivered": self._station.on_dispatch}
        await self._station.consume("routing.dispatches", handlers)

    async def take(self, token: bytes, body: bytes, peer: str) -> tuple[int, bytes]:
        answer = await super().take(token, body, peer)
        self._taken.set()
        return answer

    async def _screen_for_ever(self) -> None:
        while True:
            self._taken.clear()
            if await screen(self._pool):
                self._station.wake()
            else:
                await _wait(self._taken, 0.02)


class Routing(Station):
    async def on_lead(self, connection: Any, _type: str, bodies: Bodies) -> None:
        given = [(str(uuid7()), lead["lead_id"], lead) for lead in bodies]
        await connection.execute(
            """INSERT INTO dispatches SELECT *, 'dispatching' FROM unnest($1::uuid[], $2::jsonb[])
               ON CONFLICT DO NOTHING""",
            [lead_id for _, lead_id, _ in given],
            [json.dumps(lead) for _, _, lead in given],
        )
        await connection.execute(
            "INSERT INTO assignments SELECT id, lead_id, $3, 'pending' FROM unnest($1::uuid[], $2::uuid[]) "
            "AS a (id, lead_id)",
            [assignment_id for assignment_id, _, _ in given],
            [lead_id for _, lead_id, _ in given],
            INSTALLER,
        )
        await publish(
            connection,
            [
                *(("routing.dispatches", "dispatch.decided", lead_id, {"lead_id": lead_id}) for _, lead_id, _ in given),
                *(
                    ("routing.assignments", "assignment.created", id_, {**lead, "assignment_id": id_, "to": MAILBOX})
                    for id_, _, lead in given
                ),
            ],
        )

    async def on_accepted(self, connection: Any, _type: str, bodies: Bodies) -> None:
        sent = await connection.fetch(
            """UPDATE assignments SET status = 'sent', sent_at = now()
               WHERE id = ANY($1::uuid[]) AND status = 'pending' RETURNING id, lead_id""",
            [body["assignment_id"] for body in bodies],
        )
        leads = [str(row["lead_id"]) for row in sent]
        await connection.execute("UPDATE dispatches SET status = 'delivered' WHERE lead_id = ANY($1::uuid[])", leads)
        facts = [(str(row["id"]), str(row["lead_id"])) for row in sent]
        await publish(
            connection,
            [
                *(
                    ("routing.assignments", "assignment.sent", id_, {"assignment_id": id_, "lead_id": lead_id})
                    for id_, lead_id in facts
                ),
                *(("routing.dispatches", "dispatch.delivered", id_, {"lead_id": id_}) for _, id_ in facts),
            ],
        )


class Notifications(Station):
    """Takes a portion in hand, sends it over kept connections without a transaction, records what became of it."""

    def __init__(self, dsn: str, kafka: str, name: str, smtp_url: str) -> None:
        super().__init__(dsn, kafka, name)
        self._server = urlsplit(smtp_url)
        self._queued = asyncio.Event()
        self._free: deque[SMTP] = deque()

    async def on_assignment(self, connection: Any, _type: str, bodies: Bodies) -> None:
        await connection.execute(
            """INSERT INTO messages SELECT gen_random_uuid(), *, 'queued', now()
               FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[]) ON CONFLICT DO NOTHING""",
            [body["assignment_id"] for body in bodies],
            [body["to"] for body in bodies],
            [body["lead_id"] for body in bodies],
            [body["sealed_contact"] for body in bodies],
        )
        self._queued.set()

    async def on_key(self, connection: Any, _type: str, bodies: Bodies) -> None:
        await connection.execute(
            "INSERT INTO lead_keys SELECT * FROM unnest($1::uuid[], $2::bytea[]) ON CONFLICT DO NOTHING",
            [body["lead_id"] for body in bodies],
            [b64decode(body["key_base64"]) for body in bodies],
        )
        self._queued.set()

    async def send_for_ever(self) -> None:
        for _ in range(CONNECTIONS):
            self._free.append(SMTP(hostname=self._server.hostname or "", port=self._server.port, start_tls=False))
            await self._free[-1].connect()
        while True:
            self._queued.clear()
            taken = await self.pool.fetch(
                """UPDATE messages m SET state = 'sending' FROM (
                       SELECT id, key FROM messages JOIN lead_keys USING (lead_id)
                       WHERE state = 'queued' ORDER BY created_at LIMIT $1
                       FOR UPDATE OF messages SKIP LOCKED) AS due WHERE m.id = due.id
                   RETURNING m.id, assignment_id, recipient, lead_id, sealed, key""",
                PORTION,
            )
            if taken:
                await self._send_all(deque(taken))
            else:
                await _wait(self._queued, 0.02)

    async def _send_all(self, taken: deque[Any]) -> None:
        accepted: list[tuple[Any, str]] = []

        async def send(connection: SMTP) -> None:
            while taken:
                message = taken.popleft()
                reply, _ = await connection.sendmail(SENDER, message["recipient"], _letter(message))
                accepted.append((message, str(reply)))

        await asyncio.gather(*(send(connection) for connection in self._free))
        await self._record(accepted)

    async def _record(self, accepted: list[tuple[Any, str]]) -> None:
        ids = [message["id"] for message, _ in accepted]
        facts = [(str(message["id"]), {"assignment_id": str(message["assignment_id"])}) for message, _ in accepted]
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("UPDATE messages SET state = 'accepted' WHERE id = ANY($1::uuid[])", ids)
            await connection.execute(
                "INSERT INTO attempts SELECT *, now() FROM unnest($1::uuid[], $2::text[])",
                ids,
                [reply for _, reply in accepted],
            )
            await publish(
                connection, [("notifications.messages", "message.accepted", key, body) for key, body in facts]
            )
        self.wake()


class Billing(Station):
    async def on_sent(self, connection: Any, _type: str, bodies: Bodies) -> None:
        await connection.execute(
            "INSERT INTO delivery_events SELECT *, 9500, now() FROM unnest($1::uuid[], $2::uuid[]) "
            "ON CONFLICT DO NOTHING",
            [body["assignment_id"] for body in bodies],
            [body["lead_id"] for body in bodies],
        )
        await publish(
            connection,
            [("billing.deliveries", "delivery.recorded", body["assignment_id"], {**body}) for body in bodies],
        )


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


def _letter(message: Any) -> bytes:
    now = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    return (
        f"From: Waybill <{SENDER}>\r\nTo: {message['recipient']}\r\nDate: {now}\r\nSubject: A new lead\r\n"
        f"Message-ID: <{message['id']}@waybill.example>\r\n\r\n{_name(message)} would like a quote.\r\n"
    ).encode()


def _name(message: Any) -> str:
    sealed = b64decode(message["sealed"])
    opened = AESGCM(message["key"]).decrypt(sealed[:12], sealed[12:], str(message["lead_id"]).encode())
    return str(json.loads(opened)["name"])


async def run(options: argparse.Namespace) -> None:
    station: Any
    match options.service:
        case "routing":
            station = Routing(options.database, options.kafka, "routing")
            await station.open()
            await station.consume("intake.leads", {"lead.created": station.on_lead})
            await station.consume("notifications.messages", {"message.accepted": station.on_accepted})
        case "notifications":
            station = Notifications(options.database, options.kafka, "notifications", options.smtp)
            await station.open()
            station.spawn(station.send_for_ever())
            await station.consume("intake.lead_keys", {"lead_key.created": station.on_key})
            await station.consume("routing.assignments", {"assignment.created": station.on_assignment})
        case _:
            station = Billing(options.database, options.kafka, "billing")
            await station.open()
            await station.consume("routing.assignments", {"assignment.sent": station.on_sent})
    print("ready", flush=True)
    await station.until_one_fails()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("service", choices=["intake", "routing", "notifications", "billing"])
    parser.add_argument("--database", required=True)
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--port", type=int)
    parser.add_argument("--smtp")
    options = parser.parse_args()
    if options.service == "intake":
        serve(TakingIn(options.database, Intake(options.database, options.kafka, "intake")), options.port)
    else:
        uvloop.run(run(options))


if __name__ == "__main__":
    main()
