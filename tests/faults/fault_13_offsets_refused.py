"""Offsets that the group's coordinator does not take, or of which nobody hears whether it took them."""

from time import monotonic

from tests.faults.fault import Fault, Round
from tests.kit import kafka_wire
from tests.kit.proxy import Deed, answers, pass_on, rewrite, swallow

GROUPS = (
    "waybill.routing.intake.leads",
    "waybill.routing.notifications.messages",
    "waybill.notifications.routing.assignments",
    "waybill.billing.routing.assignments",
    "waybill.intake.routing.dispatches",
)
"""Those that the load keeps busy."""
ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS = 22, 25, 27


class OffsetCommitRefused(Fault):
    number = 13
    injects = "OffsetCommit is answered with 22 (illegal generation), 25 (unknown member) or 27 (rebalance in progress)"
    holds = "duplicates and nothing else: the member joins again and goes on (I3, I7)"

    async def inject(self, at: Round) -> None:
        for _ in range(at.scale.times):
            for code in (ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS):
                await _until_it_goes_on(at, rewrite(kafka_wire.with_error(code)))
                at.note("offset commits refused")


class OffsetCommitUnanswered(Fault):
    number = 13
    injects = "OffsetCommit is carried out, and its answer never comes"
    holds = "the consumer waits for its time limit, and goes on with duplicates and nothing else (I3, I7)"

    async def inject(self, at: Round) -> None:
        await _until_it_goes_on(at, swallow())
        at.note("offset commits unanswered")


async def _until_it_goes_on(at: Round, deed: Deed) -> None:
    """The group's next commit comes after the one whose answer was spoilt; its service is nobody else's meanwhile."""
    group, answer = at.chance.choice(GROUPS), answers(kafka_wire.OFFSET_COMMIT)
    async with at.rig.hold(group.split(".")[1]):
        spoilt = at.rig.order_of_kafka(group, deed, answer)
        after = at.rig.order_of_kafka(group, pass_on(), answer, skip=1)
        await spoilt.happened(at.scale.settle_seconds)
        began = monotonic()
        await after.happened(at.scale.settle_seconds)
        at.note_seconds("stalled", began)
