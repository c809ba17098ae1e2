"""Mails that came back after they were accepted: in the log once, evidence of a return, and a sure one."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from chassis.clock import FixedClock
from contracts.values import BounceClass, CapReleaseReason, CreditReason, MessagePurpose
from services.routing.domain.returns import DenialCode, ReturnCode, ReturnState
from services.routing.domain.states import AssignmentStatus, BreakerState
from services.routing.models import Assignment
from tests.kit.identity import TestIdentity
from tests.routing.arrangements import SHARED, Floor, lead
from tests.routing.desk import Desk
from tests.routing.feed import Feed, bounced, record
from tests.routing.given_back import now_of, sent
from tests.routing.test_pages_returns import Pages


@pytest.fixture
def feed(floor: Floor) -> Feed:
    return Feed(floor)


@pytest.fixture
async def made(floor: Floor) -> Assignment:
    await floor.installer()
    return await sent(floor)


async def log(floor: Floor) -> list[tuple[Any, ...]]:
    found = await floor.rows("SELECT what, reason_code, enhanced_status FROM delivery_log ORDER BY id")
    return [tuple(row.values()) for row in found]


GIVEN_UP = {"bounce_class": BounceClass.TRANSIENT, "enhanced_status": "4.4.7", "reason_code": "given_up"}


class TestLog:
    async def test_has_it_once_and_the_assignment_stays_sent(
        self, floor: Floor, feed: Feed, desk: Desk, identity: TestIdentity, made: Assignment
    ) -> None:
        await feed.take(record(bounced(made.id)), record(bounced(made.id, **GIVEN_UP)))
        await feed.take(record(bounced(made.id)))
        assert await log(floor) == [("accepted", None, None), ("bounced", "no_such_mailbox", "5.1.1")]
        assert (await floor.only_assignment()).status is AssignmentStatus.SENT
        assert await feed.parked() == []
        page = await Pages(desk, identity).read(f"/console/assignments/{made.id}")
        assert "Bounced" in page
        assert "5.1.1" in page

    async def test_has_it_though_the_lead_was_taken_back_before(
        self, floor: Floor, feed: Feed, made: Assignment
    ) -> None:
        await floor.take_back((await floor.ask_back(made.id, ReturnCode.OUTSIDE_CRITERIA)).id)
        await feed.take(record(bounced(made.id)))
        assert (await log(floor))[-1] == ("bounced", "no_such_mailbox", "5.1.1")
        assert (await now_of(floor, made.id)).cap_release_reason is CapReleaseReason.INVALID_LEAD

    async def test_other_mails_that_come_back_say_nothing_of_it(
        self, floor: Floor, feed: Feed, made: Assignment
    ) -> None:
        await feed.take(record(bounced(made.id, purpose=MessagePurpose.OPS_ALERT)))
        assert await log(floor) == [("accepted", None, None)]

    async def test_three_in_a_row_open_the_breaker_of_the_mailbox(self, floor: Floor, feed: Feed) -> None:
        installer_id = await floor.installer()
        delivered = [await sent(floor) for _ in range(3)]
        await feed.take(*(record(bounced(each.id)) for each in delivered))
        [endpoint] = await floor.rows("SELECT * FROM delivery_endpoints WHERE installer_id = :id", id=installer_id)
        assert endpoint["breaker"] == BreakerState.OPEN


class TestReturns:
    @pytest.mark.parametrize("code", [ReturnCode.OTHER, ReturnCode.CONTACT_INVALID, ReturnCode.OUT_OF_AREA])
    async def test_what_never_arrived_is_taken_back_at_once(
        self, floor: Floor, feed: Feed, made: Assignment, code: ReturnCode
    ) -> None:
        await feed.take(record(bounced(made.id)))
        asked = await floor.ask_back(made.id, code)
        assert (asked.state, asked.decided_by_rule, asked.rule_reason) == (
            ReturnState.ACCEPTED,
            True,
            "its_mail_came_back",
        )
        assert (asked.credit_reason, asked.is_offered_on) == (
            CreditReason.UNREACHABLE_PAYLOAD,
            code is not ReturnCode.CONTACT_INVALID,
        )
        assert asked.evidence["delivery"][-1]["enhanced_status"] == "5.1.1"
        assert (await now_of(floor, made.id)).cap_release_reason is CapReleaseReason.DELIVERY_FAULT

    async def test_what_was_only_given_up_is_evidence_for_a_person(
        self, floor: Floor, feed: Feed, desk: Desk, identity: TestIdentity, made: Assignment
    ) -> None:
        await feed.take(record(bounced(made.id, **GIVEN_UP)))
        asked = await floor.ask_back(made.id)
        assert (asked.state, asked.rule_reason) == (ReturnState.REQUESTED, "a_person_can_tell")
        assert "Given up, 4.4.7" in await Pages(desk, identity).read(f"/console/returns/{asked.id}")
        log = (await desk.get(f"/admin/assignments/{made.id}/deliveries"))["log"]
        assert (log[-1]["what"], log[-1]["status"], log[-1]["enhanced_status"]) == ("bounced", None, "4.4.7")

    async def test_one_that_waits_is_judged_again_when_its_mail_comes_back(
        self, floor: Floor, feed: Feed, made: Assignment, clock: FixedClock
    ) -> None:
        asked = await floor.ask_back(made.id)
        clock.advance(timedelta(days=30))
        await feed.take(record(bounced(made.id)))
        [kept] = await floor.rows("SELECT * FROM returns WHERE id = :id", id=asked.id)
        assert (kept["state"], kept["rule_verdict"], kept["credit_reason"]) == (
            "accepted",
            "accept",
            "unreachable_payload",
        )
        assert [each["what"] for each in kept["evidence"]["delivery"]] == ["accepted", "bounced"]
        assert len(await floor.events("assignment.returned")) == 1

    async def test_one_for_a_consent_waits_for_a_person_all_the_same(
        self, floor: Floor, feed: Feed, made: Assignment
    ) -> None:
        asked = await floor.ask_back(made.id, ReturnCode.CONSENT_OR_COMPLIANCE)
        await feed.take(record(bounced(made.id)))
        [kept] = await floor.rows("SELECT * FROM returns WHERE id = :id", id=asked.id)
        assert (kept["state"], kept["rule_reason"]) == ("requested", "a_person_can_tell")
        assert kept["evidence"]["delivery"][-1]["what"] == "bounced"

    async def test_past_the_window_it_is_too_late_for_it_too(
        self, floor: Floor, feed: Feed, made: Assignment, clock: FixedClock
    ) -> None:
        await feed.take(record(bounced(made.id)))
        clock.advance(timedelta(days=8))
        assert (await floor.ask_back(made.id)).denial_code is DenialCode.WINDOW_PASSED

    async def test_a_contact_found_invalid_is_so_for_the_next_installer(self, floor: Floor, feed: Feed) -> None:
        await floor.installers(3)
        first, second, third = await self._given_to_three(floor)
        await feed.take(record(bounced(first.id)))
        assert (await floor.ask_back(first.id, ReturnCode.CONTACT_INVALID)).state is ReturnState.ACCEPTED
        # That its own mail came back says nothing of the person.
        asked = await floor.ask_back(second.id, ReturnCode.CONTACT_INVALID)
        assert asked.state is ReturnState.REQUESTED
        await floor.take_back(asked.id)
        sure = await floor.ask_back(third.id, ReturnCode.CONTACT_INVALID)
        assert (sure.state, sure.rule_reason, sure.credit_reason) == (
            ReturnState.ACCEPTED,
            "found_invalid_before",
            CreditReason.INVALID_CONTACT,
        )

    async def _given_to_three(self, floor: Floor) -> Sequence[Assignment]:
        arrived = lead(SHARED)
        await floor.dispatch(arrived)
        given = await floor.assignments(arrived.lead_id)
        for each in given:
            await floor.deliver(each.id)
        return given
