"""Writers to intake's outbox whose transactions are held back: between their last statement and their COMMIT.

A trigger, installed as superuser and unknown to the service, waits there: for a gate that the test holds shut, or for
as long as the next of a list of delays says. So the service commits in an order that is not that of its ids.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from tests.faults.rig import Rig

_INSTALL = """
CREATE SCHEMA IF NOT EXISTS held;
CREATE TABLE IF NOT EXISTS held.gates (key bytea PRIMARY KEY);
CREATE TABLE IF NOT EXISTS held.delays (place bigint PRIMARY KEY, seconds float8 NOT NULL);
CREATE SEQUENCE IF NOT EXISTS held.turns MINVALUE 0;
CREATE OR REPLACE FUNCTION held.hold_back() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = held AS $$
DECLARE
    turn bigint := nextval('held.turns');
BEGIN
    IF EXISTS (SELECT FROM held.gates WHERE key = NEW.key) THEN
        PERFORM pg_advisory_xact_lock_shared(hashtextextended(encode(NEW.key, 'escape'), 0));
    END IF;
    PERFORM pg_sleep(seconds) FROM held.delays
    WHERE place = turn % greatest((SELECT count(*) FROM held.delays), 1);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER zz_held AFTER INSERT ON public.outbox FOR EACH ROW EXECUTE FUNCTION held.hold_back();
"""
_WAITING = """
SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.mode = 'ShareLock' AND NOT l.granted
"""
_REMOVE = "DROP TRIGGER zz_held ON public.outbox; DROP SCHEMA held CASCADE"


@asynccontextmanager
async def held_back(rig: Rig, delays_seconds: Sequence[float] = ()) -> AsyncIterator[None]:
    """Of what intake writes in the block: gates can be shut, and each event takes its turn of the delays."""
    await rig.execute("intake", _INSTALL)
    async with rig.pools["intake"].acquire() as connection:
        await connection.executemany("INSERT INTO held.delays VALUES ($1, $2)", list(enumerate(delays_seconds)))
    try:
        yield
    finally:
        await rig.execute("intake", _REMOVE)


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
