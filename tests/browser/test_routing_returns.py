"""Returns worked by clicks: taken on the assignment, decided in their room, denied many at once."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from services.routing.domain.returns import ReturnCode, ReturnState
from services.routing.domain.states import AssignmentStatus
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.routing.arrangements import lead

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]


async def sent(rooms: Rooms, number: int = 1) -> list[UUID]:
    """Leads that Southern Sun Solar has, and that another could have."""
    await rooms.floor.installer()
    await rooms.floor.dispatch(*(lead() for _ in range(number)))
    made = [each.id for each in await rooms.floor.assignments()]
    await rooms.floor.deliver(*made)
    await rooms.floor.installer(name="Harbour Electrical")
    return made


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_one_is_taken_on_the_assignment_and_accepted(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    [made] = await sent(rooms)
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/assignments/{made}")
    await here.page.locator("summary", has_text="Take a return").click()
    form = here.page.locator("#do-take-return")
    await form.get_by_label("Because").select_option("outside_criteria")
    await form.get_by_label("What the installer says").fill("They <b>rent</b>")
    await form.get_by_role("button", name="Take a return").click()
    await expect(here.page).to_have_url(re.compile(r"/console/returns/"))
    await expect(here.page.get_by_text("5 business days left")).to_be_visible()
    await expect(here.page.get_by_text("They <b>rent</b>", exact=True)).to_be_visible()
    accepting = here.page.locator("#do-accept")
    await here.page.locator("summary", has_text="Accept return").click()
    await accepting.get_by_label("Credit").select_option("system_fault")
    await accepting.get_by_role("button", name="Accept return").click()
    await expect(here.page.get_by_text("Accepted: the lead is taken back")).to_be_visible()
    await expect(here.page.locator(".timeline li").first).to_contain_text("accepted its return")
    returned, given = await rooms.floor.assignments()
    assert (returned.status, given.status) == (AssignmentStatus.RETURNED, AssignmentStatus.PENDING)


async def test_many_are_denied_at_once(rooms: Rooms, visit: Visits) -> None:
    for made in await sent(rooms, 2):
        await rooms.floor.ask_back(made)
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/returns?state=requested&sort=due")
    await here.page.get_by_label("Select all rows of this page").check()
    await expect(here.page.get_by_text("2 selected")).to_be_visible()
    await here.page.get_by_role("button", name="Deny").click()
    await expect(here.page.get_by_text("Denies 2 returns")).to_be_visible()
    await here.page.get_by_label("Reason").select_option("sales_outcome")
    await here.page.get_by_label("In your own words").fill("They chose somebody else.")
    await here.page.get_by_role("button", name="Deny").click()
    await expect(here.page.get_by_text("Both are done").or_(here.page.get_by_text("All 2 are done"))).to_be_visible()
    await expect(here.page.locator("tbody .chip", has_text="Done")).to_have_count(2)
    assert {each.state for each in await rooms.floor.returns()} == {ReturnState.DENIED}


async def test_every_page_is_accessible(rooms: Rooms, visit: Visits) -> None:
    first, second, third = await sent(rooms, 3)
    asked = await rooms.floor.ask_back(first, ReturnCode.OTHER)
    await rooms.floor.take_back((await rooms.floor.ask_back(second, ReturnCode.CONTACT_INVALID)).id)
    await rooms.floor.ask_back(third, ReturnCode.OUT_OF_AREA)
    rooms.clock.advance(timedelta(days=9))
    here = await visit()
    await here.enter(Role.SUPER_ADMIN, f"{rooms.routing}/console/returns")
    for path in (
        "returns",
        "returns?state=requested&decision=late&sort=due",
        "returns?code=wrong_service",
        f"returns/{asked.id}",
        f"assignments/{second}",
        f"assignments/{first}",
    ):
        await check_everywhere(here, f"{rooms.routing}/console/{path}")
