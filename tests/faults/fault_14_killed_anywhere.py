"""Processes of every kind that die: at each step of an event's way, and at any other moment."""

import asyncio
import os
import signal
from dataclasses import dataclass
from random import Random

from deploy import SERVICES
from tests.faults.fault import Fault, Round
from tests.faults.points import (
    BATCH_RECEIVED,
    BATCH_SETTLED,
    COMMITTED,
    HANDED_OVER,
    PUBLISHED,
    WRITTEN_AT_ONCE,
    Point,
    Side,
)

KILLS = {"short": 4, "campaign": 60, "long": 120}
"""Of services, in one round: many under one load, with one settling and one check."""
PATIENCE_SECONDS = 4.0
"""What was not reached by then is killed where it is."""
LONGEST_LIFE_SECONDS = 1.5
BACKENDS = """
    SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> 'postgres'
    AND datname = current_database() ORDER BY pid
"""


@dataclass(frozen=True, slots=True)
class Step:
    """Of an event's way through a service, with the side of it on which a process dies."""

    where: str
    side: Side


STEPS = tuple(
    Step(where, side)
    for where in (PUBLISHED, BATCH_RECEIVED, HANDED_OVER, BATCH_SETTLED, COMMITTED)
    for side in ("before", "after")
)
OF_A_LEAD = (Step(WRITTEN_AT_ONCE, "before"), Step(WRITTEN_AT_ONCE, "after"))
SHARES = {"identity": 1, "intake": 3, "routing": 4, "billing": 4, "payouts": 2, "notifications": 4}
"""How often each kind dies, against the others."""


class KilledAnywhere(Fault):
    number = 14
    injects = "kill -9 of all kinds of process at once, at any step of their work; a backend and the broker besides"
    holds = "all of I1 to I8"
    kills = True
    is_alone = True

    async def inject(self, at: Round) -> None:
        kills = KILLS[at.scale.name]
        kinds = at.chance.choices(list(SERVICES), [SHARES[service] for service in SERVICES], k=kills)
        # Each kind's own source of chance: who of them is quicker changes nothing for the others.
        chances = {service: Random(at.chance.random()) for service in SERVICES}  # noqa: S311
        async with asyncio.TaskGroup() as group:
            for service in sorted(set(kinds)):
                group.create_task(self._kill_in_turn(at, service, kinds.count(service), chances[service]))
        if kills >= len(SERVICES):
            await self._kill_a_backend(at)
            await self._kill_the_broker(at)

    async def _kill_in_turn(self, at: Round, service: str, kills: int, chance: Random) -> None:
        async with at.rig.hold(service):
            for _ in range(kills):
                await self._kill_once(at, service, chance)
                at.note("kills")
                at.note(f"of {service}")
            await at.rig.start(service)

    async def _kill_once(self, at: Round, service: str, chance: Random) -> None:
        step = _step_of(service, chance)
        points = [Point(step.where, "kill", step.side, hit=chance.randint(1, 3))] if step else []
        process = await at.rig.start(service, points=points)
        try:
            code = await process.ended(PATIENCE_SECONDS if step else chance.uniform(0, LONGEST_LIFE_SECONDS))
            at.require(code == -signal.SIGKILL, f"{service} ended with {code} in the place of being killed")
        except TimeoutError:
            await process.kill()

    async def _kill_a_backend(self, at: Round) -> None:
        """One of PostgreSQL's own processes: the server ends all the others, and recovers as from a crash."""
        service = at.chance.choice([one for one in SERVICES if one != "identity"])
        await at.rig.processes[service].until_ready()
        rows = await at.rig.rows(service, BACKENDS)
        if rows:
            os.kill(at.chance.choice([row["pid"] for row in rows]), signal.SIGKILL)
            at.note("kills")
            at.note("of a backend")
            await at.load.send(2)

    async def _kill_the_broker(self, at: Round) -> None:
        broker = at.chance.choice(list(at.rig.kafka.servers))
        await asyncio.to_thread(broker.kill)
        at.note("kills")
        at.note("of the broker")
        await at.load.send(2)
        await at.rig.start_broker(broker)


def _step_of(service: str, chance: Random) -> Step | None:
    """None is any moment, as for who has no such steps."""
    if service == "identity" or chance.random() < 0.25:
        return None
    return chance.choice([*STEPS, *OF_A_LEAD * 2] if service == "intake" else STEPS)
