"""Two releases at once: producers and consumers of both, events of both, and all of history once more."""

from uuid import UUID

from contracts.registry import EVENTS
from deploy import SERVICES
from tests.faults.checker import Committed
from tests.faults.fault import Fault, Round
from tests.faults.fault_23_offsets_gone import forget
from tests.faults.points import EVENT_MODELS, Point
from tests.faults.processes import Process
from tests.faults.subscriptions import SUBSCRIPTIONS

NEXT_RELEASE = Point(EVENT_MODELS, "grow", value="said_by_the_next_release")
"""Every event has one optional field more, and a schema one version up."""
UPGRADED = tuple(service for service in SERVICES if service != "identity")
LEADS_OF_EACH = 6
OF_ORDER = ["version_gap", "version_passed", "behind_a_parked_event"]
"""For these an event is parked whatever it holds."""


class RollingUpgrade(Fault):
    number = 22
    injects = "each service beside its next release, whose events have a field more; then a replay of all history"
    holds = "old and new read each other's events, none is parked, and the replay changes nothing (I3, I8)"

    async def inject(self, at: Round) -> None:
        self._before = set(at.checker.committed)
        for service in at.chance.sample(UPGRADED, k=len(UPGRADED)):
            async with at.rig.hold(service):
                await self._upgrade(at, service)
        await at.load.send(LEADS_OF_EACH)
        service = at.chance.choice([one for one in UPGRADED if one != "intake"])
        async with at.rig.hold(service):
            await self._replay_history(at, service)
        # Back to the release before, which finds what the next one wrote.
        for service in UPGRADED:
            async with at.rig.hold(service):
                await at.rig.start(service)

    async def _upgrade(self, at: Round, service: str) -> None:
        """The new one beside the old one, then in its place."""
        beside: Process = await at.rig.start_another(service, points=[NEXT_RELEASE])
        await beside.until_ready()
        await at.load.send(LEADS_OF_EACH)
        await (await at.rig.start(service, points=[NEXT_RELEASE])).until_ready()
        beside.ask_to_stop()
        await beside.ended()
        at.note("services upgraded")

    async def _replay_history(self, at: Round, service: str) -> None:
        await at.rig.processes[service].kill()
        groups = [one.consumer for one in SUBSCRIPTIONS if one.service == service]
        await forget(at, groups)
        await at.rig.start(service, points=[NEXT_RELEASE])
        at.note("groups that read all of history again", len(groups))

    async def verify(self, at: Round) -> None:
        fresh = [at.checker.committed[event_id] for event_id in self._fresh(at)]
        of_the_next = sum(_schema_version(event) > EVENTS[event.type].schema_version for event in fresh)
        at.require(
            0 < of_the_next < len(fresh), f"events of one release alone were written: {of_the_next} of {len(fresh)}"
        )
        at.note("events of the next release", of_the_next)
        for service, pool in at.rig.pools.items():
            reasons = await pool.fetch(
                "SELECT DISTINCT reason_code FROM parked_events WHERE event_id = ANY($1) AND reason_code <> ALL($2)",
                [*self._fresh(at)],
                OF_ORDER,
            )
            at.require(not reasons, f"{service} parked events of another release: {reasons}")

    def _fresh(self, at: Round) -> set[UUID]:
        return at.checker.committed.keys() - self._before


def _schema_version(event: Committed) -> int:
    return int((dict(event.headers)["ce_dataschema"] or b"").rpartition(b":")[2])
