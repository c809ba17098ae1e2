"""Operators: who may come in; what can be done with their access, and why not."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from services.identity.domain import OperatorStatus
from tests.browser.conftest import Rooms, Visit
from tests.browser.sweep import check_everywhere

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PATH = "/console/operators"
PLANTED = "<script>document.title='planted'</script>"


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_role_is_changed_by_clicks_alone(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    other = await rooms.person(Role.EDITOR, "Sam Hale")
    here: Visit = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.SUPER_ADMIN, rooms.identity + PATH)
    await here.page.get_by_role("link", name="Sam Hale").click()
    await here.page.locator("summary", has_text="Change role").click()
    form = here.page.locator("#do-change_role")
    await form.get_by_label("Role").select_option("admin")
    await form.get_by_label("Reason").fill(f"Works on billing from now on {PLANTED}")
    await form.get_by_role("button", name="Change role").click()
    await expect(here.page.get_by_text("Changed", exact=True)).to_be_visible()
    await expect(here.page.locator(".timeline")).to_contain_text("changed their role")
    await expect(here.page.locator(".timeline")).to_contain_text(PLANTED)
    assert (await rooms.house.row(other.id)).role is Role.ADMIN


async def test_what_somebody_changed_meanwhile_is_not_changed_again_unseen(rooms: Rooms, visit: Visits) -> None:
    other = await rooms.person(Role.EDITOR, "Sam Hale")
    one: Visit = await visit()
    two: Visit = await visit()
    address = f"{rooms.identity}{PATH}/{other.id}"
    await one.enter(Role.SUPER_ADMIN, address)
    await two.enter(await rooms.person(Role.SUPER_ADMIN, "Kim Lee"), address)
    for here, role in ((one, "admin"), (two, "super_admin")):
        await here.page.locator("summary", has_text="Change role").click()
        form = here.page.locator("#do-change_role")
        await form.get_by_label("Role").select_option(role)
        await form.get_by_label("Reason").fill("As was asked")
        await form.get_by_role("button", name="Change role").click()
        if here is one:
            await expect(one.page.get_by_text("Changed", exact=True)).to_be_visible()
    await expect(two.page.get_by_role("alert")).to_contain_text("Robin Field changed it meanwhile")
    assert (await rooms.house.row(other.id)).role is Role.ADMIN


async def test_what_cannot_be_done_says_why(rooms: Rooms, visit: Visits) -> None:
    here: Visit = await visit()
    me = await rooms.person(Role.SUPER_ADMIN)
    await here.enter(me, f"{rooms.identity}{PATH}/{me.id}")
    impossible = here.page.locator(".action.impossible")
    await expect(impossible.filter(has_text="Disable:")).to_contain_text("nobody does this to their own account")
    await expect(impossible.filter(has_text="Change role:")).to_contain_text("make another super admin first")
    await expect(impossible.filter(has_text="Enable:")).to_contain_text("the operator is not disabled")


async def test_an_invitation_is_shown_once(rooms: Rooms, visit: Visits) -> None:
    here: Visit = await visit()
    await here.enter(Role.SUPER_ADMIN, rooms.identity + PATH)
    await here.page.get_by_role("link", name="Invite operator").click()
    form = here.page.locator("main form")
    await form.get_by_label("Name").fill("Ida Brown")
    await form.get_by_label("E-mail").fill("ida@waybill.example")
    await form.get_by_label("Role").select_option("editor")
    await form.get_by_role("button", name="Invite operator").click()
    token = await here.page.locator("main code").inner_text()
    assert len(token) > 20
    await expect(here.page.get_by_role("link", name=f"{rooms.identity}/console/enrol")).to_be_visible()
    await here.page.get_by_role("link", name="Done").click()
    await expect(here.page.get_by_role("heading", level=1)).to_have_text("Ida Brown")
    await expect(here.page.locator(".chip").first).to_have_text(OperatorStatus.INVITED.value.capitalize())
    assert token not in await here.page.content()


async def test_the_room_is_for_those_who_manage_access(rooms: Rooms, visit: Visits) -> None:
    here: Visit = await visit()
    await here.enter(Role.ADMIN, rooms.identity + PATH)
    await expect(here.page.get_by_role("alert")).to_contain_text("manage_admin_access")


async def test_every_page_is_accessible(rooms: Rooms, visit: Visits) -> None:
    here: Visit = await visit()
    me = await rooms.person(Role.SUPER_ADMIN)
    await here.enter(me, rooms.identity + PATH)
    for page in (PATH, f"{PATH}?q=nobody", f"{PATH}/{me.id}", f"{PATH}/invite"):
        await check_everywhere(here, rooms.identity + page)
