"""The events that are sent: leads as intake publishes them, written and encoded by the product."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from chassis import outbox
from chassis.database import Database, create_engine
from chassis.ids import new_id
from contracts.envelope import Envelope, Headers, to_headers
from contracts.intake import LeadCreated
from contracts.values import AustralianState, LeadContact, Location, SelectedPath

SOURCE = "/waybill/intake"
SOURCE_ID = UUID("0199a000-0000-7000-8000-000000000050")
EVENTS_PER_TRANSACTION = 200


def lead_created() -> LeadCreated:
    """Of the size of a real one: 390 bytes of body under eleven headers."""
    lead_id = new_id()
    return LeadCreated(
        lead_id=lead_id,
        source_id=SOURCE_ID,
        selected_path=SelectedPath.COMPARE_QUOTES,
        service="solar-battery",
        location=Location(suburb="Marrickville", state=AustralianState.NSW, postcode="2204"),
        contact=LeadContact(
            name="Mia O'Brien",
            email=f"{lead_id.hex}@example.test",
            phone="+61412345678",
            street="12 Cadogan Street",
        ),
        received_at=datetime.now(UTC),
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A lead's event as it lies in an outbox, for the floors and rivals that have an outbox of their own or none."""

    event_id: UUID
    key: bytes
    headers: Headers
    body: bytes


def rows(count: int) -> Iterator[Row]:
    """The same bytes that `outbox.add` would have written."""
    for _ in range(count):
        event, event_id = lead_created(), new_id()
        envelope = Envelope(
            id=event_id,
            type=event.type,
            source=SOURCE,
            time=datetime.now(UTC),
            subject=event.subject,
            dataschema=event.dataschema(),
            aggregate_version=1,
            correlation_id=str(event_id),
        )
        body = event.model_dump_json(exclude_none=True).encode()
        yield Row(event_id, event.subject.encode(), to_headers(envelope), body)


async def write_burst(url: str, count: int) -> None:
    """`count` events through the product's outbox, in transactions of `EVENTS_PER_TRANSACTION`."""
    database = Database(create_engine(url, pool_size=2), SOURCE)
    try:
        sizes = portions(count)
        # Two connections: the server writes one portion while the next one is encoded.
        await asyncio.gather(*(_write(database, sizes) for _ in range(2)))
    finally:
        await database.close()


def portions(count: int) -> Iterator[int]:
    """The sizes of a burst's transactions."""
    full, rest = divmod(count, EVENTS_PER_TRANSACTION)
    yield from [EVENTS_PER_TRANSACTION] * full
    if rest:
        yield rest


async def _write(database: Database, sizes: Iterator[int]) -> None:
    for portion in sizes:
        async with database.transaction() as session:
            for _ in range(portion):
                outbox.add(session, lead_created(), version=1)
