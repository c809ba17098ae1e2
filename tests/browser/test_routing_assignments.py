"""Assignments and dispatches: what is on its way is taken back, what counts is released, and every decision is told."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from contracts.values import InstallerStatus
from services.routing.domain.states import AssignmentStatus, CapState
from services.routing.domain.windows import Limits
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.routing.arrangements import SHARED, lead

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PLANTED = "<script>document.title='planted'</script><b>bold</b>"


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_lead_on_its_way_is_taken_back_by_clicks_alone(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    await rooms.floor.installer()
    await rooms.floor.dispatch(lead())
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/assignments?status=pending")
    await here.page.get_by_role("link", name="Solar battery, Marrickville NSW 2204").click()
    await here.page.locator("summary", has_text="Cancel assignment").click()
    form = here.page.locator("#do-cancel")
    await form.get_by_label("Reason", exact=True).select_option("wrong_installer")
    await form.get_by_label("In your own words").fill(PLANTED)
    await form.get_by_role("button", name="Cancel assignment").click()
    await expect(here.page.get_by_text("Cancel assignment: it is cancelled")).to_be_visible()
    await expect(here.page.locator(".timeline li").first).to_contain_text(f"Wrong installer: {PLANTED}")
    await here.page.get_by_role("link", name="Dispatch", exact=True).click()
    await expect(here.page.get_by_text("It waits for an operator")).to_be_visible()
    assert (await rooms.floor.only_assignment()).status is AssignmentStatus.CANCELLED


async def test_a_place_that_counts_is_released_once(rooms: Rooms, visit: Visits) -> None:
    await rooms.floor.installer()
    await rooms.floor.dispatch(lead())
    made = await rooms.floor.only_assignment()
    await rooms.floor.deliver(made.id)
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/assignments/{made.id}")
    await expect(here.page.locator(".action.impossible", has_text="Cancel assignment")).to_contain_text("it is sent")
    await here.page.locator("summary", has_text="Release place under the caps").click()
    await here.page.get_by_label("Reason", exact=True).select_option("invalid_lead")
    await here.page.get_by_role("button", name="Release place under the caps").click()
    await expect(here.page.get_by_text("its place was released before")).to_be_visible()
    assert (await rooms.floor.only_assignment()).cap_state is CapState.RELEASED


async def test_a_decision_tells_every_rule_of_every_candidate(rooms: Rooms, visit: Visits) -> None:
    await rooms.floor.installer(Limits(day=3))
    await rooms.floor.installer(name=PLANTED, status=InstallerStatus.PAUSED)
    await rooms.floor.dispatch(arrived := lead(SHARED))
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/dispatches/{arrived.lead_id}")
    chosen = here.page.get_by_role("row", name="Southern Sun Solar").first
    await expect(chosen).to_contain_text("Chosen")
    await expect(chosen).to_contain_text("0 of 3")
    refused = here.page.get_by_role("row", name=PLANTED)
    await expect(refused).to_contain_text("failed: Paused")
    await expect(refused).to_contain_text("takes no leads")
    await expect(here.page.locator("b")).to_have_count(0)
    assert await here.page.title() != "planted"


async def test_auto_dispatch_is_turned_off_with_a_reason(rooms: Rooms, visit: Visits) -> None:
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/exceptions?state=open")
    await here.page.get_by_role("link", name="Auto-dispatch").click()
    await here.page.locator("summary", has_text="Turn off").click()
    await here.page.get_by_label("Reason").fill("The price plans are being changed")
    await here.page.get_by_role("button", name="Turn off").click()
    await expect(here.page.get_by_text("The switch is turned")).to_be_visible()
    await expect(here.page.locator("summary", has_text="Turn on")).to_be_visible()
    await rooms.floor.dispatch(lead())
    assert (await rooms.floor.only_exception()).reason == "auto_dispatch_off"


async def test_every_page_is_accessible(rooms: Rooms, visit: Visits) -> None:
    await rooms.floor.installer(Limits(day=1))
    await rooms.floor.dispatch(lead(), arrived := lead(SHARED))
    made = await rooms.floor.only_assignment()
    here = await visit()
    await here.enter(Role.SUPER_ADMIN, f"{rooms.routing}/console/assignments")
    await check_everywhere(here, f"{rooms.routing}/console/assignments")
    await check_everywhere(here, f"{rooms.routing}/console/assignments?stuck=true")
    await check_everywhere(here, f"{rooms.routing}/console/assignments/{made.id}")
    await check_everywhere(here, f"{rooms.routing}/console/dispatches/{arrived.lead_id}")
    await check_everywhere(here, f"{rooms.routing}/console/auto-dispatch")
