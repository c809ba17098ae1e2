"""Rounds: faults under load, then quiet, then the check. Planned by the seed, grouped by the servers they need."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from traceback import extract_tb

from contracts.topics import TOPICS
from tests.faults.checker import Checker
from tests.faults.fault import Fault, Round, Scale, chance_of
from tests.faults.load import Load
from tests.faults.log_reader import LogReader
from tests.faults.rig import Rig, open_rig
from tests.faults.settling import NotSettled, until_settled

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Planned:
    """`seed` is the round's own, from which it can be repeated alone."""

    seed: str
    faults: tuple[type[Fault], ...]

    @property
    def needs_cluster(self) -> bool:
        return any(fault.needs_cluster for fault in self.faults)

    @property
    def numbers(self) -> str:
        return "+".join(str(fault.number) for fault in self.faults)

    def command(self, scale: str) -> str:
        """What plays this round again, alone."""
        faults = "+".join(fault.__name__ for fault in self.faults)
        return f"make faults ROUNDS=1 SEED={self.seed} ONLY={faults} FORM={scale}"


@dataclass
class Outcome:
    planned: Planned
    scale: str = "campaign"
    figures: Counter[str] = field(default_factory=Counter)
    longest_seconds: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
    settled_after_seconds: float = 0.0

    @property
    def holds(self) -> bool:
        return not self.failures

    @property
    def again(self) -> str:
        return self.planned.command(self.scale)

    def __str__(self) -> str:
        figures = ", ".join(f"{count} {what}" for what, count in self.figures.items())
        slowest = "".join(f"; {what} {seconds:.1f} s" for what, seconds in self.longest_seconds.items())
        slowest += "".join(f"; {what} x{ratio:.2f}" for what, ratio in self.ratios.items())
        verdict = "holds" if self.holds else "DOES NOT HOLD"
        seen = ", ".join(f"{name} {count:,}" for name, count in self.seen.items())
        return (
            f"fault {self.planned.numbers} {verdict} in {self.seconds:.1f} s, settled after "
            f"{self.settled_after_seconds:.1f} s: {figures}{slowest}; {seen}"
        )


def plan(seed: str, rounds: int, sets: Sequence[tuple[type[Fault], ...]]) -> list[Planned]:
    """Every round one of `sets`, none a second time before all had their turn."""
    chance = chance_of(seed)
    planned: list[Planned] = []
    left: list[tuple[type[Fault], ...]] = []
    for number in range(rounds):
        left = left or chance.sample(sets, k=len(sets))
        # The seed of a single round is the round's own, so that the printed command repeats it.
        planned.append(Planned(seed if rounds == 1 else f"{seed}.{number}", left.pop()))
    return planned


class Campaign:
    """On one rig, one round after the other."""

    def __init__(self, rig: Rig, scale: Scale, tell: Tell) -> None:
        self.rig = rig
        self.scale = scale
        self._tell = tell
        self.load = Load(rig, chance_of("load"))
        stripe = rig.system.addresses.stripe
        assert stripe is not None
        topics = [topic.name for topic in TOPICS]
        self.checker = Checker(rig.pools, LogReader(rig.bootstrap_servers, topics), rig.running.client, stripe.api_base)

    async def open(self) -> None:
        await self.load.open()
        await until_settled(self.rig, self.checker, self.scale.settle_seconds)

    async def play(self, planned: Planned) -> Outcome:
        began = monotonic()
        self.load.chance = self.load.boards.chance = chance_of(f"{planned.seed}/load")
        at = Round(self.rig, self.load, self.checker, chance_of(f"{planned.seed}/{planned.numbers}"), self.scale)
        outcome = Outcome(planned, self.scale.name, at.figures, at.longest_seconds, at.ratios, failures=at.failures)
        before = self.checker.duplicates.total()
        faults = [fault() for fault in planned.faults]
        try:
            await self._inject(at, faults)
        except Exception as fault:
            # What could not be done is no proof of anything: the round fails, and all is looked at all the same.
            outcome.failures += told(fault)
        await self._look(at, faults, outcome)
        outcome.seen["published again in this round"] = self.checker.duplicates.total() - before
        outcome.seconds = monotonic() - began
        self._say(outcome)
        return outcome

    async def _inject(self, at: Round, faults: Sequence[Fault]) -> None:
        """Those that may go on beside each other do; the others follow, one after the other."""
        async with self.load.running(self.scale.leads_per_second, self.scale.boards_per_second):
            try:
                async with asyncio.TaskGroup() as group:
                    for fault in faults:
                        if not fault.is_alone:
                            group.create_task(fault.inject(at))
                for fault in faults:
                    if fault.is_alone:
                        await self.rig.mend()
                        await fault.inject(at)
            finally:
                self._take_back()
                await self.rig.mend()

    async def _look(self, at: Round, faults: Sequence[Fault], outcome: Outcome) -> None:
        try:
            outcome.settled_after_seconds = await until_settled(self.rig, self.checker, self.scale.settle_seconds)
        except NotSettled as stuck:
            # Whatever is missing may still be on its way: what was seen to be wrong is told, and no more.
            await self.checker.read()
            outcome.failures += [str(stuck), *self.checker.take_found().broken]
            return
        for fault in faults:
            await fault.verify(at)
        verdict = await self.checker.check(self.load.answers)
        outcome.failures += verdict.broken
        outcome.seen = verdict.seen
        outcome.seen["absorbed by inboxes"] = await self._absorbed()

    def _take_back(self) -> None:
        for proxy in (self.rig.postgres_proxy, *self.rig.kafka_proxies.values()):
            proxy.orders.clear()
            proxy.delay_seconds = 0
            proxy.resume()

    async def _absorbed(self) -> int:
        """Duplicates that the consumers living now have met in their inboxes."""
        counted = 0.0
        for process in self.rig.processes.values():
            metrics = await self.rig.running.metrics(process.service)
            counted += sum(
                value
                for (name, labels), value in metrics.items()
                if name == "waybill_consumer_records_total" and "duplicate" in labels
            )
        return int(counted)

    def _say(self, outcome: Outcome) -> None:
        self._tell(str(outcome))
        for failure in outcome.failures:
            self._tell(f"  {failure}")
        if not outcome.holds:
            self._tell(f"  again: {outcome.again}")


def told(fault: BaseException) -> list[str]:
    """Each cause, with the place in the campaign where it came up."""
    if isinstance(fault, BaseExceptionGroup):
        return [line for cause in fault.exceptions for line in told(cause)]
    ours = [frame for frame in extract_tb(fault.__traceback__) if "/tests/faults/" in frame.filename]
    place = f" ({Path(ours[-1].filename).name}:{ours[-1].lineno})" if ours else ""
    return [f"{type(fault).__name__}: {fault}{place}"]


@asynccontextmanager
async def campaign_on(room: Path, scale: Scale, tell: Tell, *, is_cluster: bool) -> AsyncIterator[Campaign]:
    async with open_rig(room, is_cluster=is_cluster) as rig:
        campaign = Campaign(rig, scale, tell)
        try:
            await campaign.open()
            yield campaign
        finally:
            await campaign.checker.log.close()


async def play_all(
    planned: Sequence[Planned], room: Path, scale: Scale, tell: Tell, enough: Callable[[list[Outcome]], bool]
) -> list[Outcome]:
    """Those that need one broker first, then those that need three; until `enough`."""
    outcomes: list[Outcome] = []
    for is_cluster in (False, True):
        left = [one for one in planned if one.needs_cluster is is_cluster]
        while left and not enough(outcomes):
            async with campaign_on(room, scale, tell, is_cluster=is_cluster) as campaign:
                while left and not enough(outcomes):
                    outcomes.append(await campaign.play(left.pop(0)))
                    if not outcomes[-1].holds:
                        # What did not hold in one round would not hold in the next ones either.
                        break
    return outcomes
