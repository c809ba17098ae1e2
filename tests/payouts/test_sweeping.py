"""The weekly sweep: what goes, what stays, and what it looks at again."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from services.payouts.commands.experts import ExpertChange, ExpertProfile, change_expert
from services.payouts.domain import PayoutState
from services.payouts.errors import StripeAway
from services.payouts.models import Payout
from services.payouts.stripe_gateway import Payability, Succeeded
from services.payouts.sweeping import Sweeper
from tests.payouts.arrangements import SAM, START, Office


def transferred(office: Office) -> int:
    return sum(order.amount_cents for order, outcome in office.gateway.done.values() if isinstance(outcome, Succeeded))


async def states(office: Office, *payouts: Payout) -> list[PayoutState]:
    return [(await office.payout(payout.id)).state for payout in payouts]


async def change(office: Office, payout: Payout, *, account: str | None, is_active: bool = True) -> None:
    profile = ExpertProfile("Priya Raman", "priya@experts.example", stripe_account_id=account, is_active=is_active)
    async with office.database.transaction() as session:
        version = await session.scalar(text("SELECT version FROM experts WHERE id = :id"), {"id": payout.expert_id})
        await change_expert(session, ExpertChange(payout.expert_id, int(version or 0), profile), SAM)


class TestWhatIsReady:
    async def test_goes(self, office: Office) -> None:
        payouts = [await office.ready_payout() for _ in range(4)]
        await office.sweep()
        assert set(await states(office, *payouts)) == {PayoutState.SENT}
        (swept,) = await office.sweeps()
        assert (swept.sent_count, swept.sent_cents, swept.left_count) == (4, 280_000, 0)
        assert swept.finished_at is not None

    async def test_goes_as_far_as_the_balance_oldest_first(self, office: Office) -> None:
        first, second = await office.ready_payout(), await office.ready_payout()
        office.gateway.available = first.amount_cents
        await office.sweep()
        assert await states(office, first, second) == [PayoutState.SENT, PayoutState.READY]
        (swept,) = await office.sweeps()
        assert (swept.left_count, swept.left_cents) == (1, second.amount_cents)

    async def test_that_cannot_go_is_held_and_keeps_no_other_from_going(self, office: Office) -> None:
        stuck, fine = await office.ready_payout(account=None), await office.ready_payout()
        await office.sweep()
        assert (await office.payout(stuck.id)).reason_code == "no_stripe_account"
        assert await states(office, fine) == [PayoutState.SENT]

    async def test_run_again_pays_nobody_twice(self, office: Office) -> None:
        payouts = [await office.ready_payout() for _ in range(3)]
        await asyncio.gather(office.sweep(), office.sweep())
        await office.sweep()
        assert transferred(office) == sum(payout.amount_cents for payout in payouts)


class TestAnAccountThatStripeSaysNothingAbout:
    async def test_keeps_no_other_from_going_and_the_run_from_being_finished(self, office: Office) -> None:
        silent, fine = await office.ready_payout(), await office.ready_payout()
        office.gateway.silent_about = {next(iter(office.gateway.payable))}
        with pytest.raises(StripeAway):
            await office.sweep()
        assert await states(office, silent, fine) == [PayoutState.READY, PayoutState.SENT]
        (swept,) = await office.sweeps()
        assert (swept.sent_count, swept.left_count, swept.finished_at) == (1, 1, None)
        office.gateway.silent_about = set()
        await office.sweep()
        (swept,) = await office.sweeps()
        assert (swept.sent_count, swept.sent_cents, swept.left_count) == (2, 140_000, 0)
        assert swept.finished_at is not None

    async def test_is_left_alone_where_it_was_held_before(self, office: Office) -> None:
        silent, fine = await office.ready_payout(), await office.ready_payout()
        (account, _) = office.gateway.payable
        office.gateway.payable[account] = Payability(False, "requirements.past_due")
        await office.sender.send(silent.id)
        office.gateway.silent_about = {account}
        with pytest.raises(StripeAway):
            await office.sweep()
        assert await states(office, silent, fine) == [PayoutState.ON_HOLD, PayoutState.SENT]


class TestWhatWasHeld:
    async def test_for_want_of_an_account_goes_once_there_is_one(self, office: Office) -> None:
        payout = await office.ready_payout(account=None)
        await office.sweep()
        await change(office, payout, account=office.gateway.open_account("acct_new"))
        await office.sweep(START + timedelta(days=7))
        assert await states(office, payout) == [PayoutState.SENT]

    async def test_while_the_expert_was_suspended_goes_afterwards(self, office: Office) -> None:
        payout = await office.ready_payout()
        (account,) = office.gateway.payable
        await change(office, payout, account=account, is_active=False)
        await office.sweep()
        assert (await office.payout(payout.id)).reason_code == "expert_suspended"
        await office.sweep(START + timedelta(days=7))
        assert await states(office, payout) == [PayoutState.ON_HOLD]
        await change(office, payout, account=account)
        await office.sweep(START + timedelta(days=14))
        assert await states(office, payout) == [PayoutState.SENT]

    async def test_by_its_account_goes_though_the_webhook_was_lost(self, office: Office) -> None:
        payout = await office.ready_payout()
        (account,) = office.gateway.payable
        office.gateway.payable[account] = Payability(False, "requirements.past_due")
        await office.sweep()
        await office.sweep(START + timedelta(days=7))
        assert await states(office, payout) == [PayoutState.ON_HOLD]
        assert (await office.published()).count("payout.held") == 1
        office.gateway.payable[account] = Payability(True)
        await office.sweep(START + timedelta(days=14))
        assert await states(office, payout) == [PayoutState.SENT]

    async def test_for_a_refusal_that_does_not_pass_stays_for_an_operator(self, office: Office) -> None:
        payout = await office.ready_payout()
        office.gateway.transfer_refusal = "amount_too_small"
        await office.sweep()
        office.gateway.transfer_refusal = ""
        await office.sweep(START + timedelta(days=7))
        assert await states(office, payout) == [PayoutState.FAILED]


class TestWithoutAKey:
    async def test_nothing_goes_and_the_sweep_says_what_is_left(self, office: Office) -> None:
        payout = await office.ready_payout()
        await Sweeper(office.sender_of(None)).run(START)
        assert await states(office, payout) == [PayoutState.READY]
        (swept,) = await office.sweeps()
        assert (swept.sent_count, swept.left_count, swept.left_cents) == (0, 1, payout.amount_cents)
        assert swept.finished_at is not None
