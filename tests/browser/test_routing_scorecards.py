"""Scorecards by region, worked by clicks: in the order of a figure, onward to what stands behind it, and as a sheet."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.routing.arrangements import FREMANTLE, lead, leads

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]


async def arrange(rooms: Rooms) -> None:
    """Two leads that installers in New South Wales got, and three in the west that nobody has."""
    await rooms.floor.installers(2)
    await rooms.floor.dispatch(*leads(2), *(lead(location=FREMANTLE) for _ in range(3)))
    await rooms.floor.deliver(*[each.id for each in await rooms.floor.assignments()])
    rooms.clock.advance(timedelta(minutes=1))


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_regions_are_sorted_and_taken_along_as_a_sheet(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    await arrange(rooms)
    here = await visit(java_script_enabled=has_scripts)
    await here.sign_in(await rooms.person(Role.EDITOR), f"{rooms.routing}/console/scorecards")
    await expect(here.page.get_by_text("Evenness 1.000")).to_be_visible()
    await here.page.get_by_role("link", name="By region").click()
    rows = here.page.locator("table[data-list] tbody tr")
    await expect(rows.first).to_contain_text("WA")
    await here.page.get_by_role("link", name="Somebody got").click()
    await expect(here.page.get_by_role("columnheader", name="Somebody got")).to_have_attribute("aria-sort", "ascending")
    await here.page.get_by_role("link", name="Somebody got").click()
    await expect(rows.first).to_contain_text("NSW")
    async with here.page.expect_download() as download:
        await here.page.get_by_role("button", name="Export CSV").click()
    lines = Path(await (await download.value).path()).read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[1] for line in lines[:2]] == ["region", "NSW"]
    await here.page.locator("tr", has_text="WA").get_by_role("link", name="3").click()
    await expect(here.page.get_by_role("heading", name="Exceptions")).to_be_visible()


async def test_lists_and_a_region_hold_up_everywhere(rooms: Rooms, visit: Visits) -> None:
    await arrange(rooms)
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/scorecards")
    for path in ("scorecards", "scorecards/regions", "scorecards/regions/NSW"):
        await check_everywhere(here, f"{rooms.routing}/console/{path}")
