"""Returns from their request to their end: what an operator does, and what follows of it."""

from datetime import datetime

import pytest

from chassis.ids import new_id
from contracts.routing import (
    AssignmentCapReleased,
    AssignmentReturnDenied,
    AssignmentReturned,
    AssignmentReturnRequested,
)
from contracts.values import CapReleaseReason, CreditReason
from services.routing.domain.returns import DenialCode, ReturnCode, ReturnState, RuleVerdict
from services.routing.domain.states import AssignmentStatus
from services.routing.errors import CreditReasonFixed, NotReturnable, ReturnExists, ReturnIsDecided
from tests.routing.arrangements import ROBIN, Floor, lead
from tests.routing.given_back import KIM, LEAD_PPM, balance, now_of, sent


class TestRequest:
    async def test_waits_with_what_the_system_knows(self, floor: Floor) -> None:
        await floor.installer()
        made = await sent(floor)
        asked = await floor.ask_back(made.id, ReturnCode.CONTACT_INVALID)
        assert (asked.state, asked.rule_verdict, asked.rule_reason) == (
            ReturnState.REQUESTED,
            RuleVerdict.ASK,
            "a_person_can_tell",
        )
        told = asked.evidence
        assert (told["territory"], told["service"], told["given_by_hand"]) == (True, True, False)
        assert [each["what"] for each in told["delivery"]] == ["accepted"]
        assert told["quota"] | {"cycle_starts_at": ""} == {
            "cycle_starts_at": "",
            "delivered": 1,
            "accepted": 0,
            "allowed": 2,
            "percent": 15,
        }
        assert told["window"]["business_days"] == 5
        assert asked.decide_by == datetime.fromisoformat(told["window"]["ends_at"])
        [event] = await floor.events("assignment.return_requested")
        assert isinstance(event, AssignmentReturnRequested)
        assert (event.return_id, event.reason_code) == (asked.id, "contact_invalid")
        assert (await now_of(floor, made.id)).status is AssignmentStatus.SENT

    async def test_is_asked_for_once_under_one_id(self, floor: Floor) -> None:
        await floor.installer()
        made, return_id = await sent(floor), new_id()
        await floor.ask_back(made.id, return_id=return_id)
        await floor.ask_back(made.id, return_id=return_id)
        assert len(await floor.returns()) == 1
        with pytest.raises(ReturnExists, match="another return's"):
            await floor.ask_back(made.id, ReturnCode.CONTACT_INVALID, return_id=return_id)
        with pytest.raises(ReturnExists, match="waits to be decided"):
            await floor.ask_back(made.id)

    async def test_of_a_lead_that_was_never_sent_is_refused(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        with pytest.raises(NotReturnable, match="not sent yet"):
            await floor.ask_back(made.id)
        await floor.refuse_mail(made.id)
        with pytest.raises(NotReturnable, match="never had the lead"):
            await floor.ask_back(made.id)

    async def test_tells_earlier_returns_of_lead_and_installer(self, floor: Floor) -> None:
        await floor.installer()
        made, other = await sent(floor), await sent(floor)
        denied = await floor.ask_back(made.id)
        await floor.turn_down(denied.id)
        told = (await floor.ask_back(made.id)).evidence
        assert [(each["return_id"], each["state"]) for each in told["of_the_lead"]] == [(str(denied.id), "denied")]
        told = (await floor.ask_back(other.id)).evidence
        assert (len(told["of_the_lead"]), len(told["of_the_installer"])) == (0, 2)

    async def test_leaves_no_name_in_what_was_gathered(self, floor: Floor) -> None:
        await floor.installer()
        made = await sent(floor)
        await floor.ask_back(made.id)
        [row] = await floor.rows("SELECT evidence::text AS told FROM returns")
        assert not [word for word in ("Mia", "obrien", "+614", "Cadogan") if word in row["told"]]


class TestAccept:
    async def test_frees_the_place_and_owes_the_lead_again(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        made = await sent(floor)
        owed = await balance(floor, installer_id)
        asked = await floor.ask_back(made.id, ReturnCode.CONTACT_INVALID)
        accepted = await floor.take_back(asked.id, by=KIM, note="Disconnected")
        assert (accepted.state, accepted.decided_by_name, accepted.is_offered_on) == (
            ReturnState.ACCEPTED,
            "Kim Tran",
            False,
        )
        returned = await floor.only_assignment()
        assert (returned.status, returned.ended_reason) == (AssignmentStatus.RETURNED, "contact_invalid")
        assert returned.cap_release_reason is CapReleaseReason.INVALID_LEAD
        assert await floor.counts(installer_id) == {}
        assert await balance(floor, installer_id) == owed + LEAD_PPM

    async def test_proposes_the_credit_in_the_same_breath_and_nothing_that_was_typed(self, floor: Floor) -> None:
        await floor.installer()
        asked = await floor.ask_back((await sent(floor)).id, ReturnCode.CONTACT_INVALID, words="Mia has moved")
        await floor.take_back(asked.id, note="Mia has moved")
        released, returned = await floor.events("assignment.cap_released", "assignment.returned")
        assert isinstance(released, AssignmentCapReleased)
        assert isinstance(returned, AssignmentReturned)
        [credit] = returned.credits
        assert (credit.request_id, credit.reason_code, credit.is_proposal, credit.asked_by_id) == (
            asked.id,
            CreditReason.INVALID_CONTACT,
            True,
            ROBIN.id,
        )
        assert "Mia" not in returned.model_dump_json()

    @pytest.mark.parametrize("chosen", [None, CreditReason.SYSTEM_FAULT])
    async def test_where_the_code_leaves_it_open_an_operator_says_which_credit(
        self, floor: Floor, chosen: CreditReason | None
    ) -> None:
        await floor.installer()
        asked = await floor.ask_back((await sent(floor)).id, ReturnCode.OUTSIDE_CRITERIA)
        await floor.take_back(asked.id, credit_reason=chosen)
        [event] = await floor.events("assignment.returned")
        assert isinstance(event, AssignmentReturned)
        assert [credit.reason_code for credit in event.credits] == ([chosen] if chosen else [])

    async def test_where_the_code_says_which_no_other_is_taken(self, floor: Floor) -> None:
        await floor.installer()
        asked = await floor.ask_back((await sent(floor)).id, ReturnCode.CONTACT_INVALID)
        with pytest.raises(CreditReasonFixed):
            await floor.take_back(asked.id, credit_reason=CreditReason.SYSTEM_FAULT)
        await floor.take_back(asked.id, credit_reason=CreditReason.INVALID_CONTACT)

    async def test_twice_is_once(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await sent(floor)
        asked = await floor.ask_back((await sent(floor)).id, ReturnCode.CONTACT_INVALID)
        await floor.take_back(asked.id)
        once = await balance(floor, installer_id)
        await floor.take_back(asked.id)
        assert await balance(floor, installer_id) == once
        assert len(await floor.events("assignment.returned")) == 1
        assert (await floor.counts(installer_id))["day"] == (0, 1)

    async def test_what_is_decided_is_decided(self, floor: Floor) -> None:
        await floor.installer()
        asked = await floor.ask_back((await sent(floor)).id)
        await floor.turn_down(asked.id)
        await floor.turn_down(asked.id)
        with pytest.raises(ReturnIsDecided):
            await floor.take_back(asked.id)
        with pytest.raises(ReturnIsDecided):
            await floor.withdraw(asked.id)
        assert len(await floor.events("assignment.return_denied")) == 1

    async def test_each_event_takes_one_version(self, floor: Floor) -> None:
        await floor.installer()
        asked = await floor.ask_back((await sent(floor)).id, ReturnCode.OUTSIDE_CRITERIA)
        await floor.take_back(asked.id)
        of_assignment = [v for v, e in await floor.published() if e.type.startswith("assignment.")]
        assert of_assignment == list(range(1, len(of_assignment) + 1))
        of_dispatch = [v for v, e in await floor.published() if e.type.startswith("dispatch.")]
        assert of_dispatch == list(range(1, len(of_dispatch) + 1))


class TestDenyAndWithdraw:
    async def test_a_denial_tells_the_installer_in_the_operators_words(self, floor: Floor) -> None:
        await floor.installer()
        made = await sent(floor)
        denied = await floor.turn_down((await floor.ask_back(made.id)).id, DenialCode.SALES_OUTCOME)
        [event] = await floor.events("assignment.return_denied")
        assert isinstance(event, AssignmentReturnDenied)
        assert (event.message, event.denial_code, event.installer_name) == (
            "The number answers.",
            "sales_outcome",
            "Southern Sun Solar",
        )
        assert (denied.state, (await now_of(floor, made.id)).status) == (ReturnState.DENIED, AssignmentStatus.SENT)

    async def test_a_denied_one_may_be_asked_for_again(self, floor: Floor) -> None:
        await floor.installer()
        made = await sent(floor)
        await floor.turn_down((await floor.ask_back(made.id)).id)
        again = await floor.ask_back(made.id)
        await floor.take_back(again.id)
        assert [each.state for each in await floor.returns()] == [ReturnState.DENIED, ReturnState.ACCEPTED]

    async def test_withdrawn_it_stays_with_the_installer(self, floor: Floor) -> None:
        await floor.installer()
        made = await sent(floor)
        asked = await floor.ask_back(made.id)
        await floor.withdraw(asked.id)
        await floor.withdraw(asked.id)
        assert len(await floor.events("assignment.return_withdrawn")) == 1
        assert (await now_of(floor, made.id)).status is AssignmentStatus.SENT

    async def test_all_stand_in_the_assignments_own_history(self, floor: Floor) -> None:
        await floor.installer()
        made = await sent(floor)
        await floor.turn_down((await floor.ask_back(made.id)).id)
        await floor.withdraw((await floor.ask_back(made.id)).id)
        await floor.take_back((await floor.ask_back(made.id)).id)
        rows = await floor.rows(
            "SELECT action, after, actor_name FROM audit_entries WHERE subject_id = :id ORDER BY id", id=str(made.id)
        )
        assert [row["action"] for row in rows] == [
            "request_return", "deny_return", "request_return", "withdraw_return", "request_return", "accept_return",
            "release_cap",
        ]  # fmt: skip
        assert {row["actor_name"] for row in rows} == {ROBIN.name}
        assert rows[1]["after"]["denial_code"] == "not_proven"
