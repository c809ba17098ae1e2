"""The exception queue worked in the browser: claimed, put off, and found again among what is one's own."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from tests.browser.conftest import Rooms
from tests.routing.arrangements import lead

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_what_is_claimed_is_mine_and_what_is_put_off_sleeps(
    rooms: Rooms, visit: Visits, has_scripts: bool
) -> None:
    await rooms.floor.dispatch(lead())
    here = await visit(java_script_enabled=has_scripts)
    await here.sign_in(await rooms.person(Role.EDITOR), f"{rooms.routing}/console/exceptions?owner=unowned")
    await here.page.get_by_role("link", name="Solar battery, Marrickville NSW 2204").click()
    await here.page.locator("summary", has_text="Claim").click()
    await here.page.locator("#do-claim").get_by_role("button", name="Claim").click()
    await expect(here.page.get_by_text("Claimed: it is yours")).to_be_visible()
    await expect(here.page.locator(".action.impossible", has_text="somebody has it")).to_have_count(1)
    await here.page.goto(f"{rooms.routing}/console/exceptions?owner=mine&state=open")
    await here.page.get_by_role("link", name="Solar battery, Marrickville NSW 2204").click()
    await here.page.locator("summary", has_text="Snooze").click()
    form = here.page.locator("#do-snooze")
    await form.get_by_label("Until").fill("2026-03-04T09:00")
    await form.get_by_label("Why").fill("The owner rings back in the morning")
    await form.get_by_role("button", name="Snooze").click()
    await expect(here.page.get_by_text("The owner rings back in the morning").first).to_be_visible()
    await here.page.goto(f"{rooms.routing}/console/exceptions?state=snoozed")
    await expect(here.page.get_by_role("link", name="Solar battery, Marrickville NSW 2204")).to_be_visible()


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_many_are_put_off_until_an_instant(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    await rooms.floor.dispatch(lead(), lead())
    here = await visit(java_script_enabled=has_scripts)
    await here.sign_in(await rooms.person(Role.EDITOR), f"{rooms.routing}/console/exceptions?state=open")
    for box in await here.page.locator("tbody input[name=ids]").all():
        await box.check()
    await here.page.get_by_role("button", name="Snooze").click()
    await expect(here.page.get_by_text("Puts 2 items off: until then nothing is tried")).to_be_visible()
    await here.page.get_by_label("Until").fill("2026-03-01T09:00")
    await here.page.get_by_label("Why").fill("A new installer signs on Thursday")
    await here.page.get_by_role("button", name="Preview").click()
    await expect(here.page.get_by_text("The time is past, or more than a year ahead")).to_have_count(2)
    await here.page.get_by_label("Until").fill("2026-03-05T09:00")
    await here.page.get_by_role("button", name="Preview").click()
    await expect(here.page.get_by_text("Asleep until 5 Mar 2026, 9:00 am")).to_have_count(2)
    await here.page.get_by_role("button", name="Snooze").click()
    await expect(here.page.get_by_text("All 2 are done")).to_be_visible()
    await here.page.goto(f"{rooms.routing}/console/exceptions?state=snoozed")
    await expect(here.page.get_by_role("link", name="Solar battery, Marrickville NSW 2204")).to_have_count(2)


async def test_one_reason_is_seen_to_otherwise(rooms: Rooms, visit: Visits) -> None:
    here = await visit()
    await here.sign_in(await rooms.person(Role.EDITOR), f"{rooms.routing}/console/routing-policies/queue")
    await here.page.locator("summary", has_text="Change how a reason is seen to").click()
    form = here.page.locator("#do-care")
    await form.get_by_label("Why it waits").select_option("delivery_failed")
    for name, number in (("First try after", 5), ("Each wait times", 3), ("Tries by itself", 4)):
        await form.get_by_label(name).fill(str(number))
    await form.get_by_label("Escalates after").fill("50")
    await form.get_by_label("Nobody’s for").fill("20")  # noqa: RUF001  # as print has it
    await form.get_by_label("Reason").fill("Their mailbox answers late")
    await form.get_by_role("button", name="Change how a reason is seen to").click()
    await expect(here.page.get_by_text("It is in force from now on")).to_be_visible()
    await expect(here.page.get_by_text("Version 2")).to_be_visible()
