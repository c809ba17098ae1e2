"""Sending money: the calls to Stripe, each between two transactions, never inside one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from chassis.clock import Clock
from chassis.database import Database
from chassis.errors import Refusal
from services.payouts import queries
from services.payouts.commands import payouts as commands
from services.payouts.commands.experts import settle_account
from services.payouts.commands.payouts import Begun, Terms
from services.payouts.domain import AttemptKind, NextStep, PayoutState, step_for_open_attempt
from services.payouts.models import Payout
from services.payouts.settings import Settings
from services.payouts.stripe_gateway import GatewayAway, Refused, TransferGateway

log = structlog.get_logger(__name__)


def machine_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Sender:
    """What sends payouts: the weekly sweep, an operator, and whoever takes up an attempt without an answer."""

    database: Database
    gateway: TransferGateway
    clock: Clock
    settings: Settings
    machine_now: Callable[[], datetime] = machine_now

    @property
    def _terms(self) -> Terms:
        return Terms(
            now=self.clock.now(),
            machine_now=self.machine_now(),
            lease=timedelta(seconds=self.settings.attempt_lease_seconds),
            gnosis_safe_enabled=self.settings.gnosis_safe_enabled,
        )

    async def send(self, payout_id: UUID) -> Payout:
        """One ready payout: the account is asked for, the intent stored, Stripe called, the outcome stored."""
        async with self.database.reading() as session:
            payout, expert = await queries.payout_with_expert(session, payout_id)
            commands.refuse_closed_gates(payout, expert, self.settings.gnosis_safe_enabled)
        payability = await self.gateway.payability(expert.stripe_account_id or "")
        if not payability.can_be_paid:
            async with self.database.transaction() as session:
                return await commands.hold_payout(session, payout_id, "account_not_payable", self.clock.now())
        async with self.database.transaction() as session:
            begun = await commands.begin_transfer(session, payout_id, self._terms)
        return await self._execute(begun)

    async def reverse(self, payout_id: UUID, amount_cents: int, reason: str) -> Payout:
        async with self.database.transaction() as session:
            begun = await commands.begin_reversal(session, payout_id, amount_cents, reason, self._terms)
        return await self._execute(begun)

    async def _execute(self, begun: Begun) -> Payout:
        outcome = await self.gateway.execute(begun.order)
        log.info(
            "attempt_answered",
            payout_id=str(begun.order.payout_id),
            attempt_no=begun.order.attempt_no,
            outcome=type(outcome).__name__,
        )
        async with self.database.transaction() as session:
            return await commands.record_outcome(session, begun.attempt_id, outcome, self._terms)

    async def sweep(self, due_at: datetime) -> None:
        """Sends what is ready, oldest first, as far as the balance goes. Run again, it goes on where it stopped."""
        async with self.database.transaction() as session:
            await queries.open_sweep(session, due_at, self.clock.now())
            waiting = await queries.ready_payouts(session)
        available_cents = await self.gateway.available_cents("AUD") if waiting else 0
        sent: list[Payout] = []
        for payout in waiting:
            if payout.amount_cents > available_cents:
                continue
            settled = await self._send_in_sweep(payout.id)
            if settled is not None and settled.state == PayoutState.SENT:
                sent.append(settled)
                available_cents -= settled.amount_cents
        async with self.database.transaction() as session:
            await queries.close_sweep(session, due_at, self.clock.now(), sent)

    async def _send_in_sweep(self, payout_id: UUID) -> Payout | None:
        """One payout that cannot go does not keep the others from going."""
        try:
            return await self.send(payout_id)
        except Refusal as refusal:
            log.warning("sweep_left_out", payout_id=str(payout_id), code=refusal.code)
            await self._hold_unless_moved(payout_id, refusal)
            return None

    async def _hold_unless_moved(self, payout_id: UUID, refusal: Refusal) -> None:
        reason = refusal.ids.get("reason_code")
        if reason is None:
            return
        async with self.database.transaction() as session:
            await commands.hold_payout(session, payout_id, reason, self.clock.now())

    async def check_account(self) -> bool:
        """Asks Stripe about one account that a webhook spoke of. Whether there was one."""
        async with self.database.reading() as session:
            account_id = await queries.next_account_notice(session)
        if account_id is None:
            return False
        # Taken before the question: a notice that comes meanwhile is asked about again.
        now = self.clock.now()
        payability = await self.gateway.payability(account_id)
        async with self.database.transaction() as session:
            await settle_account(session, account_id, payability, now)
        return True

    async def resolve_open(self) -> bool:
        """Takes up one attempt that has no answer and whose lease has run out. Whether there was one."""
        async with self.database.transaction() as session:
            attempt_id = await queries.next_open_attempt(session, self.machine_now())
            begun = await commands.renew_lease(session, attempt_id, self._terms) if attempt_id else None
            created_at = await queries.attempt_created_at(session, begun.attempt_id) if begun else None
        if begun is None or created_at is None:
            return False
        await self._resolve(begun, created_at)
        return True

    async def _resolve(self, begun: Begun, created_at: datetime) -> None:
        try:
            found = await self.gateway.find(begun.order)
        except GatewayAway as away:
            log.warning("attempt_not_looked_up", payout_id=str(begun.order.payout_id), fault=str(away))
            return
        if found is not None:
            async with self.database.transaction() as session:
                await commands.record_outcome(session, begun.attempt_id, found, self._terms)
            return
        if step_for_open_attempt(created_at, self.clock.now()) is NextStep.SEND_AGAIN:
            await self._execute(begun)
            return
        # Stripe has no such transfer and the key is too old to be sent again: it did not happen.
        code = "never_happened" if begun.order.kind is AttemptKind.TRANSFER else "reversal_never_happened"
        async with self.database.transaction() as session:
            await commands.record_outcome(session, begun.attempt_id, Refused(code, ""), self._terms)
