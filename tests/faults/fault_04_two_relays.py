"""Two relays of one shard: one that was stopped with its rows in hand, and one that took over meanwhile."""

from tests.faults.fault import Fault, Round
from tests.faults.points import PUBLISHED, Point
from tests.kit.eventually import eventually

PUBLISHERS = ("routing", "notifications", "billing")

LEADERS = """
    SELECT a.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND a.application_name = 'relay' AND a.datname = current_database()
"""


class TwoRelaysOfOneShard(Fault):
    number = 4
    injects = "SIGSTOP of a relay with a batch in hand; its session ends, another relay takes over, then SIGCONT"
    holds = "first occurrences keep each key's order (I2), what comes again is absorbed (I3)"

    async def inject(self, at: Round) -> None:
        service = at.chance.choice(PUBLISHERS)
        async with at.rig.hold(service):
            for _ in range(at.scale.times):
                await self._overlap(at, service)
            await at.rig.start(service)

    async def _overlap(self, at: Round, service: str) -> None:
        side = at.chance.choice(("before", "after"))
        point = Point(PUBLISHED, "stop", "before" if side == "before" else "after", hit=at.chance.randint(2, 6))
        first = await at.rig.start(service, points=[point], environment={"RELAY_BATCH_SIZE": "20"})
        await eventually(lambda: self._is_led(at, service), at.scale.settle_seconds)
        # It waits for the lock, beside the one that has it.
        second = await at.rig.start_another(service)
        await first.until_stopped()
        # As a server does with the session of a client that it has given up.
        await at.rig.pools[service].fetch(f"SELECT pg_terminate_backend(pid) FROM ({LEADERS}) AS leaders")
        await eventually(lambda: self._has_published_all(at, service), at.scale.settle_seconds)
        first.resume()
        at.note("overlaps")
        await eventually(lambda: first.answers("/health/live"), at.scale.settle_seconds)
        at.require(first.is_running and second.is_running, f"a relay of {service} ended")
        await second.kill()

    async def _has_published_all(self, at: Round, service: str) -> bool:
        """Whoever leads now, and there is one."""
        if not await self._is_led(at, service):
            return False
        unpublished = await at.checker.read()
        return not any(at.checker.committed[event_id].service == service for event_id in unpublished)

    async def _is_led(self, at: Round, service: str) -> bool:
        return bool(await at.rig.pools[service].fetch(LEADERS))
