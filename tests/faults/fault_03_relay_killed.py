"""Relays that die with their events at the broker and still in the outbox."""

import asyncio
import os
import signal
from abc import abstractmethod

from tests.faults.fault import Fault, Round
from tests.faults.points import PUBLISHED, Point
from tests.faults.processes import Process
from tests.kit import kafka_wire
from tests.kit.proxy import answers, first

PUBLISHERS = ("intake", "routing", "notifications", "billing")
SMALL_BATCH = 20
UNDER_WAY = 2 * SMALL_BATCH
"""What one relay may have sent and not deleted at any time."""


class RelayKilled(Fault):
    """What both ways to die have in common: each service in its turn, and the count of what came again."""

    number = 3
    kills = True
    counts_repeats = True

    async def inject(self, at: Round) -> None:
        self._duplicates_before = at.checker.duplicates.copy()
        self._kills: dict[str, int] = {}
        services = at.chance.sample(PUBLISHERS, k=min(len(PUBLISHERS), at.scale.kills))
        async with asyncio.TaskGroup() as group:
            for place, service in enumerate(services):
                self._kills[service] = len(range(place, at.scale.kills, len(services)))
                group.create_task(self._kill_in_turn(at, service))

    async def _kill_in_turn(self, at: Round, service: str) -> None:
        async with at.rig.hold(service):
            for _ in range(self._kills[service]):
                code = await self._kill_once(at, service)
                at.require(code == -signal.SIGKILL, f"{service} ended with {code} in the place of being killed")
                at.note("kills")
            await at.rig.start(service)

    @abstractmethod
    async def _kill_once(self, at: Round, service: str) -> int:
        """How it ended."""

    async def verify(self, at: Round) -> None:
        again = at.checker.duplicates - self._duplicates_before
        for service, kills in self._kills.items():
            # The death that ends the fault's last life is one more, at any moment.
            most = (kills + 1) * UNDER_WAY
            at.require(again[service] <= most, f"{service} published {again[service]} events again, {most} at the most")


class RelayKilledBeforeItDeletes(RelayKilled):
    injects = "kill -9 of a relay that knows of the broker's acknowledgement and has not deleted yet"
    holds = "nothing is lost or reordered (I2), no more comes again than was under way, and is absorbed (I3)"

    async def _kill_once(self, at: Round, service: str) -> int:
        point = Point(PUBLISHED, "kill", side="after", hit=at.chance.randint(1, 4))
        process = await at.rig.start(service, points=[point], environment=_in_small_batches())
        return await process.ended()


class RelayKilledAtTheAnswer(RelayKilled):
    injects = "kill -9 of a relay at the instant at which the broker's acknowledgement is on its way to it"
    holds = "nothing is lost or reordered (I2), no more comes again than was under way, and is absorbed (I3)"

    async def _kill_once(self, at: Round, service: str) -> int:
        process = await at.rig.start(service, environment=_in_small_batches())
        death, answer = first(lambda: _kill(process)), answers(kafka_wire.PRODUCE)
        ordered = at.rig.order_of_relay(service, death, answer, skip=at.chance.randint(0, 3))
        try:
            return await process.ended()
        finally:
            ordered.withdraw()


def _kill(process: Process) -> None:
    # At once and by its id: the frame passes when this has returned.
    os.kill(process.pid, signal.SIGKILL)


def _in_small_batches() -> dict[str, str]:
    return {"RELAY_BATCH_SIZE": str(SMALL_BATCH)}
