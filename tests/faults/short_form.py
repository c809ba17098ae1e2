"""The rounds of the short form: every fault once, as few rounds as can be told apart.

In a round the faults that may go on beside each other do, and those that stand alone follow one after the other; then
all is settled and checked once. Together are those of which none upsets what another one asks for besides the
invariants: who counts what a relay publishes again is with nobody else who makes it do so, who asks that nothing is
parked is with nobody who parks.
"""

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
        "OneKeysGap",
        "RecordsComeAgain",
        "KilledAnywhere",
    ),
    "what is held open": ("HeldWriter", "HeldSnapshot", "BrokerDown", "ErasedInFlight"),
}
OF_THREE_BROKERS = {"three brokers": ("LeaderMoved", "CoordinatorMoved")}
