"""Sending money: paid once, whatever is lost, refused, done twice or done at once."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from services.payouts.commands.attempts import begin_transfer, record_outcome
from services.payouts.commands.experts import note_account
from services.payouts.commands.payouts import hold_payout
from services.payouts.domain import AttemptOutcome, PayoutState, ReceivedEvent
from services.payouts.errors import GateClosed, NotReady, NotReversible, StripeAway
from services.payouts.models import Payout
from services.payouts.stripe_gateway import Payability, Succeeded
from tests.payouts.arrangements import Office


def transferred(office: Office) -> int:
    return sum(order.amount_cents for order, outcome in office.gateway.done.values() if isinstance(outcome, Succeeded))


class TestSend:
    async def test_stores_the_key_before_the_call_and_the_transfer_after_it(self, office: Office) -> None:
        payout = await office.ready_payout()
        sent = await office.sender.send(payout.id)
        (attempt,) = await office.attempts(payout.id)
        assert (sent.state, sent.stripe_transfer_id) == (PayoutState.SENT, attempt.stripe_id)
        assert attempt.idempotency_key == f"transfer:{payout.id}:1" == office.gateway.calls[0].idempotency_key
        assert (await office.published())[-1] == "payout.sent"

    async def test_of_a_sent_payout_is_refused(self, office: Office) -> None:
        payout = await office.ready_payout()
        await office.sender.send(payout.id)
        with pytest.raises(NotReady):
            await office.sender.send(payout.id)
        assert transferred(office) == payout.amount_cents

    async def test_ten_times_at_once_pays_once(self, office: Office) -> None:
        payout = await office.ready_payout()
        await asyncio.gather(*(office.sender.send(payout.id) for _ in range(10)), return_exceptions=True)
        assert (await office.payout(payout.id)).state == PayoutState.SENT
        assert len(office.gateway.calls) == 1

    async def test_to_an_account_that_cannot_be_paid_is_held_without_a_call(self, office: Office) -> None:
        payout = await office.ready_payout()
        office.gateway.payable = {name: Payability(False, "requirements.past_due") for name in office.gateway.payable}
        assert (await office.sender.send(payout.id)).state == PayoutState.ON_HOLD
        assert office.gateway.calls == []

    async def test_without_an_account_is_refused_by_its_gate(self, office: Office) -> None:
        payout = await office.ready_payout(account=None)
        with pytest.raises(GateClosed, match="no Stripe account"):
            await office.sender.send(payout.id)

    async def test_beyond_the_balance_stays_ready_and_goes_later_under_the_next_number(self, office: Office) -> None:
        payout = await office.ready_payout()
        office.gateway.available = 0
        assert (await office.sender.send(payout.id)).state == PayoutState.READY
        office.gateway.available = 10_000_000
        await office.sender.send(payout.id)
        assert [attempt.attempt_no for attempt in await office.attempts(payout.id)] == [1, 2]
        assert transferred(office) == payout.amount_cents
        assert "payout.failed" not in await office.published()

    async def test_while_stripe_says_nothing_of_the_account_leaves_it_ready(self, office: Office) -> None:
        payout = await office.ready_payout()
        office.gateway.away = 1
        with pytest.raises(StripeAway):
            await office.sender.send(payout.id)
        assert (await office.payout(payout.id)).state is PayoutState.READY
        assert await office.attempts(payout.id) == []


class TestALostAnswer:
    async def test_stays_in_sending_and_is_looked_up(self, office: Office) -> None:
        payout = await office.ready_payout()
        office.gateway.lose_answers = 1
        assert (await office.sender.send(payout.id)).state == PayoutState.SENDING
        office.pass_lease()
        assert await office.sender.resolve_open()
        assert (await office.payout(payout.id)).state == PayoutState.SENT
        assert transferred(office) == payout.amount_cents

    async def test_of_a_call_that_never_arrived_is_sent_again_under_the_same_key(self, office: Office) -> None:
        payout = await office.ready_payout()
        office.gateway.lose_answers = 1
        await office.sender.send(payout.id)
        office.gateway.done.clear()
        office.pass_lease()
        await office.sender.resolve_open()
        assert {order.idempotency_key for order in office.gateway.calls} == {f"transfer:{payout.id}:1"}
        assert (await office.payout(payout.id)).state == PayoutState.SENT

    async def test_when_the_key_is_older_than_a_day_is_only_looked_up(self, office: Office) -> None:
        payout = await office.ready_payout()
        office.gateway.lose_answers = 1
        await office.sender.send(payout.id)
        office.gateway.done.clear()
        office.clock.advance(timedelta(hours=30))
        office.pass_lease()
        await office.sender.resolve_open()
        assert len(office.gateway.calls) == 1
        settled = await office.payout(payout.id)
        assert (settled.state, settled.reason_code) == (PayoutState.FAILED, "never_happened")

    async def test_waits_while_stripe_cannot_be_asked(self, office: Office) -> None:
        payout = await office.ready_payout()
        office.gateway.lose_answers = 1
        await office.sender.send(payout.id)
        office.pass_lease()
        office.gateway.away = 1
        await office.sender.resolve_open()
        assert (await office.payout(payout.id)).state == PayoutState.SENDING

    async def test_is_taken_up_by_one_of_two_who_look_at_once(self, office: Office) -> None:
        payout = await office.ready_payout()
        office.gateway.lose_answers = 1
        await office.sender.send(payout.id)
        office.gateway.done.clear()
        office.pass_lease()
        await asyncio.gather(office.sender.resolve_open(), office.sender.resolve_open())
        assert len(office.gateway.calls) == 2
        assert (await office.payout(payout.id)).state == PayoutState.SENT

    async def test_a_crash_between_the_key_and_the_call_is_taken_up_when_its_lease_ends(self, office: Office) -> None:
        payout = await office.ready_payout()
        async with office.database.transaction() as session:
            await begin_transfer(session, payout.id, office.sender._terms)
        assert not await office.sender.resolve_open()
        office.pass_lease()
        assert await office.sender.resolve_open()
        assert (await office.payout(payout.id)).state == PayoutState.SENT

    async def test_an_outcome_that_comes_twice_counts_once(self, office: Office) -> None:
        payout = await office.ready_payout()
        await office.sender.send(payout.id)
        (attempt,) = await office.attempts(payout.id)
        async with office.database.transaction() as session:
            await record_outcome(session, attempt.id, Succeeded("tr_other"), office.sender._terms)
        assert (await office.payout(payout.id)).stripe_transfer_id == attempt.stripe_id


class TestReverse:
    @pytest.fixture
    async def sent(self, office: Office) -> Payout:
        return await office.sender.send((await office.ready_payout()).id)

    async def test_in_parts_until_nothing_is_left(self, office: Office, sent: Payout) -> None:
        await office.reverse(sent.id, 1_000)
        part = await office.payout(sent.id)
        assert (part.state, part.reversed_cents) == (PayoutState.SENT, 1_000)
        await office.reverse(sent.id, sent.amount_cents - 1_000)
        whole = await office.payout(sent.id)
        assert (whole.state, whole.reversed_cents) == (PayoutState.REVERSED, sent.amount_cents)

    async def test_of_more_than_is_left_is_refused(self, office: Office, sent: Payout) -> None:
        with pytest.raises(NotReversible):
            await office.reverse(sent.id, sent.amount_cents + 1)

    async def test_at_once_takes_back_once(self, office: Office, sent: Payout) -> None:
        whole = [office.reverse(sent.id, sent.amount_cents) for _ in range(3)]
        await asyncio.gather(*whole, return_exceptions=True)
        assert (await office.payout(sent.id)).reversed_cents == sent.amount_cents
        succeeded = [a for a in await office.attempts(sent.id) if a.outcome is AttemptOutcome.SUCCEEDED]
        assert len(succeeded) == 2

    async def test_looks_first_for_one_that_was_only_concluded_not_to_be(self, office: Office, sent: Payout) -> None:
        office.gateway.lose_answers = 1
        await office.reverse(sent.id, 1_000)
        office.clock.advance(timedelta(hours=30))
        office.pass_lease()
        office.gateway.hides = True
        await office.sender.resolve_open()
        assert (await office.payout(sent.id)).reversed_cents == 0
        office.gateway.hides = False
        with pytest.raises(NotReversible, match="did go through"):
            await office.reverse(sent.id, 1_000)
        assert (await office.payout(sent.id)).reversed_cents == 1_000
        await office.reverse(sent.id, 1_000)
        assert (await office.payout(sent.id)).reversed_cents == 2_000


class TestCheckAccount:
    async def noted(self, office: Office, account: str) -> None:
        async with office.database.transaction() as session:
            await note_account(session, ReceivedEvent(f"evt_{account}", "account.updated", account), office.clock.now())

    async def test_one_that_stripe_says_nothing_about_holds_up_no_other(self, office: Office) -> None:
        silent, fine = await office.ready_payout(), await office.ready_payout()
        accounts = list(office.gateway.payable)
        for payout, account in zip((silent, fine), accounts, strict=True):
            async with office.database.transaction() as session:
                await hold_payout(session, payout.id, "account_not_payable", office.clock.now())
            await self.noted(office, account)
            office.clock.advance(timedelta(seconds=1))
        office.gateway.silent_about = {accounts[0]}
        for _ in range(3):
            office.machine.advance(timedelta(seconds=1))
            with suppress(StripeAway):
                await office.sender.check_account()
        assert (await office.payout(fine.id)).state is PayoutState.READY
        assert (await office.payout(silent.id)).state is PayoutState.ON_HOLD
        office.gateway.silent_about = set()
        assert await office.sender.check_account()
        assert (await office.payout(silent.id)).state is PayoutState.READY
        assert not await office.sender.check_account()
