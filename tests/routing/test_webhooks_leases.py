"""Webhooks that a process has in hand when it dies, or is too slow, or that several share."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from chassis.clock import FixedClock
from deploy.local.postgres import ServiceDatabase
from services.routing.commands.outcomes import Outcome, record_accepted, record_others
from services.routing.commands.sending import ClaimTerms, claim_deliveries
from services.routing.domain.states import ExceptionReason
from services.routing.domain.webhooks import DeliveryState, Judgement, Verdict
from tests.kit.webhook_sink import Sink
from tests.routing.arrangements import NOW, Floor, committing, leads
from tests.routing.webhooks import Webhooks, expire_leases, sender_for, sending


class TestAProcessThatDies:
    async def test_after_the_answer_sends_again_and_it_is_billed_once(self, floor: Floor, sink: Sink) -> None:
        """The receiver has answered; the commit never came. Who takes it up sends the same id again."""
        async with sending(floor, sink) as webhooks:
            await webhooks.installer()
            assignment_id = await webhooks.given()
            async with floor.database.transaction() as session:
                [claimed] = await claim_deliveries(session, ClaimTerms(32, 30, NOW))
            dead = sender_for(floor)
            assert (await dead._send(claimed)).outcome.verdict is Verdict.ACCEPTED
            await webhooks.send()
            assert len(sink.received) == 1
            await floor.rows_changed(expire_leases())
            await webhooks.send()
            floor.clock.advance(timedelta(seconds=10))
            await webhooks.send()
            assert [each.headers["webhook-id"] for each in sink.received] == [str(assignment_id)] * 2
            assert len(await floor.events("assignment.sent")) == 1
            assert [each.outcome for each in await webhooks.attempts(assignment_id)] == [
                Verdict.UNKNOWN,
                Verdict.ACCEPTED,
            ]
            await dead.close()

    async def test_five_times_in_a_row_ends_it_and_blames_nobody(self, floor: Floor, sink: Sink) -> None:
        async with sending(floor, sink) as webhooks:
            installer_id = await webhooks.installer()
            assignment_id = await webhooks.given()
            for _ in range(5):
                async with floor.database.transaction() as session:
                    await claim_deliveries(session, ClaimTerms(32, 30, floor.clock.now()))
                await floor.rows_changed(expire_leases())
                await webhooks.sender._take_back(floor.clock.now())
                floor.clock.advance(timedelta(minutes=10))
            await webhooks.send()
            delivery = await webhooks.delivery(assignment_id)
            assert (delivery.state, delivery.reason_code) == (DeliveryState.FAILED, "outcome_unknown")
            assert (await webhooks.endpoint(installer_id)).failures_in_row == 0
            assert sink.received == []


class TestALeaseThatRunsOut:
    async def claimed_twice(self, webhooks: Webhooks) -> tuple[Outcome, Outcome]:
        """The first process is slow; a second has the delivery in hand meanwhile. Acceptances by each."""
        await webhooks.installer()
        await webhooks.given()
        accepted = []
        for _ in range(2):
            async with webhooks.floor.database.transaction() as session:
                [claimed] = await claim_deliveries(session, ClaimTerms(32, 30, webhooks.floor.clock.now()))
            judgement = Judgement(Verdict.ACCEPTED, "accepted")
            accepted.append(Outcome(claimed.assignment_id, claimed.attempt_no, judgement, NOW, NOW, 200))
            await webhooks.floor.rows_changed(expire_leases())
            if len(accepted) == 1:
                await webhooks.sender._take_back(NOW)
                webhooks.floor.clock.advance(timedelta(seconds=10))
        return accepted[0], accepted[1]

    async def record(self, webhooks: Webhooks, outcome: Outcome) -> None:
        async with webhooks.floor.database.transaction() as session:
            if outcome.verdict is Verdict.ACCEPTED:
                await record_accepted(session, [outcome], webhooks.floor.clock.now())
            else:
                await record_others(session, [outcome], webhooks.floor.clock.now())

    async def test_lets_the_late_acceptance_count_once(self, webhooks: Webhooks) -> None:
        first, second = await self.claimed_twice(webhooks)
        await self.record(webhooks, first)
        await self.record(webhooks, second)
        assert len(await webhooks.floor.events("assignment.sent")) == 1
        assert await webhooks.floor.exceptions() == []
        outcomes = [each.outcome for each in await webhooks.attempts(first.assignment_id)]
        assert outcomes == [Verdict.ACCEPTED, Verdict.ACCEPTED]

    async def test_lets_a_late_refusal_change_nothing(self, webhooks: Webhooks) -> None:
        first, second = await self.claimed_twice(webhooks)
        refused = Outcome(first.assignment_id, 1, Judgement(Verdict.REFUSED, "http_404"), NOW, NOW, 404)
        await self.record(webhooks, refused)
        assert (await webhooks.delivery(first.assignment_id)).state is DeliveryState.SENDING
        await self.record(webhooks, second)
        assert len(await webhooks.floor.events("assignment.sent")) == 1

    async def test_tells_an_acceptance_after_the_refusal_of_another(self, webhooks: Webhooks) -> None:
        """The installer has it: uncharged, and an operator knows."""
        first, second = await self.claimed_twice(webhooks)
        refused = Outcome(second.assignment_id, 2, Judgement(Verdict.REFUSED, "http_404"), NOW, NOW, 404)
        await self.record(webhooks, refused)
        await self.record(webhooks, first)
        assert await webhooks.floor.events("assignment.sent") == []
        reasons = {item.reason for item in await webhooks.floor.exceptions(is_open=True)}
        assert ExceptionReason.DELIVERED_LATE in reasons
        assert await webhooks.log(first.assignment_id) == [
            ("tried", "outcome_unknown", None),
            ("failed", "http_404", 404),
            ("accepted_late", None, 200),
        ]


class TestSeveralProcesses:
    async def test_share_the_work_and_send_each_once(
        self, fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock, sink: Sink
    ) -> None:
        async with committing(fresh_database("routing"), clock) as floor, sending(floor, sink) as webhooks:
            for number in range(3):
                await webhooks.installer(name=f"Installer {number}")
            await floor.dispatch(*leads(30))
            others = [sender_for(floor) for _ in range(3)]
            async with asyncio.timeout(60):
                while len(await floor.events("assignment.sent")) < 30:
                    await asyncio.gather(*(each.step() for each in (webhooks.sender, *others)))
            for other in others:
                await other.close()
            ids = [each.headers["webhook-id"] for each in sink.received]
            assert len(ids) == len(set(ids)) == 30
            assert len(await floor.events("assignment.sent")) == 30
