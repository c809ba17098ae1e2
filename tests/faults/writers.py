"""Writers to intake's outbox, and what holds back their transactions: gates that are shut, and delays (gates.py)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from tests.faults.rig import Rig

_WAITING = """
SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.mode = 'ShareLock' AND NOT l.granted
"""


@asynccontextmanager
async def delayed(rig: Rig, delays_seconds: Sequence[float]) -> AsyncIterator[None]:
    """Each event that intake writes in the block takes its turn of the delays."""
    async with rig.pools["intake"].acquire() as connection:
        await connection.executemany("INSERT INTO held.delays VALUES ($1, $2)", list(enumerate(delays_seconds)))
    try:
        yield
    finally:
        await rig.pools["intake"].execute("DELETE FROM held.delays")


@asynccontextmanager
async def gate(rig: Rig, key: UUID | str) -> AsyncIterator[None]:
    """Who writes an event of the key in the block waits until its end with the COMMIT."""
    async with rig.pools["intake"].acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", str(key))
        await _set_gate(rig, "INSERT INTO held.gates VALUES ($1)", key)
        try:
            yield
        finally:
            await _set_gate(rig, "DELETE FROM held.gates WHERE key = $1", key)


async def _set_gate(rig: Rig, statement: str, key: UUID | str) -> None:
    await rig.pools["intake"].execute(statement, str(key).encode())


async def waiting_writers(rig: Rig) -> int:
    """How many transactions wait at a gate."""
    return await rig.number("intake", _WAITING)


async def add_client(rig: Rig, number: int) -> str:
    body = {"name": f"Client {number} Pty Ltd", "billing_email": f"accounts@client-{number}.example"}
    made: dict[str, Any] = await rig.told("POST", "intake", "/admin/clients", body)
    return str(made["id"])


async def change_client(rig: Rig, client_id: str, address: str) -> None:
    await rig.told("PATCH", "intake", f"/admin/clients/{client_id}", {"billing_address": address})
