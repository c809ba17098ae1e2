"""The rounds of the short form: every fault once, as few rounds as can be told apart.

In a round the faults that may go on beside each other do, and those that stand alone follow one after the other; then
all is settled and checked once. Together are those of which none upsets what another one asks for besides the
invariants: who counts what a relay publishes again is with nobody else who makes it do so, who asks that nothing is
parked is with nobody who parks.
"""

from tests.faults.campaign import Campaign, Planned
from tests.faults.fault import every_fault

SEED = "short"

ROUNDS = {
    "relays that die": (
        "RelayKilledBeforeItDeletes",
        "OffsetCommitRefused",
        "CommitFails",
        "PoisonRecords",
        "PlansEditedAtOnce",
        "HandlerFailsAndRecovers",
    ),
    "relays that die at the answer": (
        "RelayKilledAtTheAnswer",
        "LaterIdsCommitFirst",
        "TransfersInDoubt",
        "PoolExhausted",
    ),
    "webhooks and months": (
        "WebhooksGoneWrong",
        "InvoicedAtOnce",
    ),
    "members that change": (
        "TwoRelaysOfOneShard",
        "ManyWritersWithDelays",
        "StoppedInABatch",
        "MembersComeAndGo",
        "ImmediateRestart",
    ),
    "answers that do not come": (
        "AcknowledgementLost",
        "LateWrite",
        "ProduceRefused",
        "ConnectionCutAtCommit",
        "TransactionsRefused",
        "OffsetCommitUnanswered",
    ),
    "consumers that die": (
        "EventTooLarge",
        "ZombieInItsTransaction",
        "ConsumerKilledBetweenCommits",
        "KilledBeforeItAnswers",
        "EventLoopBlocked",
        "OffsetsExpired",
        "TopicTrimmed",
    ),
    "two releases": (
        "RejoinStuck",
        "StoppedInABatchLongerThanItsGrace",
        "RollingUpgrade",
        "KilledAnywhere",
    ),
    "gaps and copies": (
        "OneKeysGap",
        "OneLeadsGap",
        "OneAssignmentsGap",
        "OneChargesGap",
        "OneExceptionsGap",
        "RecordsComeAgain",
    ),
    "what is held open": ("HeldWriter", "HeldSnapshot", "BrokerDown", "ErasedInFlight"),
}
OF_THREE_BROKERS = {"three brokers": ("LeaderMoved", "CoordinatorMoved")}


async def play_short(campaign: Campaign, name: str, faults: tuple[str, ...]) -> None:
    """A round of these faults holds."""
    known = {fault.__name__: fault for fault in every_fault()}
    # A seed of the round's own: what a source sent in one round it does not send with other content in the next.
    seed = f"{SEED}.{name.replace(' ', '-')}"
    outcome = await campaign.play(Planned(seed, tuple(known[fault] for fault in faults)))
    assert outcome.holds, "\n".join([*outcome.failures, f"again: {outcome.again}"])
