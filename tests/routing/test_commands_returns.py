"""Returns from their request to their end: what a rule decides, what an operator does, and what follows of either."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from chassis.clock import FixedClock
from chassis.ids import new_id
from contracts.routing import (
    AssignmentCapReleased,
    AssignmentReturnDenied,
    AssignmentReturned,
    AssignmentReturnRequested,
)
from contracts.values import CapReleaseReason, CreditReason, SelectedPath
from services.routing.commands.exceptions import AssignByHand, assign_by_hand
from services.routing.domain.policies import ReturnsPolicy
from services.routing.domain.returns import DenialCode, ReturnCode, ReturnState, RuleVerdict
from services.routing.domain.states import AssignmentStatus, LinkKind
from services.routing.errors import CreditReasonFixed, NotReturnable, ReturnExists, ReturnIsDecided
from services.routing.models import Assignment, LeadLink, Return
from tests.routing.arrangements import (
    EXCLUSIVE,
    FREMANTLE,
    NOW,
    ROBIN,
    Floor,
    Person,
    lead,
)

KIM = Person(new_id(), "Kim Tran")
LEAD_PPM = 1_000_000


async def sent(floor: Floor, path: SelectedPath = EXCLUSIVE, **changes: Any) -> Assignment:
    """A lead that the only installer there is has got."""
    arrived = lead(path, **changes)
    await floor.dispatch(arrived)
    [made] = await floor.assignments(arrived.lead_id)
    await floor.deliver(made.id)
    return made


async def by_hand(floor: Floor, installer_id: UUID, **changes: Any) -> Assignment:
    """A lead that nobody may have by itself, given and sent to this installer."""
    arrived = lead(**changes)
    await floor.dispatch(arrived)
    [item] = [each for each in await floor.exceptions(is_open=True) if each.lead_id == arrived.lead_id]
    async with floor.database.transaction() as session:
        await assign_by_hand(session, AssignByHand(item.id, (installer_id,), ROBIN), floor.clock.now())
    [made] = await floor.assignments(arrived.lead_id)
    await floor.deliver(made.id)
    return made


async def link(floor: Floor, one: UUID, other: UUID, kind: LinkKind = LinkKind.MERGED) -> None:
    async with floor.database.transaction() as session:
        row = {"lead_id": one, "other_lead_id": other, "kind": kind, "linked_at": NOW}
        await session.execute(insert(LeadLink).values(**row))


async def balance(floor: Floor, installer_id: UUID) -> int:
    [row] = await floor.rows("SELECT balance_ppm FROM turns_taken WHERE installer_id = :id", id=installer_id)
    return int(row["balance_ppm"])


async def now_of(floor: Floor, assignment_id: UUID) -> Assignment:
    [found] = [each for each in await floor.assignments() if each.id == assignment_id]
    return found


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


class TestRules:
    async def test_past_the_window_it_is_denied_at_once_and_mailed(self, floor: Floor, clock: FixedClock) -> None:
        await floor.installer()
        made = await sent(floor)
        clock.advance(timedelta(days=8))
        asked = await floor.ask_back(made.id)
        assert (asked.state, asked.denial_code, asked.decided_by_rule) == (
            ReturnState.DENIED,
            DenialCode.WINDOW_PASSED,
            True,
        )
        [event] = await floor.events("assignment.return_denied")
        assert isinstance(event, AssignmentReturnDenied)
        assert (event.recipient_email, event.denial_code) == ("leads@southernsun.example", "window_passed")
        assert "within 5 business days" in event.message

    async def test_the_window_is_the_policys(self, floor: Floor, clock: FixedClock) -> None:
        await floor.installer()
        await floor.policy(ReturnsPolicy(window_business_days=10, decide_business_days=1))
        made = await sent(floor)
        clock.advance(timedelta(days=8))
        asked = await floor.ask_back(made.id)
        assert asked.state is ReturnState.REQUESTED
        assert asked.decide_by - clock.now() < timedelta(days=2)

    async def test_a_person_whom_it_had_before_is_taken_back_at_once(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        first, second = await sent(floor), await sent(floor)
        await floor.rows_changed(
            "UPDATE assignments SET sent_at = sent_at - interval '1 hour' WHERE id = :id", id=first.id
        )
        await link(floor, first.lead_id, second.lead_id)
        asked = await floor.ask_back(second.id, ReturnCode.DUPLICATE_FROM_US)
        assert (asked.state, asked.decided_by_rule, asked.rule_reason) == (
            ReturnState.ACCEPTED,
            True,
            "had_the_person_before",
        )
        assert asked.evidence["duplicates"][0]["assignment_id"] == str(first.id)
        returned = await now_of(floor, second.id)
        assert (returned.status, returned.cap_release_reason) == (
            AssignmentStatus.RETURNED,
            CapReleaseReason.DUPLICATE_DISPATCH,
        )
        assert (await floor.counts(installer_id))["day"] == (0, 1)

    async def test_a_later_one_or_another_service_is_no_duplicate(self, floor: Floor) -> None:
        await floor.installer(services=("solar-battery", "heat-pump"))
        first, other = await sent(floor), await sent(floor, service="heat-pump")
        await link(floor, first.lead_id, other.lead_id)
        await floor.rows_changed(
            "UPDATE assignments SET sent_at = sent_at - interval '1 hour' WHERE id = :id", id=other.id
        )
        assert (await floor.ask_back(first.id, ReturnCode.DUPLICATE_FROM_US)).state is ReturnState.REQUESTED

    @pytest.mark.parametrize(
        ("code", "denial"),
        [
            (ReturnCode.OUT_OF_AREA, DenialCode.INSIDE_TERRITORY),
            (ReturnCode.WRONG_SERVICE, DenialCode.SERVICE_OFFERED),
        ],
    )
    async def test_what_its_decision_found_in_order_is_denied(
        self, floor: Floor, code: ReturnCode, denial: DenialCode
    ) -> None:
        await floor.installer()
        asked = await floor.ask_back((await sent(floor)).id, code)
        assert (asked.state, asked.denial_code) == (ReturnState.DENIED, denial)

    @pytest.mark.parametrize(
        ("code", "changes", "credit"),
        [
            (ReturnCode.OUT_OF_AREA, {"location": FREMANTLE}, CreditReason.POSTCODE_MISMATCH),
            (ReturnCode.WRONG_SERVICE, {"service": "heat-pump"}, CreditReason.SYSTEM_FAULT),
        ],
    )
    async def test_what_was_given_by_hand_all_the_same_is_taken_back(
        self, floor: Floor, code: ReturnCode, changes: dict[str, Any], credit: CreditReason
    ) -> None:
        installer_id = await floor.installer()
        asked = await floor.ask_back((await by_hand(floor, installer_id, **changes)).id, code)
        assert (asked.state, asked.credit_reason) == (ReturnState.ACCEPTED, credit)
        returned = await floor.only_assignment()
        assert returned.cap_release_reason is CapReleaseReason.OPERATOR_ERROR
        # What was given by hand was no turn, and is not owed again.
        assert await balance(floor, installer_id) == 0

    async def test_a_place_that_was_corrected_since_is_for_a_person_to_judge(self, floor: Floor) -> None:
        await floor.installer()
        made = await sent(floor)
        await floor.rows_changed("UPDATE dispatches SET postcode = '6160', state = 'WA'")
        asked = await floor.ask_back(made.id, ReturnCode.OUT_OF_AREA)
        assert (asked.state, asked.rule_reason) == (ReturnState.REQUESTED, "its_decision_does_not_tell")

    async def test_faults_of_ours_are_outside_the_quota(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        hand = await by_hand(floor, installer_id, location=FREMANTLE)
        await floor.ask_back(hand.id, ReturnCode.OUT_OF_AREA)
        assert (await floor.ask_back((await sent(floor)).id)).evidence["quota"]["accepted"] == 0
        for _ in range(2):
            asked = await floor.ask_back((await sent(floor)).id, ReturnCode.CONTACT_INVALID)
            await floor.take_back(asked.id)
        asked = await floor.ask_back((await sent(floor)).id, ReturnCode.CONTACT_INVALID)
        assert (asked.evidence["quota"]["accepted"], asked.rule_reason) == (2, "quota_is_used")
        hand = await by_hand(floor, installer_id, location=FREMANTLE)
        assert (await floor.ask_back(hand.id, ReturnCode.OUT_OF_AREA)).state is ReturnState.ACCEPTED


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
        ]  # fmt: skip
        assert {row["actor_name"] for row in rows} == {ROBIN.name}
        assert rows[1]["after"]["denial_code"] == "not_proven"

    async def test_a_rule_acts_as_the_system(self, floor: Floor) -> None:
        await floor.installer()
        made = await sent(floor)
        asked: Return = await floor.ask_back(made.id, ReturnCode.OUT_OF_AREA)
        rows = await floor.rows(
            "SELECT actor_name, reason_code FROM audit_entries WHERE subject_id = :id ORDER BY id", id=str(made.id)
        )
        assert [tuple(row.values()) for row in rows] == [
            (ROBIN.name, "out_of_area"),
            ("system", "inside_territory"),
        ]
        assert (asked.decided_by_id, asked.decided_by_rule) == (None, True)
