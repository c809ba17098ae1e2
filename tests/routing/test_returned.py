"""An assignment that the installer gave back, everywhere that it can be met."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from contracts.values import CapReleaseReason
from services.routing.commands.assignments import (
    CancelAssignment,
    ReleaseCap,
    cancel_assignment,
    release_cap,
    release_caps_for_credits,
)
from services.routing.domain.states import AssignmentStatus, CancelReason
from services.routing.errors import NotPending
from services.routing.pages import assignments, installers
from services.routing.queries import figures
from tests.kit.identity import TestIdentity
from tests.routing.arrangements import NOW, ROBIN, SHARED, Floor, lead
from tests.routing.desk import Desk
from tests.routing.test_pages_lists import rows

LATER = NOW + timedelta(days=2)


@pytest.fixture
async def returned(floor: Floor, clock: FixedClock) -> UUID:
    """One that was sent, and went back later."""
    await floor.installer()
    await floor.dispatch(lead(SHARED))
    made = (await floor.only_assignment()).id
    await floor.deliver(made)
    clock.instant = LATER
    await floor.send_back(made)
    return made


class TestCommands:
    async def test_its_mail_accepted_once_more_is_no_news(self, floor: Floor, returned: UUID) -> None:
        await floor.deliver(returned)
        assert await floor.exceptions() == []
        assert (await floor.only_assignment()).status is AssignmentStatus.RETURNED

    async def test_its_mail_refused_after_that_is_no_news(self, floor: Floor, returned: UUID) -> None:
        await floor.refuse_mail(returned)
        assert await floor.exceptions() == []

    async def test_it_is_not_taken_back(self, floor: Floor, returned: UUID) -> None:
        with pytest.raises(NotPending, match="the installer returned it"):
            async with floor.database.transaction() as session:
                command = CancelAssignment(returned, CancelReason.OPERATOR_ERROR, None, ROBIN)
                await cancel_assignment(session, command, NOW)

    async def test_its_place_is_released_already(self, floor: Floor, returned: UUID) -> None:
        installer_id = (await floor.only_assignment()).installer_id
        async with floor.database.transaction() as session:
            await release_cap(session, ReleaseCap(returned, CapReleaseReason.INVALID_LEAD, None, ROBIN), NOW)
            await release_caps_for_credits(session, [ReleaseCap(returned, CapReleaseReason.CREDIT_LINKED)], NOW)
        assert await floor.counts(installer_id) == {}

    async def test_whoever_gave_it_back_does_not_get_it_again_by_itself(
        self, floor: Floor, desk: Desk, returned: UUID
    ) -> None:
        made = await floor.only_assignment()
        other = await floor.installer(name="Other")
        await floor.rows_changed(
            "INSERT INTO dispatch_exceptions (id, lead_id, reason, detail, raised_at, last_raised_at) "
            "VALUES (gen_random_uuid(), :lead_id, 'returned', 'returned', now(), now())",
            lead_id=made.lead_id,
        )
        [item] = await floor.exceptions(is_open=True)
        await desk.do("POST", f"/admin/dispatch-exceptions/{item.id}/retry")
        assert [each.installer_id for each in (await floor.assignments())[1:]] == [other]


class TestLists:
    async def test_it_is_among_the_ended_since_it_went_back(self, floor: Floor, returned: UUID) -> None:
        [tab] = [tab for tab in assignments.LISTING.tabs if tab.title == "Ended"]
        [row] = await rows(floor, assignments.LISTING, tab.query)
        assert (row.id, row.status, row.ended_reason) == (returned, AssignmentStatus.RETURNED, "out_of_area")
        assert row.since == LATER
        assert [row.id for row in await rows(floor, assignments.LISTING, "status=returned")] == [returned]

    async def test_the_installer_was_delivered_it(self, floor: Floor, returned: UUID) -> None:
        [row] = await rows(floor, installers.LISTING)
        assert (row.month, row.delivered) == (0, 1)

    async def test_it_counts_as_delivered_at_home(self, floor: Floor, returned: UUID) -> None:
        async with floor.database.reading() as session:
            outcomes = await figures.outcomes(session, NOW, NOW.replace(day=4))
            [bar] = await figures.deliveries(session, NOW, NOW.replace(day=2), 5)
        assert (outcomes.sent, outcomes.failed, bar.shared) == (1, 0, 1)


class TestJson:
    async def test_tells_it_and_finds_it(self, desk: Desk, returned: UUID) -> None:
        [told] = await desk.items("/admin/assignments", status="returned")
        assert (told["id"], told["status"], told["ended_reason"]) == (str(returned), "returned", "out_of_area")
        assert told["sent_at"] is not None
        assert told["available_actions"] == []

    async def test_its_share_is_free_again(self, floor: Floor, desk: Desk, returned: UUID) -> None:
        told = await desk.get(f"/admin/leads/{(await floor.only_assignment()).lead_id}/dispatch")
        assert (told["shares_wanted"], told["shares_live"], told["shares_sent"]) == (3, 0, 0)


class TestPages:
    async def page(self, desk: Desk, identity: TestIdentity, path: str) -> str:
        desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))
        answer = await desk.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def test_say_what_became_of_it_and_when(self, desk: Desk, identity: TestIdentity, returned: UUID) -> None:
        page = await self.page(desk, identity, f"/console/assignments/{returned}")
        wanted: list[Any] = [
            "Returned ",
            "The installer had the lead; what it costs stands in billing.",
            "took it back, as the installer returned it",
            "sent it: the mail was taken over, and it is billable",
            "it was sent, and the installer returned it",
            "released its place under the caps, as it was returned",
        ]
        assert [text for text in wanted if text not in page] == []
        assert page.index(wanted[2]) < page.index(wanted[3])

    async def test_have_a_chip_for_it(self, desk: Desk, identity: TestIdentity, returned: UUID) -> None:
        assert '<span class="chip warning">Returned</span>' in await self.page(
            desk, identity, "/console/assignments?status=returned"
        )
