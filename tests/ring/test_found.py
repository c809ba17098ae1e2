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
SKIPPED, LATE = of_key_0(Flavour.SKIPPED), of_key_0(Flavour.LATE)

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

NOTHING_HEALS = Mutant("nothing heals", "chassis.replay:Replayer.heal", "for lane in lanes:", "for lane in []:", "")

FOUND = [
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
            "if version < position.first:",
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
