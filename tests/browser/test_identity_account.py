"""One's own account: password, second factor and open sessions."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from playwright.async_api import expect

from contracts.identity import Role
from tests.browser.conftest import Rooms, Visit
from tests.browser.sweep import check_everywhere

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PATH = "/console/account"
NEW_PASSWORD = "four green lamps in a hall"
PLANTED = "<script>document.title='planted'</script>"


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_password_is_changed(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    person = await rooms.person(Role.EDITOR, f"Sam {PLANTED}")
    here: Visit = await visit(java_script_enabled=has_scripts)
    await here.enter(person, rooms.identity + PATH)
    await expect(here.page.locator(".sentence")).to_contain_text(PLANTED)
    await here.page.get_by_label("Present password").fill(person.password)
    await here.page.get_by_label("New password", exact=True).fill("short")
    await here.page.get_by_label("New password again").fill("short")
    await here.page.get_by_role("button", name="Change password").click()
    await expect(here.page.locator(".fault")).to_contain_text("At least 12 characters")
    await here.page.get_by_label("Present password").fill(person.password)
    await here.page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    await here.page.get_by_label("New password again").fill(NEW_PASSWORD)
    await here.page.get_by_role("button", name="Change password").click()
    await expect(here.page.get_by_role("status")).to_contain_text("Your password is changed")
    assert here.page.url == f"{rooms.identity}/console/sign-in?done=password"


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_second_factor_is_replaced_after_a_step_up(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    person = await rooms.person(Role.EDITOR)
    here: Visit = await visit(java_script_enabled=has_scripts)
    await here.enter(person, rooms.identity + PATH, is_stepped_up=False)
    await here.page.locator("summary", has_text="Change second factor").click()
    await here.page.get_by_role("button", name="Change second factor").click()
    dialog = here.page.get_by_role("dialog", name="Confirm that it is you") if has_scripts else here.page
    await dialog.get_by_label("One-time code").fill(person.code(rooms.house.clock))
    await dialog.get_by_role("button", name="Confirm and continue").click()
    if not has_scripts:
        await here.page.get_by_role("button", name="Continue").click()
    await expect(here.page.get_by_role("heading", level=1)).to_have_text("Set up your authenticator")
    await expect(here.page.get_by_role("link", name="Back to my account")).to_be_visible()
    key = "".join((await here.page.locator(".key").inner_text()).split())
    rooms.house.clock.instant += timedelta(seconds=30)
    await here.page.get_by_label("One-time code").fill(pyotp.TOTP(key).at(rooms.house.clock.now()))
    await here.page.get_by_role("button", name="Confirm").click()
    await expect(here.page.get_by_role("status")).to_contain_text("Your second factor is set")


async def test_sessions_elsewhere_are_ended_one_by_one_and_all(rooms: Rooms, visit: Visits) -> None:
    person = await rooms.person(Role.EDITOR)
    for back in (1, 2, 3):
        rooms.house.clock.instant -= timedelta(minutes=10 * (4 - back))
        await rooms.tokens(person)
        rooms.house.clock.instant += timedelta(minutes=10 * (4 - back))
    here: Visit = await visit()
    await here.enter(person, f"{rooms.identity}/console")
    await here.page.locator(".me > summary").click()
    await here.page.get_by_role("link", name="My account").click()
    ends = here.page.get_by_role("button", name="End this one")
    await expect(ends).to_have_count(3)
    await ends.first.click()
    await expect(here.page.get_by_text("Ended", exact=True)).to_be_visible()
    await expect(ends).to_have_count(2)
    await here.page.get_by_role("button", name="End all others").click()
    await expect(here.page.get_by_text("All others are ended")).to_be_visible()
    await expect(ends).to_have_count(0)
    await expect(here.page.locator(".timeline")).to_contain_text("signed out elsewhere")


async def test_the_account_is_accessible(rooms: Rooms, visit: Visits) -> None:
    person = await rooms.person(Role.EDITOR)
    rooms.house.clock.instant -= timedelta(minutes=10)
    await rooms.tokens(person)
    rooms.house.clock.instant += timedelta(minutes=10)
    here: Visit = await visit()
    await here.enter(person, rooms.identity + PATH)
    await check_everywhere(here, rooms.identity + PATH)
