"""Events that were written while nobody heard of it, and events that are written long after they were given up."""

import asyncio

from tests.faults.fault import Fault, Round
from tests.faults.points import PRODUCER, Point
from tests.kit import kafka_wire
from tests.kit.proxy import deliver_after, lose_the_answer, pass_on, requests

PUBLISHERS = ("intake", "routing", "notifications", "billing")
PRODUCE_TIMEOUT_MS = 1_500
A_PRODUCE = requests(kafka_wire.PRODUCE)


class AcknowledgementLost(Fault):
    number = 8
    injects = "a Produce request is carried out, and its connection is reset in the place of the answer"
    holds = "the events are sent again: nothing is lost or reordered (I2), and what comes again is absorbed (I3)"

    async def inject(self, at: Round) -> None:
        for _ in range(at.scale.times * 2):
            service = at.chance.choice(PUBLISHERS)
            async with at.rig.hold(service):
                lost = at.rig.order_of_relay(service, lose_the_answer(), A_PRODUCE, skip=at.chance.randint(0, 2))
                await lost.happened(at.scale.settle_seconds)
                at.note("answers lost")


class LateWrite(Fault):
    number = 8
    injects = "a Produce request that the producer gives up, and that reaches the broker after its repetition"
    holds = "nothing is lost or reordered (I2); if it is written a second time, it is absorbed (I3)"

    async def inject(self, at: Round) -> None:
        service = at.chance.choice(PUBLISHERS)
        impatient = Point(PRODUCER, "give", value={"request_timeout_ms": PRODUCE_TIMEOUT_MS})
        async with at.rig.hold(service):
            await (await at.rig.start(service, points=[impatient])).until_ready()
            for _ in range(at.scale.times):
                await self._deliver_late(at, service)
                at.note("late writes")
            await at.rig.start(service)

    async def _deliver_late(self, at: Round, service: str) -> None:
        release = asyncio.Event()
        held = at.rig.order_of_relay(service, deliver_after(release), A_PRODUCE)
        repeated = at.rig.order_of_relay(service, pass_on(), A_PRODUCE, skip=1)
        try:
            await repeated.happened(at.scale.settle_seconds)
        finally:
            release.set()
        await held.happened(at.scale.settle_seconds)
