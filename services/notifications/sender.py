"""The loop that sends: takes due messages in hand, hands them to the servers, and records what became of them.

No transaction is open while a server is talked to. What this process has in hand it keeps on a lease that it renews;
when it dies, the leases run out and another process takes the messages up (docs/decisions/mail-outcome-unknown.md).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

import structlog
from prometheus_client import Counter, Gauge, Histogram

from chassis.clock import Clock
from chassis.database import Database
from chassis.telemetry.traces import SpanKind, span
from services.notifications.commands.accounts import DEFAULT_ACCOUNT, AccountProfile, keep_default_account
from services.notifications.commands.claims import Claimed, ClaimTerms, claim_messages, renew_leases
from services.notifications.commands.outcomes import Outcome, RecordTerms, record_outcomes
from services.notifications.domain.replies import Phase, Reply, Verdict
from services.notifications.queries.messages import is_anything_due
from services.notifications.rendering import Renderer, sha256_of
from services.notifications.settings import DEFAULT_SECRET, Settings
from services.notifications.smtp_gateway import Letter, SmtpGateway, SmtpServer

log = structlog.get_logger(__name__)

WAIT_SECONDS = 0.1
"""How long a step waits for an outcome before it looks for more to send."""

TRIES = Counter("waybill_mail_tries_total", "Tries of mails by what became of them", ["purpose", "verdict"])
SEND_SECONDS = Histogram(
    "waybill_mail_send_duration_seconds", "One exchange with a mail server", buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 60)
)
IN_HAND = Gauge("waybill_mails_in_hand", "Mails that this process is sending")


@dataclass(frozen=True, slots=True)
class SenderParts:
    """What the composition root gives the sender. `machine_now` is no business time: it is the Date of mails."""

    database: Database
    clock: Clock
    settings: Settings
    gateway: SmtpGateway
    renderer: Renderer
    machine_now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Sender:
    def __init__(self, parts: SenderParts) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._sending: dict[asyncio.Task[Outcome], Claimed] = {}
        self._unrecorded: list[Outcome] = []
        self._renew_at = 0.0
        self._has_default_account = False
        self._woken = asyncio.Event()

    async def step(self) -> bool:
        """One portion: records what has ended, takes more in hand, waits a moment for outcomes."""
        await self._record()
        await self._keep_default_account()
        await self._take_more()
        if not self._sending:
            return False
        self._collect(await self._some_ended())
        await self._record()
        await self._renew()
        return True

    def wake(self) -> None:
        """There is more to send: do not wait for what is under way."""
        self._woken.set()

    async def _some_ended(self) -> set[asyncio.Task[Outcome]]:
        """What has ended after a moment at the most; none where the wait was cut short by `wake`."""
        woken = asyncio.create_task(self._woken.wait())
        done, _ = await asyncio.wait({*self._sending, woken}, timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        woken.cancel()
        self._woken.clear()
        return {task for task in self._sending if task in done}

    async def close(self) -> None:
        """Sees what is under way to its end. What takes too long is left to its lease."""
        if self._sending:
            done, late = await asyncio.wait(self._sending, timeout=self._settings.graceful_timeout_seconds)
            self._collect(done)
            for task in late:
                task.cancel()
        await self._record()
        await self._parts.gateway.close()

    def _collect(self, done: set[asyncio.Task[Outcome]]) -> None:
        for task in done:
            claimed = self._sending.pop(task)
            outcome = task.result()
            self._unrecorded.append(outcome)
            TRIES.labels(claimed.purpose, outcome.verdict).inc()
        IN_HAND.set(len(self._sending))

    async def _record(self) -> None:
        """Kept until the database has them: an outcome that is lost becomes a mail that is sent twice."""
        if not self._unrecorded:
            return
        outcomes = list(self._unrecorded)
        terms = RecordTerms(self._parts.clock.now(), self._settings.zone, self._settings.suppression_days)
        async with self._parts.database.transaction() as session:
            await record_outcomes(session, outcomes, terms)
        del self._unrecorded[: len(outcomes)]

    async def _keep_default_account(self) -> None:
        if self._has_default_account:
            return
        async with self._parts.database.transaction() as session:
            await keep_default_account(session, default_profile(self._settings), self._parts.clock.now())
        self._has_default_account = True

    async def _take_more(self) -> None:
        """Not one by one: a portion is taken when half of what may be in hand is free."""
        room = self._settings.send_portion - len(self._sending)
        if room * 2 < self._settings.send_portion:
            return
        for claimed in await self._claim(room):
            task = asyncio.create_task(self._send(claimed), name=f"mail-{claimed.message_id}")
            self._sending[task] = claimed
        IN_HAND.set(len(self._sending))

    async def _claim(self, room: int) -> list[Claimed]:
        now = self._parts.clock.now()
        async with self._parts.database.reading() as session:
            if not await is_anything_due(session, now):
                return []
        terms = ClaimTerms(
            room=room,
            lease_seconds=self._settings.send_lease_seconds,
            now=now,
            machine_now=self._parts.machine_now(),
            zone=self._settings.zone,
        )
        async with self._parts.database.transaction() as session:
            return await claim_messages(session, terms)

    async def _renew(self) -> None:
        if not self._sending or monotonic() < self._renew_at:
            return
        in_hand = [(claimed.message_id, claimed.attempt_no) for claimed in self._sending.values()]
        async with self._parts.database.transaction() as session:
            await renew_leases(session, in_hand, self._settings.send_lease_seconds)
        self._renew_at = monotonic() + self._settings.send_lease_seconds / 4

    async def _send(self, claimed: Claimed) -> Outcome:
        """Never raises: whatever happens is the try's outcome."""
        with span(
            "mail send", parent_traceparent=claimed.traceparent, kind=SpanKind.CLIENT, purpose=claimed.purpose.value
        ):
            letter = self._letter(claimed)
            if letter is None:
                return _without_reply(claimed, Verdict.NOT_RENDERED)
            try:
                reply = await self._hand_over(claimed, letter)
            except Exception as fault:
                log.exception("mail_broke_off", message_id=str(claimed.message_id), fault=type(fault).__name__)
                return _without_reply(claimed, Verdict.OUTCOME_UNKNOWN)
            return Outcome.of(claimed.message_id, claimed.attempt_no, claimed.account_id, reply, sha256_of(letter))

    def _letter(self, claimed: Claimed) -> Letter | None:
        """None where this release cannot make it; another may, so the message is not lost."""
        try:
            return self._parts.renderer.letter(claimed)
        except Exception as fault:
            log.exception("mail_not_rendered", message_id=str(claimed.message_id), fault=type(fault).__name__)
            return None

    async def _hand_over(self, claimed: Claimed, letter: Letter) -> Reply:
        server = self._server(claimed)
        if server is None:
            return Reply(Phase.AUTHENTICATE, 535, "5.7.0 no SMTP URL is configured under the account's secret name")
        started = monotonic()
        reply = await self._parts.gateway.send(server, letter)
        SEND_SECONDS.observe(monotonic() - started)
        return reply

    def _server(self, claimed: Claimed) -> SmtpServer | None:
        url = self._settings.smtp_secret(claimed.secret_name)
        with suppress(ValueError):
            return SmtpServer.of_url(url) if url else None
        return None


def default_profile(settings: Settings) -> AccountProfile:
    return AccountProfile(
        name=DEFAULT_ACCOUNT,
        from_address=settings.mail_from_address,
        from_name=settings.mail_from_name,
        secret_name=DEFAULT_SECRET,
        daily_cap=settings.default_daily_cap,
    )


def _without_reply(claimed: Claimed, verdict: Verdict) -> Outcome:
    return Outcome(claimed.message_id, claimed.attempt_no, claimed.account_id, verdict)
