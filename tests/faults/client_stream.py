"""Events at a rate that requests could not make: clients that change, a hundred in a transaction, as intake does it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from time import monotonic
from uuid import UUID

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.database import Database, create_engine
from contracts.intake import ClientChanged, ClientState
from tests.faults.rig import Rig
from tests.faults.writers import add_client

PORTION = 100
"""Changes of one transaction."""
ADDED_AT_ONCE = 10

# Locks the rows in one direction, and takes each one's next version before its event is written.
_CHANGE = text(
    """
    WITH ours AS (SELECT id FROM clients WHERE id = ANY(:ids) ORDER BY id FOR UPDATE)
    UPDATE clients c SET version = version + 1 FROM ours WHERE c.id = ours.id
    RETURNING c.id, c.version, c.name, c.billing_name, c.billing_email, c.billing_address, c.terms_days
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


@dataclass
class ClientStream:
    database: Database
    clients: Sequence[UUID]
    chance: Random

    async def change(self, session: AsyncSession, ids: Sequence[UUID]) -> None:
        for row in await session.execute(_CHANGE, {"ids": list(ids)}):
            state = ClientState(
                client_id=row.id,
                version=row.version,
                name=row.name,
                billing_name=row.billing_name,
                billing_email=row.billing_email,
                billing_address=row.billing_address,
                terms_days=row.terms_days,
            )
            outbox.add(session, ClientChanged(client_id=row.id, client=state), version=row.version)

    async def run(self, seconds: float, events_per_second: float) -> int:
        """How many were written; late portions follow at once, so that the rate is kept on the whole."""
        began, written = monotonic(), 0
        while (passed := monotonic() - began) < seconds:
            due = int(passed * events_per_second) - written
            if due < PORTION:
                await asyncio.sleep((PORTION - due) / events_per_second)
            await self.burst(PORTION)
            written += PORTION
        return written

    async def burst(self, events: int) -> None:
        for _ in range(0, events, PORTION):
            async with self.database.transaction() as session:
                await self.change(session, self.chance.sample(self.clients, k=PORTION))


@asynccontextmanager
async def client_stream(rig: Rig, chance: Random) -> AsyncIterator[ClientStream]:
    """In the role of intake, with clients of its own."""
    ids: list[UUID] = []
    while len(ids) < PORTION * 2:
        added = (add_client(rig, chance.getrandbits(40)) for _ in range(ADDED_AT_ONCE))
        ids += map(UUID, await asyncio.gather(*added))
    database = Database(create_engine(rig.system.addresses.databases["intake"].url, pool_size=4), "/waybill/intake")
    try:
        yield ClientStream(database, ids, chance)
    finally:
        await database.close()


@asynccontextmanager
async def held_snapshot(rig: Rig, service: str) -> AsyncIterator[None]:
    """A transaction that sees the database as it is now, and keeps every row that dies meanwhile from being removed."""
    async with rig.pools[service].acquire() as connection, connection.transaction(isolation="repeatable_read"):
        await connection.fetchval("SELECT count(*) FROM outbox")
        yield
