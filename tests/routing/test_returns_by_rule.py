"""Returns that a rule is sure of, decided as they are asked for; and those that it leaves to a person."""

from datetime import timedelta
from typing import Any

import pytest

from chassis.clock import FixedClock
from chassis.ids import new_id
from contracts.routing import AssignmentReturnDenied
from contracts.values import CapReleaseReason, CreditReason
from services.routing.domain.policies import ReturnsPolicy
from services.routing.domain.returns import DenialCode, ReturnCode, ReturnState
from services.routing.domain.states import AssignmentStatus
from services.routing.models import Return
from tests.routing.arrangements import FREMANTLE, ROBIN, Floor
from tests.routing.given_back import balance, by_hand, link, now_of, sent


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
        assert "within 5 business days of its delivery (Monday to Friday, public holidays counted)" in event.message

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
        await link(floor, first.lead_id, into := new_id())
        await link(floor, second.lead_id, into)
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
