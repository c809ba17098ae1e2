"""Suppressions: added and lifted by clicks, found by an address that the list itself does not have."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from deploy.local.smtp_sink.faults import Action, Fault
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.notifications.arrangements import Mailroom
from tests.notifications.samples import draft, one

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PLANTED = "<script>document.title='planted'</script><b>bold</b>"


@pytest.fixture
def mailroom(rooms: Rooms) -> Mailroom:
    return Mailroom(rooms.database("notifications"), rooms.clock)


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_an_address_is_suppressed_and_lifted(
    rooms: Rooms, visit: Visits, mailroom: Mailroom, has_scripts: bool
) -> None:
    await mailroom.queue(draft("mia@example.test"))
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, rooms.address("notifications", "/console/suppressions?state=in_force"))
    await here.page.get_by_role("link", name="Suppress an address").click()
    await here.page.get_by_label("E-mail").fill("Mia@Example.test")
    await here.page.get_by_label("Reason").fill(PLANTED)
    await here.page.get_by_role("button", name="Suppress address").click()
    await expect(here.page.get_by_role("heading", level=1)).to_have_text("mia@example.test")
    await here.page.locator("summary", has_text="Lift").click()
    await here.page.get_by_label("Reason").fill("They asked for it again")
    await here.page.locator("#do-lift").get_by_role("button").click()
    await expect(here.page.locator(".action.impossible")).to_contain_text("it was lifted")
    await expect(here.page.locator(".timeline .reason", has_text=PLANTED)).to_be_visible()
    kept = await one(mailroom.database, "SELECT lifted_by, lifted_reason FROM suppressions")
    assert kept == {"lifted_by": "Robin Field", "lifted_reason": "They asked for it again"}


async def test_suppressions_are_accessible_and_their_addresses_fresh_to_export(
    rooms: Rooms, visit: Visits, mailroom: Mailroom
) -> None:
    await mailroom.queue(draft("mia@example.test"))
    await mailroom.send(Fault(action=Action.REFUSE, answer="550 5.1.1 No such user", times=1))
    suppression_id = await mailroom.suppress("nobody-knows@example.test", PLANTED)
    here = await visit()
    here_path = "/console/suppressions"
    await here.enter(Role.EDITOR, rooms.address("notifications", here_path), is_stepped_up=False)
    await check_everywhere(here, rooms.address("notifications", here_path))
    await check_everywhere(here, rooms.address("notifications", f"{here_path}?state=lifted"))
    await check_everywhere(here, rooms.address("notifications", f"{here_path}/new"))
    await check_everywhere(here, rooms.address("notifications", f"{here_path}/{suppression_id}"))
    await here.page.goto(rooms.address("notifications", f"{here_path}?q=MIA%40example.test"))
    await expect(here.page.get_by_role("rowheader")).to_have_text(["mia@example.test"])
    await here.page.get_by_role("button", name="Export CSV").click()
    await expect(here.page.get_by_label("One-time code")).to_be_visible()
    await expect(here.page).to_have_url(re.compile("/console/suppressions"))
