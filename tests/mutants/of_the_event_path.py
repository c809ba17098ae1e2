"""Nine mutants of the event path, each with the invariant by which the ring knows it."""

from tests.mutants.mutant import Mutant
from tests.ring.watch import Invariant

MUTANTS: dict[Mutant, Invariant] = {
    Mutant(
        "commit offsets first",
        "chassis.subscribers:Subscription._consume",
        "    try:\n        await self.runtime.process(records)",
        "    try:\n        await self._commit(records)\n        await self.runtime.process(records)",
        "At most once: a consumer that is killed between the two has lost what it had fetched.",
    ): Invariant.APPLIED_OR_PARKED,
    Mutant(
        "drop the inbox",
        "chassis.inbox:claim",
        'claimed = await session.scalars(_CLAIM, {"consumer": consumer, "event_ids": sorted(set(event_ids))})',
        "claimed = set(event_ids)",
        "Every redelivery is an effect more.",
    ): Invariant.APPLIED_ONCE,
    Mutant(
        "publish before commit",
        "chassis.database:Database.transaction",
        "await session.commit()",
        "async with self._sessions() as ahead:\n"
        "            ahead.sync_session.info['outbox.pending'] = session.sync_session.info.pop('outbox.pending', [])\n"
        "            await ahead.commit()\n"
        "        await session.commit()",
        "The events go out in a transaction of their own: one whose command then fails tells of what never was.",
    ): Invariant.RECORDED,
    Mutant(
        "reorder a key",
        "chassis.publishing:Publisher.submit",
        "for row in rows:",
        "for row in reversed(list(rows)):",
        "What was read together is sent backwards.",
    ): Invariant.IN_ORDER,
    Mutant(
        "swallow an exception",
        "chassis.runtime:ConsumerRuntime._attempt_patiently",
        "return fault",
        "return None",
        "A batch that fails counts as done: its events are neither applied nor parked.",
    ): Invariant.APPLIED_OR_PARKED,
    Mutant(
        "delete before acknowledgement",
        "chassis.publishing:Publisher.submit",
        "self.in_flight.add(row[0])",
        "self.in_flight.add(row[0])\n        self._acknowledged.append(row)",
        "A row counts as acknowledged when it is queued: what the broker never gets is lost.",
    ): Invariant.PUBLISHED,
    Mutant(
        "ack a parked batch",
        "chassis.runtime:ConsumerRuntime._park",
        'attempt += 1\n            await self._pause(attempt, "database")',
        "return",
        "Parking fails for a passing cause, and the batch counts as settled: its offsets are committed.",
    ): Invariant.APPLIED_OR_PARKED,
    Mutant(
        "two relays without a lock",
        "chassis.pending:PendingSet.take_shard",
        "return bool(taken)",
        "return True",
        "Both lead. Order and effects stay right, as each sends all that is pending in order and the inbox absorbs "
        "the rest, which is what lets two relays overlap for a moment. But every event goes out twice for good: "
        "where no fault struck, once is what is promised.",
    ): Invariant.ONCE_WITHOUT_FAULTS,
    Mutant(
        "lose the last of a batch",
        "chassis.publishing:Publisher._build",
        "batch.close()",
        "if len(rows) > 1:\n        batch.entries.pop()\n    batch.close()",
        "One event fewer is sent than counts as sent.",
    ): Invariant.PUBLISHED,
}
