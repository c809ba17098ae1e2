"""The room of erasures: a person is found, chosen and erased by clicks, with scripts and without."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.intake.reception import Reception
from tests.intake.samples import rows
from tests.intake.telling import tell_all

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
ERASURES = "/console/erasures"


def reception_of(rooms: Rooms) -> Reception:
    return Reception(rooms.database("intake"), rooms.clock)


async def two_leads(reception: Reception) -> list[UUID]:
    """Of one person, and one of another."""
    _, key = await reception.source()
    ago = timedelta(days=3)
    first = await reception.lead(key, ago=ago)
    await tell_all(reception.database, first)
    second = await reception.lead(key, ago=ago, street="14 Cadogan Street", service="heat-pump")
    await reception.lead(key, name="Noah Vella", email="noah@vella.example", phone="+61499000111")
    return [first, second]


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_person_is_found_chosen_and_erased(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    lead_ids = await two_leads(reception_of(rooms))
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, f"{rooms.address('intake')}{ERASURES}")
    await here.page.get_by_role("link", name="Erase a person").first.click()
    await here.page.get_by_label("Name, e-mail, phone or street").fill("o'brien")
    await here.page.get_by_role("button", name="Search").click()
    boxes = here.page.get_by_role("checkbox")
    await expect(boxes).to_have_count(2)
    for place in range(2):
        await boxes.nth(place).check()
    await here.page.get_by_role("button", name="Next: confirm").click()
    await expect(here.page.get_by_text("2 leads will say nothing of the person")).to_be_visible()
    await expect(here.page.get_by_text("Bright Roofs had them delivered")).to_be_visible()
    await here.page.get_by_label("Why").select_option("consent_withdrawn")
    await here.page.get_by_label("In your words").fill("Asked by telephone, called back on the number")
    await here.page.get_by_label("Type ERASE").fill("ERASE")
    await here.page.get_by_role("button", name="Erase the person").click()
    await expect(here.page.get_by_role("heading", name="Erased person, 2 leads")).to_be_visible()
    await expect(here.page.get_by_text("Ask Bright Roofs to forget the person too")).to_be_visible()
    left = await rows(rooms.database("intake"), "SELECT id, name FROM leads WHERE erased_at IS NOT NULL")
    assert {row["id"]: row["name"] for row in left} == dict.fromkeys(lead_ids, "")


async def test_an_erased_lead_says_nothing_of_its_person_and_why_nothing_can_be_done(
    rooms: Rooms, visit: Visits
) -> None:
    lead_ids = await two_leads(reception_of(rooms))
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.address('intake')}/console/leads/{lead_ids[0]}")
    await here.page.get_by_role("link", name="Erase the person").click()
    await expect(here.page.get_by_role("checkbox", checked=True)).to_have_count(1)
    await here.page.get_by_role("button", name="Next: confirm").click()
    await here.page.get_by_label("Why").select_option("objected")
    await here.page.get_by_label("In your words").fill("A letter, filed under 42")
    await here.page.get_by_label("Type ERASE").fill("ERASE")
    await here.page.get_by_role("button", name="Erase the person").click()
    await expect(here.page.get_by_role("heading", name="Erased person, 1 lead")).to_be_visible()
    await here.page.locator("table").get_by_role("link").first.click()
    await expect(here.page.get_by_role("heading", name="Erased person", exact=True)).to_be_visible()
    await expect(here.page.locator(".action.impossible", has_text="its person was erased")).to_have_count(3)
    await expect(here.page.get_by_text("O'Brien")).to_have_count(0)


async def test_every_step_passes_the_sweep(rooms: Rooms, visit: Visits) -> None:
    lead_ids = await two_leads(reception_of(rooms))
    base = rooms.address("intake")
    here = await visit()
    await here.enter(Role.EDITOR, f"{base}{ERASURES}")
    chosen = "&".join(f"lead={id_}" for id_ in lead_ids)
    for path in ("", "/new", "/new?q=obrien", f"/new/confirm?{chosen}"):
        await check_everywhere(here, f"{base}{ERASURES}{path}")
