"""What databases do to transactions: they restart, lose connections, refuse, deadlock, and run out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from tests.faults.fault import Fault, Round
from tests.faults.load import STREET
from tests.faults.rig import Rig
from tests.faults.writers import add_client, gate, waiting_writers
from tests.kit.eventually import eventually
from tests.kit.proxy import Deed, cut_before, holds, lose_the_answer

SERVICES = ("intake", "routing", "notifications", "billing")
CONSUMERS = ("routing", "notifications", "billing", "intake")
SERIALIZATION_FAILURE, DEADLOCK_DETECTED = "40001", "40P01"
LEAD_STREET = STREET.encode()
POOL_SIZE = 10
"""Of each process, by the settings, and once more for statements that are a transaction each."""
RELAY_SESSIONS = 2

LEFT_BEHIND = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename <> 'postgres'
    AND state LIKE 'idle in transaction%' AND now() - state_change > interval '1 second'
"""
BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename <> 'postgres'"


class DatabaseTrouble(Fault):
    number = 17

    async def verify(self, at: Round) -> None:
        """No backend is leaked, and none sits in a transaction that nobody goes on with."""
        for service in at.rig.pools:
            await eventually(partial(self._nobody_is_left, at.rig, service), at.scale.settle_seconds)
            backends = await at.rig.number(service, BACKENDS)
            at.require(backends <= 2 * POOL_SIZE + RELAY_SESSIONS, f"{service} has {backends} backends")

    async def _nobody_is_left(self, rig: Rig, service: str) -> bool:
        return not await rig.number(service, LEFT_BEHIND)


class ImmediateRestart(DatabaseTrouble):
    injects = "PostgreSQL is restarted as after a power cut, under load"
    holds = "each unit of work is done whole or again (I1, I3); no backend is left, none idle in a transaction"
    is_alone = True

    async def inject(self, at: Round) -> None:
        for _ in range(max(1, at.scale.times // 3)):
            await asyncio.to_thread(at.rig.postgres.restart, immediately=True)
            await at.load.send(10)
            at.note("restarts")


class ConnectionCutAtCommit(DatabaseTrouble):
    injects = "a connection is reset as COMMIT passes: before it is carried out, or in the place of its answer"
    holds = "who does not know the outcome does the whole unit again, and it is there once (I1, I3, I6)"

    async def inject(self, at: Round) -> None:
        for _ in range(at.scale.times * 3):
            service = at.chance.choice(SERVICES)
            done = at.chance.random() < 0.5
            deed: Deed = lose_the_answer() if done else cut_before()
            # A lead is taken in by one statement that is a transaction of its own, without the word.
            decisive = at.chance.choice((b"COMMIT", LEAD_STREET)) if service == "intake" else b"COMMIT"
            cut = at.rig.postgres_proxy.order(
                deed, holds(decisive), of=f"waybill_{service}".encode(), skip=at.chance.randint(0, 3)
            )
            async with asyncio.timeout(at.scale.settle_seconds):
                await cut.happened.wait()
            at.note("commits whose outcome was lost" if done else "commits that were cut off")


class TransactionsRefused(DatabaseTrouble):
    injects = "serialization failures and deadlocks in the transactions of consumers, several in a row"
    holds = "the whole unit is tried again until it is done: nothing is parked for it, each effect is there once (I3)"

    async def inject(self, at: Round) -> None:
        self._parked = await self._failed(at)
        for _ in range(at.scale.times):
            service = at.chance.choice(CONSUMERS)
            state = at.chance.choice((SERIALIZATION_FAILURE, DEADLOCK_DETECTED))
            times = at.chance.randint(1, 6)
            async with refusing(at.rig, service, state, times):
                await eventually(partial(_refused, at.rig, service, times), at.scale.settle_seconds)
            at.note("transactions refused", times)

    async def verify(self, at: Round) -> None:
        await super().verify(at)
        parked = await self._failed(at) - self._parked
        at.require(not parked, f"{parked} events were parked for what passes by itself")

    async def _failed(self, at: Round) -> int:
        query = "SELECT count(*) FROM parked_events WHERE reason_code = 'handler_failed'"
        return sum([await at.rig.number(service, query) for service in CONSUMERS])


class PoolExhausted(DatabaseTrouble):
    injects = "every connection of intake's pool is held by a transaction that does not end"
    holds = "requests are answered with 5xx in time, and once it ends all is done that was asked (I6, I7)"
    is_alone = True

    async def inject(self, at: Round) -> None:
        async with at.rig.hold("intake"):
            client = await add_client(at.rig, at.chance.getrandbits(40))
            before = at.load.statuses[503] + at.load.statuses[500]
            async with asyncio.TaskGroup() as group, gate(at.rig, client):
                for number in range(POOL_SIZE):
                    body = {"billing_address": f"Address {number}"}
                    group.create_task(at.rig.told("PATCH", "intake", f"/admin/clients/{client}", body))
                await eventually(lambda: waiting_writers(at.rig), at.scale.settle_seconds)

                async def turned_away() -> bool:
                    return at.load.statuses[503] + at.load.statuses[500] > before

                await eventually(turned_away, at.scale.settle_seconds)
            at.note("requests turned away", at.load.statuses[503] + at.load.statuses[500] - before)


_REFUSE = """
CREATE SCHEMA refusing;
CREATE SEQUENCE refusing.times MINVALUE 0;
CREATE FUNCTION refusing.refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = refusing AS $$
BEGIN
    -- A sequence goes on counting where the transaction is undone.
    IF nextval('refusing.times') < {times} THEN
        RAISE EXCEPTION 'ordered by a test' USING ERRCODE = '{state}';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER refusing AFTER INSERT ON public.inbox FOR EACH STATEMENT EXECUTE FUNCTION refusing.refuse();
"""


@asynccontextmanager
async def refusing(rig: Rig, service: str, state: str, times: int) -> AsyncIterator[None]:
    """The next transactions that claim events in the service's inbox fail with the SQLSTATE."""
    await rig.execute(service, _REFUSE.format(times=times, state=state))
    try:
        yield
    finally:
        await rig.execute(service, "DROP TRIGGER refusing ON public.inbox; DROP SCHEMA refusing CASCADE")


async def _refused(rig: Rig, service: str, times: int) -> bool:
    query = "SELECT last_value FROM refusing.times WHERE is_called"
    return await rig.number(service, query) >= times
