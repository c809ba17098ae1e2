"""The loop that sends webhooks: takes due ones in hand, calls the installers, and records what came of it.

No transaction is open while an installer is called. What a process had in hand when it died is taken up when its lease
is over, and sent again under the same id: at least once, and billed once (docs/webhooks.md).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.database import Database
from services.routing.commands.outcomes import (
    Outcome,
    fall_back_to_mail,
    give_up_waiting,
    record_accepted,
    record_others,
    record_test,
    unknown,
)
from services.routing.commands.sending import (
    Address,
    Claimed,
    ClaimedTest,
    ClaimTerms,
    claim_deliveries,
    claim_tests,
)
from services.routing.domain.webhooks import ERASED, Judgement, Verdict
from services.routing.queries.sending import expired, is_anything_due
from services.routing.settings import Settings
from services.routing.webhook_gateway import Judged, WebhookGateway

log = structlog.get_logger(__name__)

WAIT_SECONDS = 0.1
"""How long a step waits for an outcome before it looks for more to send."""

TRIES = Counter("waybill_webhook_tries_total", "Tries of webhooks by what became of them", ["verdict"])
SEND_SECONDS = Histogram(
    "waybill_webhook_send_duration_seconds", "One exchange with an installer", buckets=(0.02, 0.1, 0.5, 1, 2, 5, 10)
)
IN_HAND = Gauge("waybill_webhooks_in_hand", "Webhooks that this process is sending")

Recording = Callable[[AsyncSession, Sequence[Outcome], datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ended:
    """An outcome, and where it came from. `test_id` is set where it was a test."""

    address: Address
    outcome: Outcome
    test_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """One try: of an assignment or a test, and the business time when it was claimed."""

    id: UUID
    attempt_no: int
    at: datetime


class WebhookSender:
    def __init__(self, database: Database, clock: Clock, settings: Settings, gateway: WebhookGateway) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._gateway = gateway
        self._sending: set[asyncio.Task[Ended]] = set()
        self._unrecorded: list[Ended] = []

    async def step(self) -> bool:
        """One portion: records what has ended, takes more in hand, waits a moment for outcomes."""
        await self._record()
        await self._take_more()
        if not self._sending:
            return False
        done, _ = await asyncio.wait(self._sending, timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        self._collect(done)
        await self._record()
        return True

    async def close(self) -> None:
        """Sees what is under way to its end. What takes too long is left to its lease."""
        if self._sending:
            done, late = await asyncio.wait(self._sending, timeout=self._settings.graceful_timeout_seconds)
            self._collect(done)
            for task in late:
                task.cancel()
        await self._record()
        await self._gateway.close()

    def _collect(self, done: set[asyncio.Task[Ended]]) -> None:
        for task in done:
            self._sending.discard(task)
            self._unrecorded.append(task.result())
        IN_HAND.set(len(self._sending))

    async def _record(self) -> None:
        """Kept until the database has them: an acceptance that is lost becomes a webhook that is sent twice."""
        await self._record_gone()
        await self._record_by(record_accepted, lambda ended: ended.outcome.verdict is Verdict.ACCEPTED)
        await self._record_by(record_others, lambda ended: ended.outcome.wait is None)
        await self._record_by(record_others, lambda _ended: True)
        for ended in [each for each in self._unrecorded if each.test_id is not None]:
            async with self._database.transaction() as session:
                assert ended.test_id is not None  # noqa: S101  # as chosen just now
                await record_test(session, ended.test_id, ended.outcome, ended.address.url)
            self._unrecorded.remove(ended)

    async def _record_gone(self) -> None:
        """Before the refusal itself: whoever dies between the two is told once more that it is gone."""
        for ended in self._unrecorded:
            if ended.test_id is None and ended.outcome.verdict is Verdict.GONE:
                async with self._database.transaction() as session:
                    await fall_back_to_mail(session, ended.address.installer_id, ended.address.url, self._clock.now())

    async def _record_by(self, recording: Recording, is_chosen: Callable[[Ended], bool]) -> None:
        chosen = [each for each in self._unrecorded if each.test_id is None and is_chosen(each)]
        if not chosen:
            return
        async with self._database.transaction() as session:
            await recording(session, [each.outcome for each in chosen], self._clock.now())
        for each in chosen:
            self._unrecorded.remove(each)

    async def _take_more(self) -> None:
        """Not one by one: a portion is taken when half of what may be in hand is free."""
        room = self._settings.webhook_portion - len(self._sending)
        if self._gateway.keys is None or room * 2 < self._settings.webhook_portion:
            return
        now = self._clock.now()
        async with self._database.reading() as session:
            if not await is_anything_due(session, now):
                return
        await self._take_back(now)
        terms = ClaimTerms(room, self._settings.webhook_lease_seconds, now)
        async with self._database.transaction() as session:
            claimed = await claim_deliveries(session, terms)
        async with self._database.transaction() as session:
            tests = await claim_tests(session, terms)
        self._sending |= {asyncio.create_task(self._send(each)) for each in claimed}
        self._sending |= {asyncio.create_task(self._send_test(each)) for each in tests}
        IN_HAND.set(len(self._sending))

    async def _take_back(self, now: datetime) -> None:
        """What a process left behind is due again; what has waited behind an open breaker for too long is given up."""
        async with self._database.reading() as session:
            left = await expired(session, self._settings.webhook_portion)
        lost = [unknown(id_, attempt_no, now) for id_, attempt_no in left]
        for outcomes in ([o for o in lost if o.wait is None], [o for o in lost if o.wait is not None]):
            if outcomes:
                async with self._database.transaction() as session:
                    await record_others(session, outcomes, now)
        async with self._database.transaction() as session:
            await give_up_waiting(session, now, self._settings.webhook_portion)

    async def _send(self, claimed: Claimed) -> Ended:
        if claimed.body is None:
            now = self._clock.now()
            gone = Judgement(Verdict.REFUSED, ERASED)
            return Ended(claimed.address, Outcome(claimed.assignment_id, claimed.attempt_no, gone, now, now))
        judged = await self._call(str(claimed.assignment_id), claimed.address, claimed.body)
        begun = Begun(claimed.assignment_id, claimed.attempt_no, claimed.claimed_at)
        return Ended(claimed.address, self._outcome(begun, judged))

    async def _send_test(self, claimed: ClaimedTest) -> Ended:
        judged = await self._call(str(claimed.test_id), claimed.address, claimed.body)
        begun = Begun(claimed.test_id, 1, claimed.claimed_at)
        return Ended(claimed.address, self._outcome(begun, judged), claimed.test_id)

    async def _call(self, webhook_id: str, address: Address, body: bytes) -> Judged | None:
        """Never raises: whatever happens is the try's outcome. A fault is told by its name, as it could hold a body."""
        try:
            judged = await self._gateway.send(webhook_id, address, body, self._clock.now())
        except Exception as fault:
            log.error("webhook_broke_off", webhook_id=webhook_id, fault=type(fault).__name__)
            return None
        TRIES.labels(judged.judgement.verdict.value).inc()
        SEND_SECONDS.observe(judged.answer.duration_ms / 1_000)
        return judged

    def _outcome(self, begun: Begun, judged: Judged | None) -> Outcome:
        now = self._clock.now()
        if judged is None:
            return unknown(begun.id, begun.attempt_no, now)
        answer = judged.answer
        return Outcome(
            begun.id,
            begun.attempt_no,
            judged.judgement,
            begun.at,
            now,
            answer.status,
            answer.duration_ms,
            answer.bytes_read,
        )
