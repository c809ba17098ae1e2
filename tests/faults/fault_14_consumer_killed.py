"""Consumers that die with their work done and not yet noted at the broker."""

import asyncio
import signal

from tests.faults.fault import Fault, Round
from tests.faults.points import BATCH_SETTLED, Point

CONSUMERS = ("routing", "notifications", "billing", "intake", "payouts")


class ConsumerKilledBetweenCommits(Fault):
    number = 14
    injects = "kill -9 of a consumer between the COMMIT of its batch and the commit of its offsets"
    holds = "every event of the batch comes again, and is absorbed: each effect is there once (I3)"
    kills = True

    async def inject(self, at: Round) -> None:
        services = at.chance.sample(CONSUMERS, k=min(len(CONSUMERS), at.scale.kills))
        shares = [len(range(place, at.scale.kills, len(services))) for place in range(len(services))]
        async with asyncio.TaskGroup() as group:
            for service, kills in zip(services, shares, strict=True):
                group.create_task(self._kill(at, service, kills))

    async def _kill(self, at: Round, service: str, kills: int) -> None:
        async with at.rig.hold(service):
            for _ in range(kills):
                # The first batch of a life is often the one that its predecessor had in hand; payouts has few.
                hit = 1 if service == "payouts" else at.chance.randint(1, 3)
                point = Point(BATCH_SETTLED, "kill", hit=hit)
                process = await at.rig.start(service, points=[point])
                code = await process.ended()
                at.require(code == -signal.SIGKILL, f"{service} ended with {code} in the place of being killed")
                at.note("kills")
            await at.rig.start(service)
