"""What the histories have found in the chassis, each as the shortest that shows it; without its cure it shows again."""

from dataclasses import replace

import pytest

from tests.mutants.mutant import Mutant, applied
from tests.ring.histories import history_of, story
from tests.ring.plan import Command, Fault, FaultKind, Flavour, Plan
from tests.ring.watch import Invariant

SCHEDULES = 250


def of_key_0(*flavours: Flavour) -> Command:
    return Command(tuple((0, flavour) for flavour in flavours))


POISON, PLAIN, FLAKY = of_key_0(Flavour.POISON), of_key_0(Flavour.PLAIN), of_key_0(Flavour.FLAKY)
SKIPPED, LATE, LARGE = of_key_0(Flavour.SKIPPED), of_key_0(Flavour.LATE), of_key_0(Flavour.LARGE)

DISCARDED_BEHIND_A_GAP = Plan(
    writers=((POISON, SKIPPED, POISON, PLAIN),),
    members=1, partitions=1, consumer_batch=100, has_operator=True,
)  # fmt: skip
LATE_BEHIND_ANOTHER = Plan(
    writers=(
        (PLAIN,),
        (
            SKIPPED,
            of_key_0(Flavour.FLAKY, Flavour.LATE),
            Command(((1, Flavour.LATE), (1, Flavour.PLAIN), (0, Flavour.PLAIN))),
        ),
    ),
    members=3, partitions=1, relay_batch=1, consumer_batch=2, has_operator=True,
)  # fmt: skip
PARKED_WHERE_IT_WAS_CLOSED = Plan(
    writers=((LATE, SKIPPED, PLAIN, LATE),), faults=(Fault(FaultKind.REBALANCE, 26, 1),),
    partitions=1, relay_batch=1, consumer_batch=100,
)  # fmt: skip
PARKED_AFTER_STANDING_STILL = Plan(
    writers=((PLAIN, FLAKY),),
    faults=(Fault(FaultKind.FREEZE_CONSUMER, 37, 3), Fault(FaultKind.FREEZE_CONSUMER, 32, 9)),
    partitions=1,
)  # fmt: skip
FREED_AFTER_A_READ = Plan(
    writers=((LARGE, PLAIN), (PLAIN, PLAIN, LARGE, PLAIN)), faults=(Fault(FaultKind.FREEZE_SERVICE, 60, 7),),
    members=1, relay_batch=1, consumer_batch=4, has_operator=True,
)  # fmt: skip
GIVEN_UP_BEHIND_ANOTHER = Plan(
    writers=(
        (SKIPPED, of_key_0(Flavour.PLAIN, Flavour.SKIPPED, Flavour.TOO_LARGE)),
        (of_key_0(Flavour.PLAIN, Flavour.SKIPPED), of_key_0(Flavour.PLAIN, Flavour.LATE, Flavour.LATE)),
    ),
    partitions=1, relay_batch=2, consumer_batch=2, has_operator=True,
)  # fmt: skip

NOTHING_HEALS = Mutant("nothing heals", "chassis.replay:Replayer.heal", "for lane in lanes:", "for lane in []:", "")

FOUND = [
    pytest.param(
        FREED_AFTER_A_READ,
        Mutant(
            "what a replay has freed goes at once",
            "chassis.relay:Relay._without_blocked",
            "if lane not in known:",
            "if lane not in self._blocked:",
            "",
        ),
        Invariant.IN_ORDER,
        id="what was read before a replay freed its lane goes behind what the replay put back",
    ),
    pytest.param(
        GIVEN_UP_BEHIND_ANOTHER,
        Mutant(
            "a replay goes behind those for which it was given up",
            "chassis.replay:Replayer._refuse_out_of_order",
            "if version < position.first or is_given_up:",
            "if version < position.first:",
            "",
        ),
        Invariant.APPLIED_IN_ORDER,
        id="what was given up and came behind another event is no surprise to its replay",
    ),
    pytest.param(
        DISCARDED_BEHIND_A_GAP,
        Mutant(
            "a discard closes the gap before it",
            "chassis.parking:_step_over",
            "if position is None or version == position.last + 1:",
            "if True:",
            "",
        ),
        Invariant.NO_GAP,
        id="what is discarded behind a gap closes none",
    ),
    pytest.param(
        LATE_BEHIND_ANOTHER,
        Mutant(
            "a replay goes behind later versions",
            "chassis.replay:Replayer._refuse_out_of_order",
            "if version < position.first or is_given_up:",
            "if False:",
            "",
        ),
        Invariant.APPLIED_IN_ORDER,
        id="what came too late behind another event is no surprise to its replay",
    ),
    pytest.param(
        PARKED_WHERE_IT_WAS_CLOSED,
        NOTHING_HEALS,
        Invariant.NOT_BOTH,
        id="a gap that another member has closed meanwhile is none",
    ),
    pytest.param(
        PARKED_AFTER_STANDING_STILL,
        NOTHING_HEALS,
        Invariant.NOT_BOTH,
        id="what another member could apply meanwhile holds nothing up",
    ),
]


@pytest.mark.parametrize(("plan", "without", "invariant"), FOUND)
def test_is_cured(plan: Plan, without: Mutant, invariant: Invariant) -> None:
    """Whoever comes first, the plan is survived; without its cure there is an order in which it is not."""
    plans = [replace(plan, schedule=schedule) for schedule in range(SCHEDULES)]
    for each in plans:
        assert not history_of(each).violations, story(each)
    with applied(without):
        assert any(invariant in history_of(each).broken() for each in plans)
