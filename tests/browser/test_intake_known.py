"""A lead's page with all that the other services told of it, its correction by clicks, and its evidence of consent."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.intake.reception import Reception
from tests.intake.telling import tell_all

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]


async def known_lead(rooms: Rooms) -> str:
    """The address of one of whom all services have told."""
    reception = Reception(rooms.database("intake"), rooms.clock)
    _, key = await reception.source()
    lead_id = await reception.lead(key, ago=timedelta(hours=2))
    await tell_all(reception.database, lead_id)
    return f"{rooms.address('intake')}/console/leads/{lead_id}"


async def test_a_leads_page_tells_all_that_is_known(rooms: Rooms, visit: Visits) -> None:
    address = await known_lead(rooms)
    here = await visit()
    await here.enter(Role.EDITOR, address)
    await expect(here.page.get_by_role("link", name="WB-000031")).to_have_count(1)
    await expect(here.page.get_by_text("chose 2 of 9 installers")).to_have_count(1)
    await check_everywhere(here, address)


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_lead_is_corrected_by_clicks(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    address = await known_lead(rooms)
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, address)
    await here.page.locator("summary", has_text="Correct lead").click()
    await expect(here.page.get_by_text("Bright Roofs will be told by mail what changed")).to_be_visible()
    await here.page.get_by_label("Phone", exact=True).fill("0499 111 222")
    await here.page.get_by_label("Suburb", exact=True).fill("<b>Newtown</b>")
    await here.page.get_by_label("Why").select_option("person_told")
    await here.page.locator("#do-correct").get_by_label("In your words").fill("They rang")
    await here.page.get_by_role("button", name="Correct lead").click()
    await expect(here.page.get_by_text("Person told: They rang")).to_have_count(1)
    await expect(here.page.locator("ins", has_text="+61499111222")).to_have_count(1)
    await expect(here.page.locator("ins", has_text="<b>Newtown</b>")).to_have_count(1)
    await expect(here.page.get_by_role("rowheader", name="Phone, Place")).to_have_count(1)


async def test_the_evidence_of_consent_is_a_file_of_its_own(rooms: Rooms, visit: Visits) -> None:
    address = await known_lead(rooms)
    here = await visit()
    await here.enter(Role.EDITOR, address)
    async with here.page.expect_download() as started:
        await here.page.get_by_role("button", name="Export evidence").click()
    download = await started.value
    assert download.suggested_filename == f"consent-{address.rpartition('/')[2]}.html"
    await here.page.goto(f"file://{await download.path()}")
    await expect(here.page.get_by_text("I agree to be called about quotes.")).to_be_visible()
