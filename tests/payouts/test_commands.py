"""Allocating a board's pay, and what becomes ready when its client has paid."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.database import Database, create_engine
from chassis.errors import NotFound
from chassis.ids import new_id
from deploy.local.postgres import ServiceDatabase
from services.payouts import queries
from services.payouts.commands import boards
from services.payouts.commands.approvals import Asking, ask_for_run
from services.payouts.commands.attempts import begin_transfer, record_outcome
from services.payouts.commands.boards import BoardFacts
from services.payouts.commands.experts import ExpertChange, ExpertProfile, change_expert
from services.payouts.commands.payouts import hold_payout, release_payout
from services.payouts.domain import HeldReason, ParticipationRule, PayoutState, RuleKind
from services.payouts.errors import AwaitingApproval, BoardAllocated, NotAllocatable, NotReady, VersionConflict
from services.payouts.stripe_gateway import Refused
from tests.kit.databases import RolledBackDatabase
from tests.payouts.arrangements import POOL_BASIS_POINTS, ROBIN, SAM, Colleague, Office


@pytest.fixture
async def office(rolled_back_database: Callable[[str], Awaitable[RolledBackDatabase]]) -> Office:
    return Office(await rolled_back_database("payouts"))


@pytest.fixture
async def busy_office(fresh_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Office]:
    """For what happens at once: real commits over several connections."""
    database = Database(create_engine(fresh_database("payouts").url), "/waybill/payouts")
    yield Office(database)
    await database.close()


class TestChangeExpert:
    async def test_goes_by_what_is_committed_and_not_by_what_was_read_before(self, busy_office: Office) -> None:
        expert_id = await busy_office.expert()
        async with busy_office.database.transaction() as mine:
            seen = await queries.experts.expert(mine, expert_id)
            profile = ExpertProfile("Mine", seen.email, stripe_account_id=seen.stripe_account_id)
            async with busy_office.database.transaction() as other:
                await change_expert(other, ExpertChange(expert_id, 0, replace(profile, name="Other")), ROBIN)
            with pytest.raises(VersionConflict):
                await change_expert(mine, ExpertChange(expert_id, 0, profile), SAM)
        async with busy_office.database.reading() as session:
            assert (await queries.experts.expert(session, expert_id)).name == "Other"

    async def test_is_audited_with_what_stood_under_the_lock(self, busy_office: Office) -> None:
        expert_id = await busy_office.expert()
        async with busy_office.database.transaction() as session:
            await queries.experts.expert(session, expert_id)
            async with busy_office.database.transaction() as other:
                await other.execute(text("UPDATE experts SET stripe_account_id = 'acct_between'"))
            profile = ExpertProfile("Priya", "priya@experts.example", stripe_account_id="acct_mine")
            await change_expert(session, ExpertChange(expert_id, 0, profile), SAM)
        async with busy_office.database.reading() as session:
            row = (await session.execute(text("SELECT before, after FROM audit_entries"))).one()
        assert (row.before["stripe_account_id"], row.after["stripe_account_id"]) == ("acct_between", "acct_mine")


class TestSetParticipations:
    async def test_refuses_an_expert_who_is_not_known(self, office: Office) -> None:
        facts = await office.board()
        with pytest.raises(NotFound):
            async with office.database.transaction() as session:
                await boards.set_participations(
                    session, facts.board_id, [ParticipationRule(new_id(), RuleKind.SHARE, 1)], None
                )

    async def test_is_closed_once_the_pay_is_allocated(self, office: Office) -> None:
        facts = await office.board((await office.expert(), RuleKind.SHARE, 1))
        await office.close(facts)
        with pytest.raises(BoardAllocated):
            async with office.database.transaction() as session:
                await boards.set_participations(session, facts.board_id, [], None)


class TestCloseBoard:
    async def test_allocates_the_pool_to_the_cent_and_says_so(self, office: Office) -> None:
        three = [(await office.expert(), RuleKind.SHARE, 1) for _ in range(3)]
        facts = await office.board(*three, amount_cents=100_001)
        await office.close(facts)
        found = await office.payouts(facts.board_id)
        assert sum(payout.amount_cents for payout in found) == 70_000
        assert {payout.state for payout in found} == {PayoutState.PENDING}
        assert await office.published() == ["payout.allocated"] * 3

    async def test_done_twice_is_done_once(self, office: Office) -> None:
        facts = await office.board((await office.expert(), RuleKind.SHARE, 1))
        await office.close(facts)
        await office.close(facts)
        assert len(await office.payouts(facts.board_id)) == 1

    async def test_without_rules_is_held_and_told(self, office: Office) -> None:
        facts = await office.board()
        await office.close(facts)
        assert (await office.board_row(facts.board_id)).held_reason == HeldReason.NO_PARTICIPATION
        assert await office.published() == ["allocation.held"]

    async def test_of_a_board_whose_opening_was_not_heard_of_is_held_and_not_lost(self, office: Office) -> None:
        facts = office.facts(closed=True)
        await office.close(facts)
        assert (await office.board_row(facts.board_id)).held_reason == HeldReason.NO_PARTICIPATION

    async def test_an_opening_that_comes_late_changes_nothing(self, office: Office) -> None:
        facts = await office.board((await office.expert(), RuleKind.SHARE, 1))
        await office.close(facts)
        late = office.facts()
        async with office.database.transaction() as session:
            await boards.note_board(
                session,
                boards.BoardFacts(facts.board_id, late.client_id, "Another title", 5, "AUD", 1),
            )
        assert (await office.board_row(facts.board_id)).title == facts.title


class TestAllocateHeldBoard:
    async def test_after_the_rules_were_mended(self, office: Office) -> None:
        facts = await office.board()
        await office.close(facts)
        expert_id = await office.expert()
        async with office.database.transaction() as session:
            rules = [ParticipationRule(expert_id, RuleKind.FIXED, 500)]
            await boards.set_participations(session, facts.board_id, rules, None)
            await boards.allocate_held_board(session, facts.board_id, POOL_BASIS_POINTS, office.clock.now())
        assert [payout.amount_cents for payout in await office.payouts(facts.board_id)] == [500]

    async def test_refuses_while_they_still_do_not_do(self, office: Office) -> None:
        facts = await office.board()
        await office.close(facts)
        with pytest.raises(NotAllocatable):
            async with office.database.transaction() as session:
                await boards.allocate_held_board(session, facts.board_id, POOL_BASIS_POINTS, office.clock.now())


class TestMarkBoardPaid:
    async def test_makes_every_payout_of_the_board_ready_and_no_other(self, office: Office) -> None:
        paid = await office.board(
            (await office.expert(), RuleKind.SHARE, 1), (await office.expert(), RuleKind.SHARE, 2)
        )
        other = await office.board((await office.expert(), RuleKind.SHARE, 1))
        await office.close(paid)
        await office.close(other)
        await office.pay(paid.board_id)
        assert {p.state for p in await office.payouts(paid.board_id)} == {PayoutState.READY}
        assert {p.state for p in await office.payouts(other.board_id)} == {PayoutState.PENDING}

    async def test_before_the_close_was_heard_of_makes_them_ready_at_the_close(self, office: Office) -> None:
        facts = await office.board((await office.expert(), RuleKind.SHARE, 1))
        await office.pay(facts.board_id)
        await office.close(facts)
        assert {p.state for p in await office.payouts(facts.board_id)} == {PayoutState.READY}

    @pytest.mark.parametrize("turn", range(8))
    async def test_at_the_very_moment_of_the_close_leaves_none_behind(self, busy_office: Office, turn: int) -> None:
        facts = await busy_office.board((await busy_office.expert(), RuleKind.SHARE, 1))
        both = [busy_office.close(facts), busy_office.pay(facts.board_id)]
        await asyncio.gather(*(both if turn % 2 else reversed(both)))
        assert {p.state for p in await busy_office.payouts(facts.board_id)} == {PayoutState.READY}


class TestVoidBoardInvoice:
    @pytest.fixture
    async def facts(self, office: Office) -> BoardFacts:
        return await office.board((await office.expert(), RuleKind.SHARE, 1))

    async def states(self, office: Office, facts: BoardFacts) -> set[PayoutState]:
        return {payout.state for payout in await office.payouts(facts.board_id)}

    async def test_keeps_what_it_would_have_paid_for_from_becoming_ready(
        self, office: Office, facts: BoardFacts
    ) -> None:
        await office.close(facts)
        invoice_id = new_id()
        await office.void(facts.board_id, invoice_id)
        await office.pay(facts.board_id, invoice_id)
        assert await self.states(office, facts) == {PayoutState.PENDING}

    async def test_lets_the_boards_next_invoice_pay(self, office: Office, facts: BoardFacts) -> None:
        await office.close(facts)
        await office.void(facts.board_id, new_id())
        paid = await office.pay(facts.board_id)
        assert [(p.state, p.invoice_id) for p in await office.payouts(facts.board_id)] == [(PayoutState.READY, paid)]

    async def test_heard_of_before_the_close_lets_the_next_one_pay_too(self, office: Office, facts: BoardFacts) -> None:
        first, second = new_id(), new_id()
        await office.pay(facts.board_id, first)
        await office.void(facts.board_id, first)
        await office.pay(facts.board_id, second)
        await office.close(facts)
        assert [(p.state, p.invoice_id) for p in await office.payouts(facts.board_id)] == [(PayoutState.READY, second)]

    async def test_heard_of_before_the_close_leaves_pay_pending(self, office: Office, facts: BoardFacts) -> None:
        invoice_id = await office.pay(facts.board_id)
        await office.void(facts.board_id, invoice_id)
        await office.close(facts)
        assert await self.states(office, facts) == {PayoutState.PENDING}

    async def test_takes_back_what_it_had_made_ready_and_says_so(self, office: Office, facts: BoardFacts) -> None:
        await office.close(facts)
        invoice_id = await office.pay(facts.board_id)
        for _ in range(2):
            await office.void(facts.board_id, invoice_id)
        assert await self.states(office, facts) == {PayoutState.PENDING}
        board = await office.board_row(facts.board_id)
        assert (board.invoice_id, board.paid_at) == (None, None)
        await office.pay(facts.board_id)
        assert await self.states(office, facts) == {PayoutState.READY}
        assert await office.published() == ["payout.allocated", "payout.ready", "payout.held", "payout.ready"]

    async def test_of_another_invoice_than_the_paid_one_changes_nothing(
        self, office: Office, facts: BoardFacts
    ) -> None:
        await office.close(facts)
        await office.pay(facts.board_id)
        await office.void(facts.board_id, new_id())
        assert await self.states(office, facts) == {PayoutState.READY}

    async def test_leaves_the_second_of_two_that_were_paid_to_pay(self, office: Office, facts: BoardFacts) -> None:
        await office.close(facts)
        first, second = await office.pay(facts.board_id), await office.pay(facts.board_id)
        await office.void(facts.board_id, first)
        assert [(p.state, p.invoice_id) for p in await office.payouts(facts.board_id)] == [(PayoutState.READY, second)]

    async def test_makes_a_release_wait_for_the_client(self, office: Office, facts: BoardFacts) -> None:
        await office.close(facts)
        invoice_id = await office.pay(facts.board_id)
        (payout,) = await office.payouts(facts.board_id)
        async with office.database.transaction() as session:
            await hold_payout(session, payout.id, "account_not_payable", office.clock.now())
        await office.void(facts.board_id, invoice_id)
        async with office.database.transaction() as session:
            await release_payout(session, payout.id, SAM, "cured", office.clock.now())
        assert await self.states(office, facts) == {PayoutState.PENDING}
        await office.pay(facts.board_id)
        assert await self.states(office, facts) == {PayoutState.READY}

    async def test_leaves_what_was_sent(self, office: Office, facts: BoardFacts) -> None:
        office.gateway.available = 10_000_000
        await office.close(facts)
        invoice_id = await office.pay(facts.board_id)
        (payout,) = await office.payouts(facts.board_id)
        await office.sender.send(payout.id)
        await office.void(facts.board_id, invoice_id)
        await office.pay(facts.board_id)
        assert [(p.state, p.invoice_id) for p in await office.payouts(facts.board_id)] == [
            (PayoutState.SENT, invoice_id)
        ]

    async def test_while_it_is_being_sent_makes_a_refusal_wait_for_the_client(
        self, office: Office, facts: BoardFacts
    ) -> None:
        await office.close(facts)
        invoice_id = await office.pay(facts.board_id)
        (payout,) = await office.payouts(facts.board_id)
        async with office.database.transaction() as session:
            begun = await begin_transfer(session, payout.id, office.sender._terms)
        await office.void(facts.board_id, invoice_id)
        async with office.database.transaction() as session:
            refusal = Refused("balance_insufficient", "")
            await record_outcome(session, begun.attempt_id, refusal, office.sender._terms)
        assert await self.states(office, facts) == {PayoutState.PENDING}

    @pytest.mark.parametrize("turn", range(6))
    async def test_at_the_very_moment_of_the_payment_never_leaves_it_ready(
        self, busy_office: Office, turn: int
    ) -> None:
        facts = await busy_office.board((await busy_office.expert(), RuleKind.SHARE, 1))
        await busy_office.close(facts)
        invoice_id = new_id()
        both = [busy_office.void(facts.board_id, invoice_id), busy_office.pay(facts.board_id, invoice_id)]
        await asyncio.gather(*(both if turn % 2 else reversed(both)))
        assert await self.states(busy_office, facts) == {PayoutState.PENDING}


class TestAskForRun:
    async def ask(self, office: Office, payout_id: UUID, operator: Colleague) -> bool:
        async with office.database.transaction() as session:
            asking = Asking(payout_id, timedelta(hours=24), gnosis_safe_enabled=False, actor=operator)
            return await ask_for_run(session, asking, office.clock.now())

    async def test_takes_two_operators(self, office: Office) -> None:
        payout = await office.ready_payout()
        assert not await self.ask(office, payout.id, ROBIN)
        assert await self.ask(office, payout.id, SAM)

    async def test_refuses_the_same_one_twice(self, office: Office) -> None:
        payout = await office.ready_payout()
        await self.ask(office, payout.id, ROBIN)
        with pytest.raises(AwaitingApproval):
            await self.ask(office, payout.id, ROBIN)

    async def test_begins_anew_when_the_first_has_expired(self, office: Office) -> None:
        payout = await office.ready_payout()
        await self.ask(office, payout.id, ROBIN)
        office.clock.advance(timedelta(hours=25))
        assert not await self.ask(office, payout.id, SAM)

    async def test_refuses_a_payout_whose_client_has_not_paid(self, office: Office) -> None:
        facts = await office.board((await office.expert(), RuleKind.SHARE, 1))
        await office.close(facts)
        (payout,) = await office.payouts(facts.board_id)
        with pytest.raises(NotReady):
            await self.ask(office, payout.id, ROBIN)

    @pytest.mark.parametrize("approver", [ROBIN, SAM])
    async def test_is_what_a_transfer_by_hand_begins_with(self, office: Office, approver: Colleague) -> None:
        payout = await office.ready_payout()
        if approver is SAM:
            await self.ask(office, payout.id, ROBIN)
            office.clock.advance(timedelta(hours=25))
        else:
            await self.ask(office, payout.id, ROBIN)
        with pytest.raises(AwaitingApproval):
            async with office.database.transaction() as session:
                await begin_transfer(session, payout.id, office.sender._terms, approver)
        assert await office.attempts(payout.id) == []
