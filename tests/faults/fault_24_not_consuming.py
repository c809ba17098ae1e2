"""Processes that live and do not work: what asks a process whether it is alive has to notice, and starts it anew."""

import asyncio
from time import monotonic

from tests.faults.fault import Fault, Round
from tests.faults.points import BATCH_RECEIVED, STUCK_AFTER, Point
from tests.faults.processes import Process
from tests.kit import kafka_wire
from tests.kit.proxy import requests, swallow

CONSUMERS = ("routing", "notifications", "billing", "intake")
PROBE_SECONDS, PROBE_TIMEOUT_SECONDS, FAILURES = 0.5, 2.0, 3
"""A platform's usual patience, somewhat hurried: so many failures in a row, and the process is killed."""
START_SECONDS = 10.0
STUCK_SECONDS = 5.0


class Stuck(Fault):
    """What both have in common: the platform's part."""

    number = 24
    kills = True

    async def _restart_as_a_platform_does(self, at: Round, process: Process, deadline_seconds: float) -> None:
        began, failures, has_lived = monotonic(), 0, False
        while failures < FAILURES:
            if monotonic() - began > deadline_seconds:
                at.require(False, f"{process.service} was not found to be stuck in {deadline_seconds:.0f} s")
                break
            lives = await process.answers("/health/live", PROBE_TIMEOUT_SECONDS)
            has_lived = has_lived or lives
            is_starting = not has_lived and monotonic() - began < START_SECONDS
            failures = 0 if lives or is_starting else failures + 1
            await asyncio.sleep(PROBE_SECONDS)
        at.note_seconds("until found to be stuck", began)
        await process.kill()
        at.note("kills")
        await at.rig.start(process.service)


class EventLoopBlocked(Stuck):
    injects = "a consumer's process blocks its event loop in the middle of its work"
    holds = "liveness fails, the process is started anew, and all is settled (I7)"

    async def inject(self, at: Round) -> None:
        service = at.chance.choice(CONSUMERS)
        async with at.rig.hold(service):
            seconds = max(30.0, at.scale.hold_seconds)
            blocked = Point(BATCH_RECEIVED, "block", hit=at.chance.randint(1, 4), seconds=seconds)
            process = await at.rig.start(service, points=[blocked])
            await self._restart_as_a_platform_does(at, process, at.scale.settle_seconds)


class RejoinStuck(Stuck):
    injects = "a consumer's request to join its group is never answered"
    holds = "liveness fails as soon as it has been without partitions for too long, and all is settled (I7)"

    async def inject(self, at: Round) -> None:
        group = at.chance.choice(("waybill.routing.intake.leads", "waybill.billing.routing.assignments"))
        service = group.split(".")[1]
        async with at.rig.hold(service):
            swallowed = at.rig.order_of_kafka(group, swallow(), requests(kafka_wire.JOIN_GROUP))
            hurried = Point(STUCK_AFTER, "set", value=STUCK_SECONDS)
            process = await at.rig.start(service, points=[hurried])
            await swallowed.happened(at.scale.settle_seconds)
            await self._restart_as_a_platform_does(at, process, at.scale.settle_seconds)
