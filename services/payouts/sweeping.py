"""The weekly sweep: what is ready goes, oldest first, as far as the balance does, and one keeps no other from going."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from chassis.errors import Refusal
from chassis.schedule import weekly
from services.payouts import queries
from services.payouts.commands.experts import settle_account
from services.payouts.commands.payouts import checklist, hold_payout, resume_payout
from services.payouts.commands.sweeps import note_sweep, open_sweep
from services.payouts.domain import PayoutState, first_closed
from services.payouts.errors import StripeAway
from services.payouts.models import Payout
from services.payouts.sending import Sender, answered
from services.payouts.settings import Settings

log = structlog.get_logger(__name__)

JOB = "payout_sweep"


def sweep_times(settings: Settings) -> Callable[[datetime], datetime]:
    """Gives the first sweep after an instant."""
    return weekly(settings.sweep_weekday, settings.sweep_time, settings.zone)


@dataclass
class Sweeper:
    """Run again for the same instant, it goes on where it stopped, and is finished once it has come to every payout."""

    sender: Sender

    async def run(self, due_at: datetime) -> None:
        """Raises StripeAway at its end where Stripe said nothing about some: those stay as they are."""
        async with self.sender.database.transaction() as session:
            await open_sweep(session, due_at, self.sender.clock.now())
        if self.sender.gateway is None:
            log.warning("sweep_without_stripe", due_at=due_at.isoformat())
            await self._note(due_at, [], is_whole=True)
            return
        available_cents = answered(await self.sender.stripe.available_cents("AUD"))
        unanswered = await self._look_at_held()
        sent, left_out = await self._send_ready(available_cents)
        unanswered += left_out
        await self._note(due_at, sent, is_whole=unanswered == 0)
        if unanswered:
            raise StripeAway(f"it said nothing about {unanswered} payouts")

    async def _look_at_held(self) -> int:
        """How many Stripe said nothing about."""
        unanswered = 0
        async with self.sender.database.reading() as session:
            held = await queries.payouts.held_to_look_at(session)
        for payout_id in held:
            try:
                await self._look_again(payout_id)
            except StripeAway as away:
                log.warning("sweep_left_out", payout_id=str(payout_id), code=away.code)
                unanswered += 1
        return unanswered

    async def _look_again(self, payout_id: UUID) -> None:
        """An account may have been given meanwhile, or a webhook lost that would have said that it can be paid."""
        async with self.sender.database.reading() as session:
            payout, expert = await queries.payouts.payout_with_expert(session, payout_id)
        if first_closed(checklist(payout, expert, self.sender.settings.gnosis_safe_enabled)) is not None:
            return
        now, account_id = self.sender.clock.now(), expert.stripe_account_id or ""
        payability = answered(await self.sender.stripe.payability(account_id))
        async with self.sender.database.transaction() as session:
            await settle_account(session, account_id, payability, now)
            if payability.can_be_paid:
                await resume_payout(session, payout_id, now)

    async def _send_ready(self, available_cents: int) -> tuple[list[Payout], int]:
        """What was sent, and how many Stripe said nothing about."""
        sent: list[Payout] = []
        unanswered = 0
        async with self.sender.database.reading() as session:
            waiting = await queries.payouts.ready_payouts(session)
        for payout in waiting:
            if payout.amount_cents > available_cents:
                continue
            try:
                settled = await self._send(payout.id)
            except StripeAway as away:
                log.warning("sweep_left_out", payout_id=str(payout.id), code=away.code)
                unanswered += 1
                continue
            if settled is not None and settled.state is PayoutState.SENT:
                sent.append(settled)
                available_cents -= settled.amount_cents
        return sent, unanswered

    async def _send(self, payout_id: UUID) -> Payout | None:
        """None where a rule keeps it from going; it is held for that until the rule allows it."""
        try:
            return await self.sender.send(payout_id)
        except StripeAway:
            raise
        except Refusal as refusal:
            log.warning("sweep_left_out", payout_id=str(payout_id), code=refusal.code)
            await self._hold_unless_moved(payout_id, refusal)
            return None

    async def _hold_unless_moved(self, payout_id: UUID, refusal: Refusal) -> None:
        reason = refusal.ids.get("reason_code")
        if reason is None:
            return
        async with self.sender.database.transaction() as session:
            await hold_payout(session, payout_id, reason, self.sender.clock.now())

    async def _note(self, due_at: datetime, sent: Sequence[Payout], *, is_whole: bool) -> None:
        now = self.sender.clock.now()
        async with self.sender.database.transaction() as session:
            await note_sweep(session, due_at, sent, now if is_whole else None)
