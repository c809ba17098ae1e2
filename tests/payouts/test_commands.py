"""Allocating a board's pay, and what becomes ready when its client has paid."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from chassis.errors import NotFound
from chassis.ids import new_id
from deploy.local.postgres import ServiceDatabase
from services.payouts.commands import boards, experts, payouts
from services.payouts.commands.experts import ExpertProfile
from services.payouts.domain import HeldReason, ParticipationRule, PayoutState, RuleKind
from services.payouts.errors import AwaitingApproval, BoardAllocated, ExpertEmailTaken, NotAllocatable, NotReady
from tests.kit.databases import RolledBackDatabase
from tests.payouts.arrangements import POOL_BASIS_POINTS, Office


@pytest.fixture
async def office(rolled_back_database: Callable[[str], Awaitable[RolledBackDatabase]]) -> Office:
    return Office(await rolled_back_database("payouts"))


@pytest.fixture
async def busy_office(fresh_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Office]:
    """For what happens at once: real commits over several connections."""
    from chassis.database import Database, create_engine  # noqa: PLC0415

    database = Database(create_engine(fresh_database("payouts").url), "/waybill/payouts")
    yield Office(database)
    await database.close()


class TestAddExpert:
    async def test_refuses_an_e_mail_that_another_has(self, office: Office) -> None:
        profile = ExpertProfile(name="Ana", email="ana@experts.example")
        async with office.database.transaction() as session:
            await experts.add_expert(session, profile, office.clock.now())
        with pytest.raises(ExpertEmailTaken):
            async with office.database.transaction() as session:
                await experts.add_expert(session, profile, office.clock.now())


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


class TestApproveRun:
    async def ask(self, office: Office, payout_id: object, operator_id: object) -> bool:
        from datetime import timedelta  # noqa: PLC0415

        async with office.database.transaction() as session:
            return await payouts.approve_run(
                session,
                payout_id,  # type: ignore[arg-type]
                operator_id,  # type: ignore[arg-type]
                office.clock.now(),
                timedelta(hours=24),
            )

    async def test_takes_two_operators(self, office: Office) -> None:
        payout = await office.ready_payout()
        assert not await self.ask(office, payout.id, new_id())
        assert await self.ask(office, payout.id, new_id())

    async def test_refuses_the_same_one_twice(self, office: Office) -> None:
        payout, robin = await office.ready_payout(), new_id()
        await self.ask(office, payout.id, robin)
        with pytest.raises(AwaitingApproval):
            await self.ask(office, payout.id, robin)

    async def test_begins_anew_when_the_first_has_expired(self, office: Office) -> None:
        from datetime import timedelta  # noqa: PLC0415

        payout = await office.ready_payout()
        await self.ask(office, payout.id, new_id())
        office.clock.advance(timedelta(hours=25))
        assert not await self.ask(office, payout.id, new_id())

    async def test_refuses_a_payout_whose_client_has_not_paid(self, office: Office) -> None:
        facts = await office.board((await office.expert(), RuleKind.SHARE, 1))
        await office.close(facts)
        (payout,) = await office.payouts(facts.board_id)
        with pytest.raises(NotReady):
            await self.ask(office, payout.id, new_id())
