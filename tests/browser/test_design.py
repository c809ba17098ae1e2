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
    await form.get_by_label("Amount, AUD").fill("a lot")
    await form.get_by_role("button", name="Correct").click()
    await expect(form.locator(".fault")).to_contain_text("amount in dollars")
    await form.get_by_label("Amount, AUD").fill("1,300")
    await form.get_by_role("button", name="Correct").click()
    await expect(here.page.get_by_text("Corrected", exact=True)).to_be_visible()
