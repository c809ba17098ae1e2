"""The living design pages: whatever the rooms are made of, accessible in every state, and alive."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import expect

from chassis.console.design.uses import PAGES
from contracts.identity import Role
from tests.browser.conftest import Rooms, Visit
from tests.browser.sweep import check_everywhere

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
DESIGN = "/admin/design"


@pytest.mark.parametrize("path", ["", *(f"/{path}" for path, _, _ in PAGES if path != "bulk/running")])
async def test_every_page_is_accessible(rooms: Rooms, visit: Visits, path: str) -> None:
    here: Visit = await visit()
    address = rooms.identity + DESIGN + path
    await here.enter(Role.EDITOR, address)
    await check_everywhere(here, address, status=403 if path == "/not-allowed" else 200)


async def test_its_list_filters_sums_and_selects(rooms: Rooms, visit: Visits) -> None:
    here: Visit = await visit()
    await here.enter(Role.EDITOR, f"{rooms.identity}{DESIGN}/list")
    await expect(here.page.locator(".foot .total")).to_have_text("60 invoices")
    await here.page.get_by_role("link", name="Next").click()
    await expect(here.page.locator("tbody tr")).to_have_count(10)
    await here.page.get_by_label("Search", exact=True).fill("2026-012")
    await here.page.keyboard.press("Enter")
    await expect(here.page.locator("tbody tr")).to_have_count(1)
    await expect(here.page.locator(".foot strong")).to_have_text("$1,481.40")
    await here.page.get_by_label("Select INV-2026-012").check()
    await here.page.get_by_role("button", name="Remind").click()
    await here.page.get_by_label("Reason").fill("It is due")
    await here.page.get_by_role("button", name="Remind").click()
    await expect(here.page.get_by_text("38 of 40 are done")).to_be_visible()


async def test_its_document_tells_faults_beside_their_fields(rooms: Rooms, visit: Visits) -> None:
    here: Visit = await visit()
    await here.enter(Role.EDITOR, f"{rooms.identity}{DESIGN}/document")
    await here.page.locator("summary", has_text="Correct").click()
    form = here.page.locator("#do-correct")
    await form.get_by_label("Called").fill("2026-03-03T14:05")
    await form.get_by_role("radio", name="Not reached").check()
    await form.get_by_label("Amount, AUD").fill("a lot")
    await form.get_by_role("button", name="Correct").click()
    await expect(form.locator(".fault")).to_contain_text("amount in dollars")
    await form.get_by_label("Amount, AUD").fill("1,300")
    await form.get_by_role("button", name="Correct").click()
    await expect(here.page.get_by_text("Corrected", exact=True)).to_be_visible()


async def test_its_radio_is_one_of_its_options_and_wants_one(rooms: Rooms, visit: Visits) -> None:
    here: Visit = await visit()
    await here.enter(Role.EDITOR, f"{rooms.identity}{DESIGN}/document")
    await here.page.locator("summary", has_text="Correct").click()
    answers = here.page.get_by_role("group", name="Their answer")
    await answers.get_by_label("Accepted").check()
    await answers.get_by_label("Not reached").check()
    await expect(answers.get_by_label("Accepted")).not_to_be_checked()
    await expect(here.page.get_by_label("Called Australia/Sydney optional")).to_have_attribute("type", "datetime-local")


async def test_its_document_draws_a_chart_whose_bars_are_doors(rooms: Rooms, visit: Visits) -> None:
    here: Visit = await visit()
    await here.enter(Role.EDITOR, f"{rooms.identity}{DESIGN}/document")
    section = here.page.get_by_role("region", name="By suburb")
    await expect(section.locator("svg rect:not(.then)")).to_have_count(2)
    await section.get_by_text("As a table").click()
    await expect(section.get_by_role("row", name="Carlton VIC 3053 7 6")).to_be_visible()
    await section.locator(".bar-row").first.click()
    await expect(here.page).to_have_url(f"{rooms.identity}{DESIGN}/list")


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_previewed_action_is_filled_in_again_or_confirmed(rooms: Rooms, visit: Visits, scripts: bool) -> None:
    here: Visit = await visit(java_script_enabled=scripts)
    await here.enter(Role.EDITOR, f"{rooms.identity}{DESIGN}/bulk/previewed")
    await expect(here.page.get_by_role("row", name="INV-2026-010")).to_contain_text("Due 3 March → 17 March")
    await here.page.get_by_text("Fill in again").click()
    await expect(here.page.get_by_label("Due")).to_have_value("2026-03-17")
    await here.page.get_by_role("button", name="Preview").click()
    await expect(here.page).to_have_url(f"{rooms.identity}{DESIGN}/bulk/previewed")
    await here.page.get_by_role("button", name="Postpone").click()
    await expect(here.page.get_by_text("38 of 40 are done")).to_be_visible()
