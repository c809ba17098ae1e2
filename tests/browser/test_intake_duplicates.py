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
from tests.intake.couples import Couples
from tests.intake.reception import Reception
from tests.intake.samples import CONTENT
from tests.intake.telling import tell_all

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
