"""Sending money: paid once, whatever is lost, refused, done twice or done at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from chassis.database import Database, create_engine
from deploy.local.postgres import ServiceDatabase
from services.payouts.commands import payouts as commands
from services.payouts.domain import AttemptOutcome, PayoutState
from services.payouts.errors import GateClosed, NotReady, NotReversible
from services.payouts.stripe_gateway import Payability, Succeeded
from tests.payouts.arrangements import START, Office


@pytest.fixture
async def office(fresh_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Office]:
    database = Database(create_engine(fresh_database("payouts").url), "/waybill/payouts")
    office = Office(database)
    office.gateway.available = 10_000_000
    yield office
    await database.close()


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
        with pytest.raises(GateClosed, match="no_stripe_account"):
            await office.sender.send(payout.id)

    async def test_beyond_the_balance_stays_ready_and_goes_later_under_the_next_number(self, office: Office) -> None:
        payout = await office.ready_payout()
        office.gateway.available = 0
        assert (await office.sender.send(payout.id)).state == PayoutState.READY
        office.gateway.available = 10_000_000
        await office.sender.send(payout.id)
        assert [attempt.attempt_no for attempt in await office.attempts(payout.id)] == [1, 2]
        assert transferred(office) == payout.amount_cents


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
            await commands.begin_transfer(session, payout.id, office.sender._terms)
        assert not await office.sender.resolve_open()
        office.pass_lease()
        assert await office.sender.resolve_open()
        assert (await office.payout(payout.id)).state == PayoutState.SENT

    async def test_an_outcome_that_comes_twice_counts_once(self, office: Office) -> None:
        payout = await office.ready_payout()
        await office.sender.send(payout.id)
        (attempt,) = await office.attempts(payout.id)
        async with office.database.transaction() as session:
            await commands.record_outcome(session, attempt.id, Succeeded("tr_other"), office.sender._terms)
        assert (await office.payout(payout.id)).stripe_transfer_id == attempt.stripe_id


class TestSweep:
    async def test_sends_all_that_is_ready(self, office: Office) -> None:
        payouts = [await office.ready_payout() for _ in range(4)]
        await office.sender.sweep(START)
        assert {(await office.payout(payout.id)).state for payout in payouts} == {PayoutState.SENT}

    async def test_goes_as_far_as_the_balance_oldest_first(self, office: Office) -> None:
        first, second = await office.ready_payout(), await office.ready_payout()
        office.gateway.available = first.amount_cents
        await office.sender.sweep(START)
        assert (await office.payout(first.id)).state == PayoutState.SENT
        assert (await office.payout(second.id)).state == PayoutState.READY

    async def test_one_that_cannot_go_is_held_and_keeps_no_other_from_going(self, office: Office) -> None:
        stuck, fine = await office.ready_payout(account=None), await office.ready_payout()
        await office.sender.sweep(START)
        assert (await office.payout(stuck.id)).reason_code == "no_stripe_account"
        assert (await office.payout(fine.id)).state == PayoutState.SENT

    async def test_run_again_pays_nobody_twice(self, office: Office) -> None:
        payouts = [await office.ready_payout() for _ in range(3)]
        await asyncio.gather(office.sender.sweep(START), office.sender.sweep(START))
        await office.sender.sweep(START)
        assert transferred(office) == sum(payout.amount_cents for payout in payouts)


class TestReverse:
    async def test_in_parts_until_nothing_is_left(self, office: Office) -> None:
        payout = await office.ready_payout()
        await office.sender.send(payout.id)
        part = await office.sender.reverse(payout.id, 1_000, "charged back")
        assert (part.state, part.reversed_cents) == (PayoutState.SENT, 1_000)
        rest = await office.sender.reverse(payout.id, payout.amount_cents - 1_000, "charged back")
        assert (rest.state, rest.reversed_cents) == (PayoutState.REVERSED, payout.amount_cents)

    async def test_of_more_than_is_left_is_refused(self, office: Office) -> None:
        payout = await office.ready_payout()
        await office.sender.send(payout.id)
        with pytest.raises(NotReversible):
            await office.sender.reverse(payout.id, payout.amount_cents + 1, "too much")

    async def test_at_once_takes_back_once(self, office: Office) -> None:
        payout = await office.ready_payout()
        await office.sender.send(payout.id)
        whole = [office.sender.reverse(payout.id, payout.amount_cents, "twice") for _ in range(3)]
        await asyncio.gather(*whole, return_exceptions=True)
        assert (await office.payout(payout.id)).reversed_cents == payout.amount_cents
        succeeded = [a for a in await office.attempts(payout.id) if a.outcome == AttemptOutcome.SUCCEEDED]
        assert len(succeeded) == 2
