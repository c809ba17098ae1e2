"""Payouts over HTTP: what waits, what went, and what operators do by hand."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from chassis.http import route_guards
from contracts.identity import Capability, Role
from services.payouts.domain import AttemptOutcome, PayoutState, RuleKind
from services.payouts.models import Payout
from services.payouts.stripe_gateway import Payability
from tests.chassis.http.fuzzing import faults_found
from tests.chassis.http.serving import serving
from tests.kit.identity import TestIdentity
from tests.payouts.arrangements import Office
from tests.payouts.counter import Counter, answering, application, code_of

ROBIN, SAM = uuid4(), uuid4()


async def audited(office: Office) -> list[str]:
    async with office.database.reading() as session:
        return list(await session.scalars(text("SELECT action FROM audit_entries ORDER BY id")))


class TestRun:
    async def run(self, counter: Counter, payout_id: UUID, operator_id: UUID) -> httpx.Response:
        return await counter.ask("POST", f"/admin/ops/payouts/{payout_id}/run", operator_id=operator_id)

    async def test_by_hand_takes_two_operators(self, counter: Counter, office: Office) -> None:
        payout = await office.ready_payout()
        first = await self.run(counter, payout.id, ROBIN)
        assert (first.status_code, first.json()["result"]) == (202, "awaiting_approval")
        again = await self.run(counter, payout.id, ROBIN)
        assert (again.status_code, code_of(again)) == (409, "approval_needs_another_operator")
        second = await self.run(counter, payout.id, SAM)
        assert (second.status_code, second.json()["payout"]["state"]) == (200, "sent")
        assert len(office.gateway.calls) == 1
        assert await audited(office) == ["request_payout", "approve_payout"]

    async def test_while_stripe_is_away_keeps_the_approval_for_the_next_try(
        self, counter: Counter, office: Office
    ) -> None:
        payout = await office.ready_payout()
        await self.run(counter, payout.id, ROBIN)
        office.gateway.away = 1
        away = await self.run(counter, payout.id, SAM)
        assert (away.status_code, code_of(away), away.headers["retry-after"]) == (503, "stripe_unavailable", "5")
        assert await audited(office) == ["request_payout"]
        back = await self.run(counter, payout.id, SAM)
        assert (back.status_code, back.json()["payout"]["state"]) == (200, "sent")

    async def test_to_an_account_that_cannot_be_paid_keeps_it_too(self, counter: Counter, office: Office) -> None:
        payout = await office.ready_payout()
        (account,) = office.gateway.payable
        await self.run(counter, payout.id, ROBIN)
        office.gateway.payable[account] = Payability(False, "requirements.past_due")
        held = await self.run(counter, payout.id, SAM)
        assert held.json()["payout"]["state"] == "on_hold"
        assert held.json()["payout"]["approval_requested_by"] == str(ROBIN)
        assert await audited(office) == ["request_payout"]

    async def test_approved_by_many_at_once_sends_once(self, counter: Counter, office: Office) -> None:
        payout = await office.ready_payout()
        await self.run(counter, payout.id, ROBIN)
        answers = await asyncio.gather(*(self.run(counter, payout.id, uuid4()) for _ in range(5)))
        assert sorted({answer.status_code for answer in answers}) == [200, 409]
        assert len(office.gateway.calls) == 1
        assert (await audited(office)).count("approve_payout") == 1

    async def test_shows_what_is_in_the_way(self, counter: Counter, office: Office) -> None:
        facts = await office.board((await office.expert(account=None), RuleKind.SHARE, 1))
        await office.close(facts)
        (payout,) = await office.payouts(facts.board_id)
        detail = (await counter.ask("GET", f"/admin/ops/payouts/{payout.id}")).json()
        closed = {gate["reason_code"] for gate in detail["gates"] if not gate["is_open"]}
        assert closed == {"client_has_not_paid", "no_stripe_account"}

    async def test_is_refused_to_the_first_already_where_a_gate_is_closed(
        self, counter: Counter, office: Office
    ) -> None:
        payout = await office.ready_payout(account=None)
        answer = await self.run(counter, payout.id, ROBIN)
        assert (answer.status_code, code_of(answer)) == (409, "payout_gate_closed")
        assert (answer.json()["reason_code"], await audited(office)) == ("no_stripe_account", [])

    async def test_is_offered_to_whoever_may_do_it_alone(self, counter: Counter, office: Office) -> None:
        payout = await office.ready_payout()
        asked = await self.run(counter, payout.id, ROBIN)
        assert asked.json()["payout"]["available_actions"] == []
        path = f"/admin/ops/payouts/{payout.id}"
        detail = (await counter.ask("GET", path, operator_id=SAM)).json()
        assert detail["available_actions"] == ["run"]

    async def test_of_an_unknown_payout_is_not_found(self, counter: Counter) -> None:
        assert (await counter.ask("POST", f"/admin/ops/payouts/{uuid4()}/run")).status_code == 404


class TestReverse:
    @pytest.fixture
    async def sent(self, office: Office) -> Payout:
        payout = await office.ready_payout()
        return await office.sender.send(payout.id)

    async def reverse(self, counter: Counter, payout_id: UUID, **changes: Any) -> httpx.Response:
        body = {"reversal_id": str(UUID(int=1)), "reason": "charged back", "amount_cents": 3_000} | changes
        return await counter.ask("POST", f"/admin/ops/payouts/{payout_id}/reverse", json=body)

    async def test_asked_for_twice_under_one_id_takes_back_once(
        self, counter: Counter, office: Office, sent: Payout
    ) -> None:
        for _ in range(2):
            answer = await self.reverse(counter, sent.id)
            assert (answer.status_code, answer.json()["reversed_cents"]) == (200, 3_000)
        assert await audited(office) == ["reverse_payout"]
        second = await self.reverse(counter, sent.id, reversal_id=str(UUID(int=2)))
        assert second.json()["reversed_cents"] == 6_000

    async def test_at_once_under_one_id_takes_back_once(self, counter: Counter, office: Office, sent: Payout) -> None:
        answers = await asyncio.gather(*(self.reverse(counter, sent.id) for _ in range(5)))
        assert {answer.status_code for answer in answers} <= {200, 202}
        assert (await office.payout(sent.id)).reversed_cents == 3_000

    @pytest.mark.parametrize("change", [{"amount_cents": 3_001}, {"reason": "another"}])
    async def test_of_another_content_under_the_same_id_is_refused(
        self, counter: Counter, sent: Payout, change: dict[str, Any]
    ) -> None:
        await self.reverse(counter, sent.id)
        answer = await self.reverse(counter, sent.id, **change)
        assert (answer.status_code, code_of(answer)) == (409, "reversal_id_taken")

    async def test_of_another_payout_under_the_same_id_is_refused(self, counter: Counter, office: Office) -> None:
        both = [await office.sender.send((await office.ready_payout()).id) for _ in range(2)]
        answers = await asyncio.gather(*(self.reverse(counter, payout.id) for payout in both))
        assert sorted(answer.status_code for answer in answers) == [200, 409]

    async def test_that_stripe_refuses_says_so_each_time(self, counter: Counter, office: Office, sent: Payout) -> None:
        office.gateway.reversal_refusal = "balance_insufficient"
        for _ in range(2):
            answer = await self.reverse(counter, sent.id)
            assert (answer.status_code, code_of(answer)) == (409, "reversal_refused")
            assert answer.json()["refusal_code"] == "balance_insufficient"
        assert (await office.payout(sent.id)).state is PayoutState.SENT

    async def test_whose_answer_is_lost_is_accepted_and_told_later(
        self, counter: Counter, office: Office, sent: Payout
    ) -> None:
        office.gateway.lose_answers = 1
        assert (await self.reverse(counter, sent.id)).status_code == 202
        assert (await self.reverse(counter, sent.id)).status_code == 202
        # The application's leases are on the machine's true clock.
        office.machine.advance(timedelta(days=3650))
        await office.sender.resolve_open()
        answer = await self.reverse(counter, sent.id)
        assert (answer.status_code, answer.json()["reversed_cents"]) == (200, 3_000)

    async def test_that_a_rule_refuses_is_not_audited_as_done(
        self, counter: Counter, office: Office, sent: Payout
    ) -> None:
        answer = await self.reverse(counter, sent.id, amount_cents=sent.amount_cents + 1)
        assert (answer.status_code, code_of(answer)) == (409, "payout_not_reversible")
        assert await audited(office) == []


class TestRelease:
    async def release(self, counter: Counter, payout_id: UUID) -> httpx.Response:
        return await counter.ask("POST", f"/admin/ops/payouts/{payout_id}/release", json={"reason": "looked at"})

    @pytest.fixture
    async def given_up(self, office: Office) -> Payout:
        """A transfer whose answer was lost, and which was not found a day later: it did go, though."""
        payout = await office.ready_payout()
        office.gateway.lose_answers = 1
        await office.sender.send(payout.id)
        office.clock.advance(timedelta(hours=30))
        office.pass_lease()
        office.gateway.hides = True
        await office.sender.resolve_open()
        office.gateway.hides = False
        failed = await office.payout(payout.id)
        assert (failed.state, failed.reason_code) == (PayoutState.FAILED, "never_happened")
        return failed

    async def test_looks_again_for_what_was_only_concluded(
        self, counter: Counter, office: Office, given_up: Payout
    ) -> None:
        answer = await self.release(counter, given_up.id)
        assert (answer.status_code, answer.json()["state"]) == (200, "sent")
        assert (await office.payout(given_up.id)).stripe_transfer_id
        (attempt,) = await office.attempts(given_up.id)
        assert attempt.outcome is AttemptOutcome.SUCCEEDED
        assert (await office.published())[-1] == "payout.sent"

    async def test_waits_until_stripe_can_be_asked(self, counter: Counter, office: Office, given_up: Payout) -> None:
        office.gateway.away = 1
        answer = await self.release(counter, given_up.id)
        assert (answer.status_code, code_of(answer)) == (503, "stripe_unavailable")
        assert (await office.payout(given_up.id)).state is PayoutState.FAILED

    async def test_of_what_stripe_refused_asks_nobody(self, counter: Counter, office: Office) -> None:
        payout = await office.ready_payout()
        office.gateway.transfer_refusal = "amount_too_small"
        assert (await office.sender.send(payout.id)).state is PayoutState.FAILED
        office.gateway.away = 1
        answer = await self.release(counter, payout.id)
        assert (answer.status_code, answer.json()["state"]) == (200, "ready")
        assert await audited(office) == ["release_payout"]

    async def test_twice_is_once(self, counter: Counter, office: Office) -> None:
        payout = await office.ready_payout()
        async with office.database.transaction() as session:
            await session.execute(text("UPDATE payouts SET state = 'on_hold', reason_code = 'account_not_payable'"))
        for _ in range(2):
            assert (await self.release(counter, payout.id)).json()["state"] == "ready"
        assert await audited(office) == ["release_payout"]


class TestList:
    async def test_filters_by_state_and_pages(self, counter: Counter, office: Office) -> None:
        made = {str((await office.ready_payout()).id) for _ in range(3)}
        seen: set[str] = set()
        cursor: str | None = None
        for _ in range(3):
            query = {"state": "ready", "limit": "1"} | ({"cursor": cursor} if cursor else {})
            page = (await counter.ask("GET", "/admin/ops/payouts", params=query)).json()
            seen |= {row["id"] for row in page["items"]}
            cursor = page["next"]
        assert (seen, cursor) == (made, None)
        assert (await counter.ask("GET", "/admin/ops/payouts", params={"state": "sent"})).json()["items"] == []


class TestWithoutAKey:
    @pytest.fixture(params=["", " "])
    async def unkeyed(
        self, request: pytest.FixtureRequest, office: Office, identity: TestIdentity
    ) -> AsyncIterator[Counter]:
        async with answering(office, identity, stripe_api_key=request.param) as counter:
            yield counter

    async def test_nothing_is_sent_or_taken_back(self, unkeyed: Counter, office: Office) -> None:
        payout = await office.ready_payout()
        body = {"reversal_id": str(uuid4()), "reason": "x", "amount_cents": 1}
        for action, content in (("run", None), ("reverse", body)):
            answer = await unkeyed.ask("POST", f"/admin/ops/payouts/{payout.id}/{action}", json=content)
            assert (answer.status_code, code_of(answer)) == (503, "stripe_not_configured")
        assert (await office.payout(payout.id)).state is PayoutState.READY


class TestGuards:
    def test_every_money_route_asks_for_a_fresh_second_factor(self, office: Office, identity: TestIdentity) -> None:
        ours = ("/admin/experts", "/admin/boards", "/admin/ops/payouts")
        guards = [
            guard
            for guard in route_guards(application(office.database, identity, office.clock, office.gateway))
            if guard.path.startswith(ours)
        ]
        moving = [guard for guard in guards if guard.method != "GET"]
        assert {(guard.capability, guard.step_up) for guard in moving} == {(Capability.MANAGE_BILLING_OPS, True)}
        assert len(moving) == 7


class TestEveryOperation:
    async def test_answers_as_documented(self, office: Office, identity: TestIdentity) -> None:
        with serving(application(office.database, identity, office.clock, office.gateway)) as address:
            faults = await asyncio.to_thread(
                faults_found, address, identity.headers(Role.ADMIN), max_examples=10, leave_out={"/webhooks/stripe"}
            )
        assert not faults, "\n".join(faults)
