"""Transactions that commit in another order than the one in which they wrote."""

import asyncio

from tests.faults.fault import Fault, Round
from tests.faults.writers import add_client, change_client, delayed, gate, waiting_writers
from tests.kit.eventually import eventually

WRITERS = 64
CLIENTS = 16


class LaterIdsCommitFirst(Fault):
    """Three interleavings, each of its own to the letter; who is held back is published when it commits, never lost."""

    number = 5
    injects = "a later id that commits first, two transactions on one aggregate, a writer that outlives many reads"
    holds = "no event is lost (I2), each aggregate's versions ascend"

    async def inject(self, at: Round) -> None:
        async with at.rig.hold("intake"):
            for _ in range(at.scale.times):
                slow, quick = [await add_client(at.rig, at.chance.getrandbits(40)) for _ in range(2)]
                await self._later_commits_first(at, slow, quick)
                await self._two_on_one(at, slow)
                await self._outlives_many_reads(at, slow, quick)

    async def _later_commits_first(self, at: Round, slow: str, quick: str) -> None:
        async with asyncio.TaskGroup() as group, gate(at.rig, slow):
            group.create_task(change_client(at.rig, slow, "first to write, last to commit"))
            await eventually(lambda: waiting_writers(at.rig), at.scale.settle_seconds)
            await change_client(at.rig, quick, "last to write, first to commit")
            await self._is_published(at, quick)
        await self._is_published(at, slow)
        at.note("later ids first")

    async def _two_on_one(self, at: Round, client_id: str) -> None:
        """The second waits for the row that the first has locked, and takes the next version."""
        async with asyncio.TaskGroup() as group, gate(at.rig, client_id):
            group.create_task(change_client(at.rig, client_id, "one of two"))
            await eventually(lambda: waiting_writers(at.rig), at.scale.settle_seconds)
            group.create_task(change_client(at.rig, client_id, "two of two"))
            await eventually(lambda: self._waits_for_a_row(at), at.scale.settle_seconds)
        await self._is_published(at, client_id)
        at.note("pairs on one aggregate")

    async def _outlives_many_reads(self, at: Round, slow: str, quick: str) -> None:
        """The relay has read and emptied the outbox time and again before this one commits."""
        async with asyncio.TaskGroup() as group, gate(at.rig, slow):
            group.create_task(change_client(at.rig, slow, "long before, long after"))
            await eventually(lambda: waiting_writers(at.rig), at.scale.settle_seconds)
            for turn in range(10):
                await change_client(at.rig, quick, f"turn {turn}")
                await self._is_published(at, quick)
        await self._is_published(at, slow)
        at.note("outlived reads", 10)

    async def _is_published(self, at: Round, client_id: str) -> None:
        """All that is committed of the client."""

        async def published() -> bool:
            unpublished = await at.checker.read()
            return not any(at.checker.committed[event_id].key == client_id.encode() for event_id in unpublished)

        await eventually(published, at.scale.settle_seconds)

    async def _waits_for_a_row(self, at: Round) -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return await at.rig.number("intake", query) >= 2


class ManyWritersWithDelays(Fault):
    number = 5
    injects = f"{WRITERS} concurrent writers to {CLIENTS} aggregates, each held for a random time before its COMMIT"
    holds = "no event is lost (I2), each aggregate's versions ascend"

    async def inject(self, at: Round) -> None:
        delays = [at.chance.uniform(0, 0.2) for _ in range(97)]
        async with at.rig.hold("intake"):
            await (await at.rig.start("intake", environment={"DATABASE_POOL_SIZE": str(WRITERS + 6)})).until_ready()
            async with delayed(at.rig, delays):
                clients = [await add_client(at.rig, at.chance.getrandbits(40)) for _ in range(CLIENTS)]
                for turn in range(at.scale.times):
                    chosen = at.chance.choices(clients, k=WRITERS)
                    writes = [
                        change_client(at.rig, client, f"turn {turn}, {place}") for place, client in enumerate(chosen)
                    ]
                    await asyncio.gather(*writes)
                    at.note("concurrent writes", WRITERS)
            await at.rig.start("intake")
