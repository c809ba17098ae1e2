"""Sending money: the calls to Stripe, each between two transactions, never inside one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import structlog

from chassis.audit import Actor
from chassis.clock import Clock
from chassis.database import Database
from services.payouts import queries
from services.payouts.commands import attempts, payouts
from services.payouts.commands.approvals import Asking, ask_for_run
from services.payouts.commands.attempts import Begun, Reversal, Terms
from services.payouts.commands.experts import settle_account, take_account_notice
from services.payouts.domain import AttemptKind, NextStep, is_doubtful, step_for_open_attempt
from services.payouts.errors import NotReversible, StripeAway, StripeNotConfigured
from services.payouts.models import Attempt, Payout
from services.payouts.settings import Settings
from services.payouts.stripe_gateway import Refused, StripeGateway, Unknown

log = structlog.get_logger(__name__)

AnswerT = TypeVar("AnswerT")


def machine_now() -> datetime:
    return datetime.now(UTC)


def answered(answer: AnswerT | Unknown) -> AnswerT:
    """What Stripe said to a question. Raises StripeAway where it said nothing."""
    if isinstance(answer, Unknown):
        raise StripeAway(f"it gave no answer: {answer.reason}")
    return answer


@dataclass
class Sender:
    """What sends payouts: the weekly sweep, an operator, and whoever takes up an attempt without an answer.

    Without a key there is no gateway: nothing goes, and the sweep says what is left.
    """

    database: Database
    gateway: StripeGateway | None
    clock: Clock
    settings: Settings
    machine_now: Callable[[], datetime] = machine_now

    @property
    def stripe(self) -> StripeGateway:
        """Raises StripeNotConfigured where there is none."""
        if self.gateway is None:
            raise StripeNotConfigured("set STRIPE_API_KEY")
        return self.gateway

    def refuse_without_key(self) -> None:
        """Before anything is written that only Stripe could make true."""
        _ = self.stripe

    @property
    def _terms(self) -> Terms:
        return Terms(
            now=self.clock.now(),
            machine_now=self.machine_now(),
            lease=timedelta(seconds=self.settings.attempt_lease_seconds),
            gnosis_safe_enabled=self.settings.gnosis_safe_enabled,
        )

    async def send(self, payout_id: UUID, approver: Actor | None = None) -> Payout:
        """One ready payout: the account is asked for, the intent stored, Stripe called, the outcome stored."""
        async with self.database.reading() as session:
            payout, expert = await queries.payouts.payout_with_expert(session, payout_id)
            payouts.refuse_unready(payout, expert, self.settings.gnosis_safe_enabled)
        payability = answered(await self.stripe.payability(expert.stripe_account_id or ""))
        if not payability.can_be_paid:
            async with self.database.transaction() as session:
                return await payouts.hold_payout(session, payout_id, "account_not_payable", self.clock.now())
        async with self.database.transaction() as session:
            begun = await attempts.begin_transfer(session, payout_id, self._terms, approver)
        return await self._execute(begun)

    async def run(self, payout_id: UUID, operator: Actor) -> bool:
        """By hand: whether it was sent, or now waits for a second operator."""
        self.refuse_without_key()
        asking = Asking(
            payout_id, timedelta(hours=self.settings.approval_hours), self.settings.gnosis_safe_enabled, operator
        )
        async with self.database.transaction() as session:
            is_approved = await ask_for_run(session, asking, self.clock.now())
        if is_approved:
            await self.send(payout_id, operator)
        return is_approved

    async def reverse(self, reversal: Reversal, operator: Actor) -> Attempt:
        """The attempt as it stands: still open where the answer was lost, or another request is at it."""
        self.refuse_without_key()
        found_id = await self._found_after_all(reversal.payout_id, AttemptKind.REVERSAL, operator)
        if found_id not in (None, reversal.id):
            raise NotReversible("an earlier reversal did go through: look again", payout_id=reversal.payout_id)
        async with self.database.transaction() as session:
            begun = await attempts.begin_reversal(session, reversal, operator, self._terms)
        if begun is not None:
            await self._execute(begun)
        async with self.database.reading() as session:
            return await session.get_one(Attempt, reversal.id)

    async def release(self, payout_id: UUID, operator: Actor, reason: str) -> None:
        """Lets it be sent again, unless it turns out that it was."""
        if await self._found_after_all(payout_id, AttemptKind.TRANSFER, operator) is not None:
            return
        async with self.database.transaction() as session:
            await payouts.release_payout(session, payout_id, operator, reason, self.clock.now())

    async def _found_after_all(self, payout_id: UUID, kind: AttemptKind, operator: Actor) -> UUID | None:
        """The attempt that is at Stripe although it was taken for refused, where Stripe itself had not said so."""
        async with self.database.reading() as session:
            payout, _ = await queries.payouts.payout_with_expert(session, payout_id)
            refused = await queries.attempts.refused_attempts(session, payout_id, kind)
        for attempt in refused:
            if not attempts.may_be_corrected(payout, attempt) or not is_doubtful(attempt.refusal_code or ""):
                continue
            found = answered(await self.stripe.find(attempts.order_of(attempt, payout)))
            if found is not None:
                async with self.database.transaction() as session:
                    await attempts.correct_outcome(session, attempt.id, found, operator, self.clock.now())
                return attempt.id
        return None

    async def _execute(self, begun: Begun) -> Payout:
        outcome = await self.stripe.execute(begun.order)
        log.info(
            "attempt_answered",
            payout_id=str(begun.order.payout_id),
            attempt_no=begun.order.attempt_no,
            outcome=type(outcome).__name__,
        )
        async with self.database.transaction() as session:
            return await attempts.record_outcome(session, begun.attempt_id, outcome, self._terms)

    async def check_account(self) -> bool:
        """Asks Stripe about one account that a webhook spoke of. Whether there was one."""
        async with self.database.transaction() as session:
            account_id = await take_account_notice(session, self.machine_now())
        if account_id is None:
            return False
        # Taken before the question: a notice that comes meanwhile is asked about again.
        now = self.clock.now()
        payability = answered(await self.stripe.payability(account_id))
        async with self.database.transaction() as session:
            await settle_account(session, account_id, payability, now)
        return True

    async def resolve_open(self) -> bool:
        """Takes up one attempt that has no answer and whose lease has run out. Whether there was one."""
        async with self.database.transaction() as session:
            attempt_id = await queries.attempts.next_open_attempt(session, self.machine_now())
            begun = await attempts.renew_lease(session, attempt_id, self._terms) if attempt_id else None
        if begun is None:
            return False
        await self._resolve(begun)
        return True

    async def _resolve(self, begun: Begun) -> None:
        found = await self.stripe.find(begun.order)
        if isinstance(found, Unknown):
            log.warning("attempt_not_looked_up", payout_id=str(begun.order.payout_id), reason=found.reason)
            return
        if found is None and step_for_open_attempt(begun.created_at, self.clock.now()) is NextStep.SEND_AGAIN:
            await self._execute(begun)
            return
        # Stripe has no such transfer and the key is too old to be sent again: it did not happen, as far as one can see.
        code = "never_happened" if begun.order.kind is AttemptKind.TRANSFER else "reversal_never_happened"
        async with self.database.transaction() as session:
            await attempts.record_outcome(session, begun.attempt_id, found or Refused(code, ""), self._terms)
