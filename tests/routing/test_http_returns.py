"""Returns over HTTP, and what billing's answers make of them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.ids import new_id
from contracts.billing import DeliveryCreditAnswered
from contracts.identity import Role
from services.routing.domain.returns import NoReason, ReturnCode
from tests.routing.arrangements import NOW, Floor, lead
from tests.routing.desk import UNKNOWN, Desk, code_of, faults
from tests.routing.feed import Feed, record


@pytest.fixture
async def sent(floor: Floor) -> UUID:
    """An assignment whose lead its installer has."""
    await floor.installer()
    await floor.dispatch(lead())
    made = (await floor.only_assignment()).id
    await floor.deliver(made)
    return made


def body(code: str = "contact_invalid", **changes: Any) -> dict[str, Any]:
    return {"id": str(new_id()), "code": code, "words": "The number is dead", "channel": "phone", **changes}


class TestRequest:
    async def test_tells_what_is_known_and_what_can_be_done(self, desk: Desk, sent: UUID) -> None:
        told = await desk.do("POST", f"/admin/assignments/{sent}/returns", asked := body())
        assert (told["id"], told["state"], told["asked_by"], told["channel"]) == (
            asked["id"],
            "requested",
            "installer",
            "phone",
        )
        assert told["available_actions"] == ["accept", "deny", "withdraw"]
        assert told["evidence"]["quota"]["allowed"] == 2
        assert (told["installer_name"], told["is_late"]) == ("Southern Sun Solar", False)
        assert await desk.do("POST", f"/admin/assignments/{sent}/returns", asked) == told
        assert await desk.get(f"/admin/returns/{asked['id']}") == told

    @pytest.mark.parametrize("code", NoReason)
    async def test_refuses_a_sales_outcome_by_name(self, desk: Desk, sent: UUID, code: str) -> None:
        answer = await desk.ask("POST", f"/admin/assignments/{sent}/returns", body(code))
        assert (answer.status_code, code_of(answer)) == (409, "return_reason_refused")

    async def test_refuses_what_is_no_code_and_what_is_no_assignment(self, desk: Desk, sent: UUID) -> None:
        answer = await desk.ask("POST", f"/admin/assignments/{sent}/returns", body("boredom", words=" "))
        assert set(faults(answer)) >= {"words"}
        answer = await desk.ask("POST", f"/admin/assignments/{UNKNOWN}/returns", body())
        assert (answer.status_code, code_of(answer)) == (404, "no_such_assignment")

    async def test_twice_for_one_delivery_is_refused(self, desk: Desk, sent: UUID) -> None:
        await desk.do("POST", f"/admin/assignments/{sent}/returns", body())
        answer = await desk.ask("POST", f"/admin/assignments/{sent}/returns", body())
        assert (answer.status_code, code_of(answer)) == (409, "return_exists")

    async def test_is_an_action_of_the_assignment_while_it_can_be_taken(
        self, desk: Desk, floor: Floor, sent: UUID
    ) -> None:
        async def is_offered() -> bool:
            """Told alike by the assignment itself, in the list of all and with its lead."""
            one = await desk.get(f"/admin/assignments/{sent}")
            [listed] = await desk.items("/admin/assignments")
            [of_lead] = (await desk.get(f"/admin/leads/{one['lead_id']}/dispatch"))["assignments"]
            assert one["available_actions"] == listed["available_actions"] == of_lead["available_actions"]
            return "take-return" in one["available_actions"]

        assert await is_offered()
        asked = await desk.do("POST", f"/admin/assignments/{sent}/returns", body("outside_criteria"))
        assert not await is_offered()
        await desk.do("POST", f"/admin/returns/{asked['id']}/withdraw")
        assert await is_offered()
        asked = await desk.do("POST", f"/admin/assignments/{sent}/returns", body("outside_criteria"))
        await desk.do("POST", f"/admin/returns/{asked['id']}/accept", {})
        assert not await is_offered()

    async def test_is_for_those_who_write_routing(self, desk: Desk, sent: UUID) -> None:
        answer = await desk.ask("POST", f"/admin/assignments/{sent}/returns", body(), role=Role.EDITOR)
        assert answer.status_code == 201
        answer = await desk.client.post(f"/admin/assignments/{sent}/returns", json=body())
        assert answer.status_code == 401


class TestDecide:
    async def test_accepts_once_and_for_good(self, desk: Desk, floor: Floor, sent: UUID) -> None:
        asked = await desk.do("POST", f"/admin/assignments/{sent}/returns", body("outside_criteria"))
        path = f"/admin/returns/{asked['id']}"
        told = await desk.do("POST", f"{path}/accept", {"credit_reason": "system_fault", "note": "Right"})
        assert (told["state"], told["credit_reason"], told["is_offered_on"], told["available_actions"]) == (
            "accepted",
            "system_fault",
            True,
            [],
        )
        assert await desk.do("POST", f"{path}/accept", {}) == told
        answer = await desk.ask("POST", f"{path}/deny", {"denial_code": "not_proven", "note": "No"})
        assert (answer.status_code, code_of(answer)) == (409, "return_decided")
        answer = await desk.ask("POST", f"/admin/assignments/{sent}/returns", body())
        assert (answer.status_code, code_of(answer)) == (409, "not_returnable")

    async def test_denies_with_a_note_only(self, desk: Desk, sent: UUID) -> None:
        asked = await desk.do("POST", f"/admin/assignments/{sent}/returns", body())
        path = f"/admin/returns/{asked['id']}/deny"
        assert "note" in faults(await desk.ask("POST", path, {"denial_code": "not_proven"}))
        told = await desk.do("POST", path, {"denial_code": "quota_used", "note": "Three were taken back"})
        assert (told["state"], told["denial_code"]) == ("denied", "quota_used")

    async def test_withdraws(self, desk: Desk, sent: UUID) -> None:
        asked = await desk.do("POST", f"/admin/assignments/{sent}/returns", body())
        told = await desk.do("POST", f"/admin/returns/{asked['id']}/withdraw")
        assert (told["state"], told["available_actions"]) == ("withdrawn", [])

    async def test_a_credit_of_another_reason_is_refused(self, desk: Desk, sent: UUID) -> None:
        asked = await desk.do("POST", f"/admin/assignments/{sent}/returns", body())
        answer = await desk.ask("POST", f"/admin/returns/{asked['id']}/accept", {"credit_reason": "system_fault"})
        assert code_of(answer) == "credit_reason_fixed"


class TestLists:
    async def test_finds_by_state_code_installer_lead_and_lateness(
        self, desk: Desk, floor: Floor, clock: FixedClock, sent: UUID
    ) -> None:
        made = await floor.only_assignment()
        asked = await floor.ask_back(sent, ReturnCode.CONTACT_INVALID)
        clock.advance(timedelta(days=9))
        late = clock.now().isoformat()
        wanted: list[dict[str, Any]] = [
            {"state": "requested"},
            {"code": "contact_invalid"},
            {"installer_id": made.installer_id},
            {"lead_id": made.lead_id},
            {"assignment_id": made.id},
            {"decide_before": late},
        ]
        for each in wanted:
            [told] = await desk.items("/admin/returns", **each)
            assert (told["id"], told["is_late"]) == (str(asked.id), True)
        nothing: list[dict[str, Any]] = [
            {"state": "denied"},
            {"code": "other"},
            {"installer_id": UNKNOWN},
            {"decide_before": NOW.isoformat()},
        ]
        for each in nothing:
            assert await desk.items("/admin/returns", **each) == []

    async def test_an_unknown_one_is_not_found(self, desk: Desk) -> None:
        answer = await desk.ask("GET", f"/admin/returns/{UNKNOWN}")
        assert (answer.status_code, code_of(answer)) == (404, "no_such_return")


class TestBillingsAnswers:
    def answer(self, asked: Any, result: str, minutes: int, **more: Any) -> DeliveryCreditAnswered:
        return DeliveryCreditAnswered(
            assignment_id=asked.assignment_id,
            request_id=asked.id,
            lead_id=asked.lead_id,
            installer_id=asked.installer_id,
            result=result,
            reason_code="invalid_contact",
            currency="AUD",
            answered_at=NOW + timedelta(minutes=minutes),
            **more,
        )

    async def test_are_kept_and_the_last_stands_whatever_comes_late(self, desk: Desk, floor: Floor, sent: UUID) -> None:
        feed, invoice = Feed(floor), new_id()
        asked = await floor.ask_back(sent, ReturnCode.CONTACT_INVALID)
        await floor.take_back(asked.id)
        proposed, credited = self.answer(asked, "proposed", 1), self.answer(asked, "credited", 9, invoice_id=invoice)
        await feed.take(record(proposed, version=1))
        assert (await desk.get(f"/admin/returns/{asked.id}"))["credit_result"] == "proposed"
        await feed.take(record(credited, version=2))
        await feed.take(record(proposed, version=3))
        told = await desk.get(f"/admin/returns/{asked.id}")
        assert (told["credit_result"], told["credit_invoice_id"]) == ("credited", str(invoice))

    async def test_to_what_no_return_asked_for_are_nothing_to_us(self, floor: Floor, sent: UUID) -> None:
        asked = await floor.ask_back(sent, ReturnCode.CONTACT_INVALID)
        asked.id = new_id()
        await Feed(floor).take(record(self.answer(asked, "credited", 1)))
        assert [each.credit_result for each in await floor.returns()] == [None]
