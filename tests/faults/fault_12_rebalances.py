"""Partitions that change hands while a batch is in its transaction."""

import asyncio

from tests.faults.fault import Fault, Round
from tests.faults.points import HANDED_OVER, Point
from tests.faults.rig import SESSION_TIMEOUT_SECONDS
from tests.kit.eventually import eventually

CONSUMERS = ("routing", "notifications", "billing", "intake", "payouts")
SECONDS_BETWEEN_MEMBERS = 2


class MembersComeAndGo(Fault):
    number = 12
    injects = f"a member joins or leaves a service's groups every {SECONDS_BETWEEN_MEMBERS} s, at times by kill -9"
    holds = "whatever is in a transaction meanwhile is applied once (I3), and nothing is skipped (I8)"
    kills = True

    async def inject(self, at: Round) -> None:
        service = at.chance.choice(CONSUMERS)
        async with at.rig.hold(service):
            for _ in range(at.scale.times):
                guest = await at.rig.start_another(service)
                await asyncio.sleep(at.chance.uniform(0.5, 1.0) * SECONDS_BETWEEN_MEMBERS)
                at.note("members that came and went")
                if at.chance.random() < 0.5:
                    await guest.kill()
                    at.note("kills")
                else:
                    guest.ask_to_stop()
                    code = await guest.ended()
                    at.require(code == 0, f"a member of {service} that was told to stop ended with {code}")
                await asyncio.sleep(at.chance.uniform(0, 1.0) * SECONDS_BETWEEN_MEMBERS)


class ZombieInItsTransaction(Fault):
    number = 12
    injects = "SIGSTOP of a consumer in its batch's transaction until past its session; another takes over; SIGCONT"
    holds = "the zombie's transaction loses at the inbox or commits once (I3); nobody waits for ever (I7)"

    async def inject(self, at: Round) -> None:
        for _ in range(max(1, at.scale.times // 3)):
            service = at.chance.choice(CONSUMERS)
            async with at.rig.hold(service):
                await self._stop_in_a_transaction(at, service)
                await at.rig.start(service)

    async def _stop_in_a_transaction(self, at: Round, service: str) -> None:
        side = at.chance.choice(("before", "after"))
        point = Point(HANDED_OVER, "stop", "before" if side == "before" else "after", hit=at.chance.randint(1, 3))
        zombie = await at.rig.start(service, points=[point])
        await zombie.until_stopped()
        heir = await at.rig.start_another(service)
        # By then the coordinator has given its partitions to the heir, who finds the same records.
        await asyncio.sleep(SESSION_TIMEOUT_SECONDS * at.chance.uniform(1.2, 2.0))
        at.note("zombies")
        zombie.resume()
        await eventually(lambda: zombie.answers("/health/ready"), at.scale.settle_seconds)
        await eventually(lambda: heir.answers("/health/ready"), at.scale.settle_seconds)
        at.require(zombie.is_running and heir.is_running, f"a member of {service} ended")
        await heir.kill()
