"""The exception queue, worked by clicks, by keys, without scripts, and on a phone."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from contracts.values import InstallerStatus
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.routing.arrangements import lead

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PLANTED = "<script>document.title='planted'</script><b>bold</b>"


async def waiting(rooms: Rooms) -> UUID:
    """A lead that nobody could have: its exception's id."""
    await rooms.floor.dispatch(lead())
    return (await rooms.floor.only_exception()).id


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_an_item_is_worked_off_by_clicks_alone(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    exception_id = await waiting(rooms)
    await rooms.floor.installer()
    here = await visit(java_script_enabled=has_scripts)
    await here.sign_in(await rooms.person(Role.EDITOR), f"{rooms.routing}/console/exceptions?state=open")
    await here.page.get_by_role("link", name="Solar battery, Marrickville NSW 2204").click()
    await expect(here.page).to_have_url(f"{rooms.routing}/console/exceptions/{exception_id}")
    await here.page.locator("summary", has_text="Retry dispatch").click()
    await here.page.get_by_role("button", name="Retry dispatch").click()
    await expect(here.page.locator(".action.impossible", has_text="it is resolved")).to_have_count(3)
    await expect(here.page.get_by_role("rowheader", name="Southern Sun Solar").first).to_be_attached()
    assert len(await rooms.floor.assignments()) == 1


async def test_a_reason_that_is_markup_is_shown_as_text(rooms: Rooms, visit: Visits) -> None:
    await waiting(rooms)
    here = await visit()
    await here.sign_in(await rooms.person(), f"{rooms.routing}/console/exceptions?state=open")
    await here.page.get_by_role("link", name="Solar battery").click()
    await here.page.locator("summary", has_text="Set aside").click()
    await here.page.locator("#do-resolve").get_by_label("Reason").fill(PLANTED)
    await here.page.get_by_role("button", name="Set aside").click()
    await expect(here.page.get_by_text(PLANTED)).to_have_count(1)
    assert "planted" not in await here.page.title()


async def test_keys_alone_open_and_settle_an_item(rooms: Rooms, visit: Visits) -> None:
    exception_id = await waiting(rooms)
    here = await visit()
    await here.sign_in(await rooms.person(), f"{rooms.routing}/console/exceptions?state=open")
    keys = here.page.keyboard
    await keys.press("/")
    assert await here.page.locator("[data-search]:focus").count() == 1
    await keys.press("Tab")
    await keys.press("j")
    await keys.press("e")
    await here.page.wait_for_url(f"{rooms.routing}/console/exceptions/{exception_id}")
    await here.page.locator("summary", has_text="Set aside").focus()
    await keys.press("Enter")
    await keys.press("Tab")
    await keys.type("The client called and withdrew it")
    await keys.press("Tab")
    await keys.press("Enter")
    await here.page.get_by_text("The client called and withdrew it").wait_for()
    await keys.press("g")
    await keys.press("e")
    await here.page.wait_for_url(f"{rooms.routing}/console/exceptions?state=open")
    await expect(here.page.get_by_text("Nothing waits")).to_be_visible()


async def test_an_override_of_the_caps_needs_a_reason_here_too(rooms: Rooms, visit: Visits) -> None:
    await rooms.floor.installer(status=InstallerStatus.PAUSED)
    await waiting(rooms)
    here = await visit()
    await here.sign_in(await rooms.person(), f"{rooms.routing}/console/exceptions?state=open")
    await here.page.get_by_role("link", name="Solar battery").click()
    await here.page.locator("summary", has_text="Assign by hand").click()
    await here.page.get_by_label("Southern Sun Solar").check()
    await here.page.get_by_label("Beyond their caps").check()
    await here.page.get_by_role("button", name="Assign by hand").click()
    told = here.page.locator(".field", has=here.page.locator("[name=reason]:focus"))
    await expect(told).to_contain_text("An override of the caps needs a reason")
    assert await rooms.floor.assignments() == []


async def test_filters_stand_in_the_address(rooms: Rooms, visit: Visits) -> None:
    await waiting(rooms)
    here = await visit()
    await here.sign_in(await rooms.person(), f"{rooms.routing}/console/exceptions?state=open")
    await here.page.locator("summary", has_text="Why it waits").click()
    await here.page.get_by_label("Contact missing").check()
    await expect(here.page).to_have_url(re.compile("reason=contact_missing"))
    await expect(here.page.get_by_text("Nothing matches")).to_be_visible()
    await here.page.get_by_role("link", name="Remove the filter Why it waits").click()
    await expect(here.page.get_by_role("rowheader")).to_have_count(1)


async def test_every_page_is_accessible(rooms: Rooms, visit: Visits) -> None:
    exception_id = await waiting(rooms)
    here = await visit()
    await check_everywhere(here, f"{rooms.identity}/console/sign-in")
    await here.enter(Role.SUPER_ADMIN, f"{rooms.routing}/console/exceptions")
    await check_everywhere(here, f"{rooms.routing}/console/exceptions")
    await check_everywhere(here, f"{rooms.routing}/console/exceptions?reason=contact_missing")
    await check_everywhere(here, f"{rooms.routing}/console/exceptions/{exception_id}")
    await check_everywhere(here, f"{rooms.routing}/console/exceptions/{UUID(int=0)}", status=404)
    await check_everywhere(here, f"{rooms.identity}/admin/design")


async def test_a_view_is_saved_shared_and_taken_away(rooms: Rooms, visit: Visits) -> None:
    await waiting(rooms)
    here, other = await visit(), await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/exceptions?state=open&q=2204")
    await here.page.locator("summary", has_text="Save view").click()
    await here.page.get_by_label("Name of the view").fill("Inner west")
    await here.page.get_by_label("Shared with everybody").check()
    await here.page.get_by_role("button", name="Save view").click()
    await expect(here.page.get_by_text("View saved")).to_be_visible()
    await expect(here.page.get_by_role("link", name="Inner west")).to_have_attribute("aria-current", "page")
    await other.enter(Role.EDITOR, f"{rooms.routing}/console/exceptions")
    await other.page.get_by_role("link", name="Inner west").click()
    await expect(other.page).to_have_url(re.compile("q=2204"))
    await expect(other.page.get_by_role("rowheader")).to_have_count(1)
    await here.page.locator("summary", has_text="Save view").click()
    await here.page.get_by_role("button", name="Remove").click()
    await expect(here.page.get_by_text("View removed")).to_be_visible()
    await expect(here.page.get_by_role("link", name="Inner west")).to_have_count(0)


async def test_many_are_worked_off_at_once_and_each_says_what_became_of_it(rooms: Rooms, visit: Visits) -> None:
    await rooms.floor.dispatch(*(lead() for _ in range(3)))
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/exceptions?state=open")
    await here.page.get_by_label("Select all rows of this page").check()
    await expect(here.page.get_by_text("3 selected")).to_be_visible()
    await here.page.get_by_role("button", name="Set aside").click()
    await expect(here.page.get_by_text("Takes 3 items out of the queue")).to_be_visible()
    await here.page.get_by_label("Reason").fill("A test of the source's")
    await here.page.get_by_role("button", name="Set aside").click()
    await expect(here.page.get_by_text("All 3 are done")).to_be_visible()
    await expect(here.page.locator("tbody .chip", has_text="Done")).to_have_count(3)
    await here.page.goto(f"{rooms.routing}/console/exceptions?state=open")
    await expect(here.page.get_by_text("Nothing waits")).to_be_visible()


async def test_the_csv_is_what_is_filtered(rooms: Rooms, visit: Visits) -> None:
    await rooms.floor.dispatch(lead(), lead())
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/exceptions?state=open")
    async with here.page.expect_download() as download:
        await here.page.get_by_role("button", name="Export CSV").click()
    path = await (await download.value).path()
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("id,lead,reason,")
    await expect(here.page.get_by_text("The export has begun")).to_be_visible()
