"""Pairs of leads in a browser: compared and merged step by step, by clicks, with scripts and without."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.intake.couples import Couples, merge
from tests.intake.reception import Reception
from tests.intake.samples import CONTENT, rows, someone
from tests.intake.telling import BRIGHT, tell_all

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PLANTED = "<b>Mia</b> O'Brien"


async def two(rooms: Rooms) -> list[UUID]:
    """The second is held, and charged to somebody for all that: its operator let it go once before."""
    reception = Reception(rooms.database("intake"), rooms.clock)
    _, key = await reception.source()
    couples = Couples(reception.database, key)
    now = rooms.clock.now()
    first = await couples.lead(CONTENT, at=now)
    second = await couples.lead(replace(CONTENT, name=PLANTED, phone="+61400000009", street="12 Cadogan St"), at=now)
    return [first, second]


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_two_leads_are_made_one_and_two_again_by_clicks(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    first, second = await two(rooms)
    intake = rooms.address("intake")
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, f"{intake}/console/duplicates?state=held&sort=found")
    await here.page.get_by_role("link", name=PLANTED).first.click()
    await expect(here.page.get_by_text("Same email, same address, near name.")).to_be_visible()
    await here.page.get_by_role("radio", name="+61400000009").check()
    await here.page.get_by_role("button", name="Continue").click()
    await expect(
        here.page.get_by_text("It takes phone from the other; whoever has it is told by mail.")
    ).to_be_visible()
    await here.page.get_by_label("Why are they one").select_option("asked_twice")
    await here.page.get_by_label("In your words").fill("She rang")
    await here.page.get_by_role("button", name="Merge leads").click()
    await expect(here.page.get_by_text("Merged: this one goes on for both")).to_be_visible()
    await expect(here.page.get_by_text("+61400000009").first).to_be_visible()
    await here.page.goto(f"{intake}/console/leads/{second}")
    await expect(here.page.get_by_text("It was merged into another lead")).to_be_visible()
    await here.page.locator("summary", has_text="Unmerge").click()
    await here.page.locator("#do-unmerge").get_by_label("Why").select_option("two_people")
    await here.page.locator("#do-unmerge").get_by_label("In your words").fill("Two sisters")
    await here.page.get_by_role("button", name="Unmerge").click()
    await expect(here.page.get_by_text("Unmerged: it is a lead of its own again")).to_be_visible()
    await here.page.goto(f"{intake}/console/leads/{first}")
    await expect(here.page.get_by_text("took a merge into it apart")).to_be_visible()


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_credits_are_asked_for_after_a_merge_with_a_second_factor(
    rooms: Rooms, visit: Visits, has_scripts: bool
) -> None:
    reception = Reception(rooms.database("intake"), rooms.clock)
    database, (_, key) = reception.database, await reception.source()
    first, second = await Couples(database, key).leads(CONTENT, someone(5))
    await tell_all(database, second)
    await merge(database, first, second)
    person, here = await rooms.person(Role.ADMIN), await visit(java_script_enabled=has_scripts)
    await here.enter(person, f"{rooms.address('intake')}/console/leads/{second}", is_stepped_up=False)
    await here.page.locator("summary", has_text="Ask for credits").click()
    asking = here.page.locator("#do-ask-credits")
    await expect(asking.get_by_label("Bright Roofs, $85.00")).to_be_checked()
    await asking.get_by_label("In your words").fill("Sold twice")
    await asking.get_by_role("button", name="Ask for credits").click()
    dialog = here.page.get_by_role("dialog", name="Confirm that it is you") if has_scripts else here.page
    code = dialog.get_by_label("One-time code")
    await expect(code).to_be_visible()
    assert await rows(database, "SELECT 1 FROM credit_requests") == []
    await code.fill(person.code(rooms.house.clock))
    await dialog.get_by_role("button", name="Confirm and continue").click()
    if not has_scripts:
        await here.page.get_by_role("button", name="Continue").click()
    await expect(here.page.get_by_text("Finance is asked for the credits")).to_have_count(1)
    await expect(here.page.get_by_role("row", name="Bright Roofs").get_by_text("Not answered yet")).to_be_visible()
    await expect(here.page.locator("summary", has_text="Ask for credits")).to_have_count(0)
    (asked,) = await rows(database, "SELECT lead_id, assignment_id FROM credit_requests")
    assert asked == {"lead_id": second, "assignment_id": BRIGHT}


async def test_two_of_the_list_of_leads_are_compared_by_clicks(rooms: Rooms, visit: Visits) -> None:
    await two(rooms)
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.address('intake')}/console/leads")
    await expect(here.page.get_by_role("button", name="Compare two")).to_be_hidden()
    await here.page.get_by_label("Select all rows of this page").check()
    await here.page.get_by_role("button", name="Compare two").click()
    await expect(here.page.get_by_text("Same email, same address, near name.")).to_be_visible()


async def test_the_room_the_task_and_the_settings_are_open_to_everybody(rooms: Rooms, visit: Visits) -> None:
    first, second = await two(rooms)
    await tell_all(rooms.database("intake"), first)
    intake = rooms.address("intake")
    here = await visit()
    await here.enter(Role.EDITOR, f"{intake}/console/duplicates?state=held&sort=found")
    pair = f"{intake}/console/duplicates/{second}/{first}"
    for path in (
        f"{intake}/console/duplicates?state=held&sort=found",
        pair,
        f"{pair}?survivor={second}&step=credits",
        f"{pair}?survivor={second}&step=confirm",
        f"{intake}/console/duplicates/settings",
        f"{intake}/console/leads/{second}",
    ):
        await check_everywhere(here, path)


async def test_thresholds_are_tried_before_they_are_saved(rooms: Rooms, visit: Visits) -> None:
    await two(rooms)
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.address('intake')}/console/duplicates/settings")
    await here.page.get_by_label("Hold from a score of").fill("100")
    await here.page.get_by_role("button", name="Show effect").click()
    await expect(here.page.get_by_text("Nothing is saved yet.")).to_be_visible()
    await here.page.get_by_label("Why").fill("Too many are held")
    await here.page.get_by_role("button", name="Save settings").click()
    await expect(here.page.get_by_text("Saved: it holds for what comes in from now on")).to_be_visible()
