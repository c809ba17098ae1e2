"""What is over the quota: denied by the policy or left to a person, who says why; judged when asked and once more."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from contracts.routing import AssignmentReturnDenied
from deploy.local.postgres import ServiceDatabase
from services.routing.domain.policies import OverQuota, ReturnsPolicy
from services.routing.domain.returns import DenialCode, ReturnCode, ReturnState
from services.routing.errors import OverQuotaNeedsNote
from services.routing.models import Return
from services.routing.pages import returns
from tests.kit.identity import TestIdentity
from tests.routing.arrangements import Floor, committing
from tests.routing.desk import Desk, code_of
from tests.routing.given_back import link, sent
from tests.routing.test_pages_lists import rows

NUMBER_IS_DEAD = ReturnCode.CONTACT_INVALID


async def asked_back(floor: Floor, number: int = 1) -> list[Return]:
    return [await floor.ask_back((await sent(floor)).id, NUMBER_IS_DEAD) for _ in range(number)]


async def use_quota(floor: Floor) -> UUID:
    """Of an installer that may give back two leads, both are taken back."""
    installer_id = await floor.installer()
    for asked in await asked_back(floor, 2):
        await floor.take_back(asked.id)
    return installer_id


class TestWhenItIsAsked:
    async def test_is_denied_at_once_where_the_policy_says_so(self, floor: Floor) -> None:
        await floor.policy(ReturnsPolicy(over_quota=OverQuota.DENY))
        await use_quota(floor)
        [third] = await asked_back(floor)
        assert (third.state, third.denial_code, third.decided_by_rule, third.is_over_quota) == (
            ReturnState.DENIED,
            DenialCode.QUOTA_USED,
            True,
            True,
        )
        [event] = await floor.events("assignment.return_denied")
        assert isinstance(event, AssignmentReturnDenied)
        assert "you have given back as many this month" in event.message

    async def test_a_fault_of_ours_is_taken_back_all_the_same(self, floor: Floor) -> None:
        await floor.policy(ReturnsPolicy(over_quota=OverQuota.DENY))
        await use_quota(floor)
        first, second = await sent(floor), await sent(floor)
        await floor.rows_changed(
            "UPDATE assignments SET sent_at = sent_at - interval '1 hour' WHERE id = :id", id=first.id
        )
        await link(floor, first.lead_id, second.lead_id)
        asked = await floor.ask_back(second.id, ReturnCode.DUPLICATE_FROM_US)
        assert (asked.state, asked.is_over_quota) == (ReturnState.ACCEPTED, False)

    async def test_waits_for_a_person_otherwise(self, floor: Floor) -> None:
        await use_quota(floor)
        [third] = await asked_back(floor)
        assert (third.state, third.rule_reason, third.is_over_quota) == (ReturnState.REQUESTED, "quota_is_used", True)


class TestWhenItIsAccepted:
    async def test_needs_a_note_that_stays_on_record(self, floor: Floor) -> None:
        await use_quota(floor)
        [third] = await asked_back(floor)
        with pytest.raises(OverQuotaNeedsNote, match="2 of 2 are taken back already this cycle"):
            await floor.take_back(third.id)
        assert [each.state for each in await floor.returns()].count(ReturnState.REQUESTED) == 1
        accepted = await floor.take_back(third.id, note="The number was never theirs")
        assert (accepted.state, accepted.is_over_quota) == (ReturnState.ACCEPTED, True)
        [entry] = await floor.rows(
            "SELECT reason_text, after->'is_over_quota' AS over FROM audit_entries WHERE action = 'accept_return' "
            "ORDER BY id DESC LIMIT 1"
        )
        assert entry == {"reason_text": "The number was never theirs", "over": True}

    async def test_is_judged_by_what_was_taken_back_since_it_was_asked_for(self, floor: Floor) -> None:
        await floor.installer()
        first, second, third = await asked_back(floor, 3)
        assert third.is_over_quota is False
        for each in (first, second):
            await floor.take_back(each.id)
        with pytest.raises(OverQuotaNeedsNote):
            await floor.take_back(third.id)

    async def test_goes_by_the_quota_of_now_the_other_way_too(self, floor: Floor) -> None:
        await use_quota(floor)
        [third] = await asked_back(floor)
        await floor.policy(ReturnsPolicy(quota_least=5))
        assert (await floor.take_back(third.id)).is_over_quota is False

    async def test_two_at_once_are_not_both_the_last_one(
        self, fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock
    ) -> None:
        async with committing(fresh_database("routing"), clock) as floor:
            await floor.policy(ReturnsPolicy(quota_percent=0, quota_least=1))
            await floor.installer()
            asked = await asked_back(floor, 4)
            ends = await asyncio.gather(*[floor.take_back(each.id) for each in asked], return_exceptions=True)
            assert sorted(type(end).__name__ for end in ends) == ["OverQuotaNeedsNote"] * 3 + ["Return"]


class TestTheRooms:
    async def test_tell_it_ask_for_the_note_and_find_it(self, floor: Floor, desk: Desk, identity: TestIdentity) -> None:
        await use_quota(floor)
        [third] = await asked_back(floor)
        [row] = await rows(floor, returns.LISTING, "state=requested&over_quota=true")
        assert row.id == third.id
        [told] = await desk.items("/admin/returns", over_quota=True)
        assert (told["id"], told["is_over_quota"]) == (str(third.id), True)
        desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))
        page = (await desk.client.get(f"/console/returns/{third.id}")).text
        assert "2 of 2 are taken back already this cycle" in page
        assert "Over the quota" in page
        refused = await desk.ask("POST", f"/admin/returns/{third.id}/accept", {})
        assert (refused.status_code, code_of(refused)) == (422, "over_quota_needs_note")
        taken = await desk.do("POST", f"/admin/returns/{third.id}/accept", {"note": "Dead since May"})
        assert (taken["state"], taken["is_over_quota"]) == ("accepted", True)
