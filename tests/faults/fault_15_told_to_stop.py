"""SIGTERM in the middle of a batch."""

import asyncio

from tests.faults.fault import Fault, Round
from tests.faults.points import HANDED_OVER, Point
from tests.kit.eventually import eventually

CONSUMERS = ("routing", "notifications", "billing", "intake")
SHORT_SECONDS, LONG_SECONDS = 1.0, 6.0
GRACE_SECONDS = 2

IN_A_BATCH = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name <> 'relay' AND state = 'idle in transaction'
"""


class ToldToStop(Fault):
    """What both have in common: a batch is held in its transaction, and its process is told to stop there."""

    number = 15

    async def _stop_in_a_batch(self, at: Round, batch_seconds: float, environment: dict[str, str]) -> None:
        service = at.chance.choice(CONSUMERS)
        async with at.rig.hold(service):
            held = Point(HANDED_OVER, "sleep", side="after", hit=at.chance.randint(1, 3), seconds=batch_seconds)
            process = await at.rig.start(service, points=[held], environment=environment)
            await eventually(lambda: self._is_held(at, service), at.scale.settle_seconds)
            process.ask_to_stop()
            code = await process.ended()
            at.require(code == 0, f"{service} was told to stop in a batch and ended with {code}")
            at.note("stops in a batch")
            await self._look(at, service)
            await at.rig.start(service)

    async def _is_held(self, at: Round, service: str) -> bool:
        """In the batch, and still so after a moment: not one that was passing by."""
        if not await at.rig.number(service, IN_A_BATCH):
            return False
        await asyncio.sleep(0.2)
        return bool(await at.rig.number(service, IN_A_BATCH))

    async def _look(self, at: Round, service: str) -> None:
        """No session is left behind by who has ended."""

        async def nobody() -> bool:
            return not await at.rig.number(service, IN_A_BATCH)

        await eventually(nobody, at.scale.settle_seconds)


class StoppedInABatch(ToldToStop):
    injects = "SIGTERM to a consumer in the middle of a batch"
    holds = "the batch is finished and committed, the process ends well and in time, no record is lost (I8)"

    async def inject(self, at: Round) -> None:
        for _ in range(at.scale.times):
            await self._stop_in_a_batch(at, SHORT_SECONDS, {})


class StoppedInABatchLongerThanItsGrace(ToldToStop):
    injects = f"SIGTERM to a consumer in a batch of {LONG_SECONDS:.0f} s, with {GRACE_SECONDS} s to end in"
    holds = "the process ends in time, the batch is undone and comes again: no record is lost (I8) or doubled (I3)"

    async def inject(self, at: Round) -> None:
        grace = {"GRACEFUL_TIMEOUT_SECONDS": str(GRACE_SECONDS)}
        for _ in range(max(1, at.scale.times // 3)):
            await self._stop_in_a_batch(at, LONG_SECONDS, grace)
